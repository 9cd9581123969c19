"""Boxes of two and of three kinds. Data only."""

from __future__ import annotations

from ..situation import Question, Situation
from .boxes import IN_ALL

_FIRST = (
    "{Name} has {a} {boxes} of {b} {items}",
    "there are {a} {boxes} with {b} {items} in each",
    "{a} {boxes} hold {b} {items} each",
    "each of the {a} {boxes} has {b} {items} in it",
    "in the {place} are {a} {boxes} that hold {b} {items} apiece",
    "{Name} packs {b} {items} into each of {a} {boxes}",
    "{Name} fills {a} {boxes} with {b} {items} each",
    "{b} {items} are in every one of {a} {boxes}",
    "with {b} {items} in each, {a} {boxes} stand by the door",
    "{a} {boxes} arrive, every one with {b} {items}",
    "one {box} holds {b} {items}, and there are {a} such {boxes}",
)
_SECOND = (
    "{Other} has {c} {boxes2} of {d} {items}",
    "there are {c} {boxes2} with {d} {items} in each",
    "{c} {boxes2} hold {d} {items} each",
    "each of the {c} {boxes2} has {d} {items} in it",
    "in one corner are {c} {boxes2} that hold {d} {items} apiece",
    "{Other} packs {d} {items} into each of {c} {boxes2}",
    "{Other} fills {c} {boxes2} with {d} {items} each",
    "{d} {items} are in every one of {c} {boxes2}",
    "with {d} {items} in each, {c} {boxes2} are brought in",
    "{c} {boxes2} are delivered, every one with {d} {items}",
    "one {box2} holds {d} {items}, and there are {c} such {boxes2}",
)
_THIRD = (
    "{Third} has {e} {boxes3} of {f} {items}",
    "there are {e} {boxes3} with {f} {items} in each",
    "{e} {boxes3} hold {f} {items} each",
    "{Third} fills {e} {boxes3} with {f} {items} each",
    "each of the {e} {boxes3} has {f} {items} in it",
    "{Third} packs {f} {items} into each of {e} {boxes3}",
    "{f} {items} are in every one of {e} {boxes3}",
    "in front of the {shop} are {e} {boxes3} that hold {f} {items} apiece",
    "with {f} {items} in each, {e} {boxes3} wait outside",
    "one {box3} holds {f} {items}, and there are {e} such {boxes3}",
)

KINDS_OF_BOXES = (
    Situation(
        name="two kinds of boxes",
        numbers={"a": (2, 30), "b": (2, 40), "c": (2, 30), "d": (2, 40), "e": (2, 90)},
        orderless=True,
        facts=(_FIRST, _SECOND),
        questions=(
            Question(formula="a*b+c*d", wordings=IN_ALL),
            Question(
                formula="a*b-c*d",
                wordings=(
                    "how many more {items} are in the {boxes} than in the {boxes2}?",
                    "how many {items} more do the {boxes} hold than the {boxes2}?",
                    "by how much does the number of {items} in the {boxes} exceed that in the {boxes2}?",
                    "how many fewer {items} are in the {boxes2} than in the {boxes}?",
                    "how many {items} less do the {boxes2} hold than the {boxes}?",
                    "find how many more {items} the {boxes} have than the {boxes2}.",
                    "what is the difference between the numbers of {items} in the {boxes} and the {boxes2}?",
                    "work out by how many {items} the {boxes} are ahead of the {boxes2}.",
                    "calculate how many fewer {items} the {boxes2} contain than the {boxes}.",
                    "tell me how many more {items} there are in the {boxes} than in the {boxes2}.",
                    "determine the difference in {items} between all the {boxes} and all the {boxes2}.",
                ),
            ),
            Question(
                formula="a*b+c*d-e",
                facts=(
                    (
                        "{e} of all the {items} are sold",
                        "{e} of all the {items} are gone",
                        "then {e} {items} are taken out",
                        "{Third} takes {e} of the {items}",
                        "{e} of the {items} break",
                        "people buy {e} of the {items}",
                        "out of all the {items}, {e} are given away",
                        "{Third} uses up {e} of the {items}",
                        "altogether {e} {items} get lost",
                        "{e} {items} turn out to be bad and are thrown away",
                        "{Third} buys {e} of all these {items}",
                        "after some days {e} of the {items} are gone",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "how many {items} are there now?",
                    "what number of {items} is left over?",
                    "find how many {items} are left in all.",
                    "work out the number of {items} that remain.",
                    "tell me how many {items} are still there.",
                    "calculate the remaining number of {items}.",
                    "how many {items} are still there in the end?",
                    "what is the number of {items} after that?",
                    "determine how many {items} are left altogether.",
                ),
            ),
            Question(
                formula="c*d",
                wordings=(
                    "how many {items} are in the {boxes2}?",
                    "how many {items} do the {boxes2} hold in all?",
                    "what is the total number of {items} in the {boxes2}?",
                    "find the number of {items} in the {boxes2}.",
                    "work out how many {items} all the {boxes2} hold together.",
                    "tell me how many {items} are in the {boxes2} alone.",
                    "how many of the {items} are in the {boxes2}?",
                    "calculate how many {items} the {boxes2} contain.",
                    "determine the number of {items} in all the {boxes2}.",
                    "how many {items} are there without those in the {boxes}?",
                ),
            ),
            Question(
                formula="a+c",
                wordings=(
                    "how many {boxes} and {boxes2} are there in all?",
                    "how many {boxes} and {boxes2} are these altogether?",
                    "what is the total number of {boxes} and {boxes2}?",
                    "find how many {boxes} and {boxes2} there are together.",
                    "work out the number of all {boxes} and {boxes2}.",
                    "tell me how many {boxes} and {boxes2} these are in total.",
                    "how many are all the {boxes} and {boxes2} together?",
                    "calculate the number of {boxes} and {boxes2} together.",
                    "determine how many {boxes} and {boxes2} that makes.",
                ),
            ),
        ),
    ),
    Situation(
        name="three kinds of boxes",
        numbers={
            "a": (2, 20),
            "b": (2, 30),
            "c": (2, 20),
            "d": (2, 30),
            "e": (2, 20),
            "f": (2, 30),
        },
        orderless=True,
        facts=(_FIRST, _SECOND, _THIRD),
        questions=(
            Question(formula="a*b+c*d+e*f", wordings=IN_ALL),
            Question(
                formula="a+c+e",
                wordings=(
                    "how many {boxes}, {boxes2} and {boxes3} are there in all?",
                    "how many {boxes}, {boxes2} and {boxes3} are these altogether?",
                    "what is the total number of {boxes}, {boxes2} and {boxes3}?",
                    "find how many {boxes}, {boxes2} and {boxes3} there are together.",
                    "work out the number of all {boxes}, {boxes2} and {boxes3}.",
                    "tell me how many {boxes}, {boxes2} and {boxes3} these are in total.",
                    "how many are all the {boxes}, {boxes2} and {boxes3} together?",
                    "calculate the number of {boxes}, {boxes2} and {boxes3} together.",
                    "determine how many {boxes}, {boxes2} and {boxes3} that makes.",
                ),
            ),
        ),
    ),
)
