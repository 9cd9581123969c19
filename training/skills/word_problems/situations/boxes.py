"""Boxes and rows of things. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_IN_ALL = (
    "how many {items} are there in all?",
    "how many {items} are there altogether?",
    "how many {items} are there in total?",
    "what is the total number of {items}?",
    "find the number of {items} altogether.",
    "how many {items} does that make?",
    "how many {items} is that in all?",
)
_HAS = (
    "how many {items} does {Name} have in all?",
    "how many {items} does {Name} have altogether?",
    "how many {items} does {he} have now?",
    "what is the total number of {items} that {Name} has?",
    "find how many {items} {Name} has in total.",
    "how many {items} is that for {Name}?",
)
_LEFT = (
    "how many {items} are left?",
    "how many {items} does {Name} have left?",
    "how many {items} does {he} still have?",
    "how many {items} remain?",
    "what is the number of {items} that {Name} has left?",
    "how many {items} does {Name} keep?",
)
_GIVEN_AWAY = (
    "{Name} gives {d} {items} to {Other}",
    "{he} gives away {d} of the {items}",
    "{d} of the {items} get lost",
    "{he} sells {d} {items} at the {shop}",
    "{Other} takes {d} of them",
    "{d} of them turn out to be broken and are thrown away",
    "{he} drops {d} of them on the way home",
)

BOXES = (
    Situation(
        name="rows and more",
        numbers={"a": (2, 40), "b": (2, 30), "c": (2, 150), "d": (2, 90)},
        facts=(
            (
                "a {box} holds {a} rows of {b} {items}",
                "there are {a} rows of {b} {items} in a {box}",
                "a {box} has {a} rows with {b} {items} in each",
                "{Name} lays out {a} rows of {b} {items}",
                "a {box} is packed with {a} layers of {b} {items}",
                "{a} rows with {b} {items} each stand in the {place}",
                "in a {box} there are {b} {items} in each of {a} rows",
                "{Name} puts {b} {items} into each of {a} rows",
            ),
            (
                "a {box2} holds {c} more",
                "a {box2} holds {c} more {items}",
                "a {box2} has {c} more",
                "a {box2} holds another {c}",
                "a {box2} contains {c} more",
                "there are {c} more {items} in a {box2}",
                "{c} others lie in a {box2}",
                "a {box2} has another {c}",
                "{Other} brings {c} more",
                "there are {c} loose {items} beside them",
                "{c} more {items} are on the floor",
            ),
        ),
        questions=(
            Question(formula="a*b+c", wordings=_IN_ALL),
            Question(
                formula="a*b+c-d",
                facts=(
                    (
                        "{d} of all these {items} are sold",
                        "then {d} {items} are taken away",
                        "later {d} of them are used up",
                        "{Third} takes {d} of them away",
                        "after a week {d} of the {items} are gone",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "how many {items} are there then?",
                    "what number of {items} is left over?",
                ),
            ),
        ),
    ),
    Situation(
        name="boxes and loose ones",
        numbers={"a": (2, 30), "b": (2, 48), "c": (2, 90), "d": (2, 60), "e": (2, 12)},
        facts=(
            (
                "{Name} has {a} {boxes} with {b} {items} in each",
                "{Name} has {a} {boxes} of {b} {items} each",
                "{Name} buys {a} {boxes}, each with {b} {items} in it",
                "there are {b} {items} in each of {a} {boxes} that {Name} owns",
                "{Name} fills {a} {boxes} with {b} {items} each",
                "{Name} carries {a} {boxes} that hold {b} {items} apiece",
                "{Name} orders {a} {boxes}, and every one of them has {b} {items}",
            ),
        ),
        questions=(
            Question(formula="a*b", wordings=_HAS),
            Question(
                formula="a*b+c",
                facts=(
                    (
                        "{he} also has {c} loose {items}",
                        "{he} finds {c} more {items} in a drawer",
                        "{Other} gives {him} {c} more",
                        "{he} gets another {c} {items} for {his} birthday",
                        "besides, {he} has {c} single {items}",
                        "{he} already had {c} {items} before",
                    ),
                ),
                wordings=_HAS,
            ),
            Question(formula="a*b-d", facts=(_GIVEN_AWAY,), wordings=_LEFT),
            Question(
                formula="(a-e)*b",
                facts=(
                    (
                        "{he} gives {e} of the {boxes} to {Other}",
                        "{he} loses {e} of the {boxes}",
                        "{e} of the {boxes} are stolen",
                        "{he} returns {e} {boxes} to the {shop}",
                        "{he} leaves {e} of the {boxes} in the {place}",
                    ),
                ),
                wordings=_LEFT,
            ),
        ),
    ),
    Situation(
        name="two kinds of boxes",
        numbers={"a": (2, 30), "b": (2, 40), "c": (2, 30), "d": (2, 40), "e": (2, 90)},
        orderless=True,
        facts=(
            (
                "{Name} has {a} {boxes} of {b} {items}",
                "there are {a} {boxes} with {b} {items} in each",
                "{a} {boxes} hold {b} {items} each",
                "each of the {a} {boxes} has {b} {items} in it",
                "in the {place} are {a} {boxes} that hold {b} {items} apiece",
                "{Name} packs {b} {items} into each of {a} {boxes}",
            ),
            (
                "{Other} has {c} {boxes2} of {d} {items}",
                "there are {c} {boxes2} with {d} {items} in each",
                "{c} {boxes2} hold {d} {items} each",
                "each of the {c} {boxes2} has {d} {items} in it",
                "on a shelf are {c} {boxes2} that hold {d} {items} apiece",
                "{Other} packs {d} {items} into each of {c} {boxes2}",
            ),
        ),
        questions=(
            Question(formula="a*b+c*d", wordings=_IN_ALL),
            Question(
                formula="a*b-c*d",
                wordings=(
                    "how many more {items} are in the {boxes} than in the {boxes2}?",
                    "how many {items} more do the {boxes} hold than the {boxes2}?",
                    "by how much does the number of {items} in the {boxes} exceed that in the {boxes2}?",
                    "how many fewer {items} are in the {boxes2} than in the {boxes}?",
                ),
            ),
            Question(
                formula="a*b+c*d-e",
                facts=(
                    (
                        "{e} of all the {items} are sold",
                        "then {e} {items} are taken out",
                        "{Third} takes {e} of them",
                        "{e} of the {items} break",
                        "people buy {e} of the {items}",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "how many {items} are there now?",
                    "what number of {items} is left over?",
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
        facts=(
            (
                "{Name} has {a} {boxes} of {b} {items}",
                "there are {a} {boxes} with {b} {items} in each",
                "{a} {boxes} hold {b} {items} each",
                "{Name} fills {a} {boxes} with {b} {items} each",
            ),
            (
                "{Other} has {c} {boxes2} of {d} {items}",
                "there are {c} {boxes2} with {d} {items} in each",
                "{c} {boxes2} hold {d} {items} each",
                "{Other} fills {c} {boxes2} with {d} {items} each",
            ),
            (
                "{Third} has {e} {boxes3} of {f} {items}",
                "there are {e} {boxes3} with {f} {items} in each",
                "{e} {boxes3} hold {f} {items} each",
                "{Third} fills {e} {boxes3} with {f} {items} each",
            ),
        ),
        questions=(Question(formula="a*b+c*d+e*f", wordings=_IN_ALL),),
    ),
)
