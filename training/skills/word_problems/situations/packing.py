"""Packs, dozens, halves and parts. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

PACKING = (
    Situation(
        name="packing",
        numbers={"n": (2, 12), "q": (2, 40), "k": (2, 60), "m": "n*q", "t": "m+k"},
        facts=(
            (
                "{Name} needs {t} {items}",
                "a class needs {t} {items}",
                "{t} {items} are needed for a party",
                "{Name} wants to have {t} {items}",
            ),
            (
                "{he} already has {k}",
                "{k} of them are there already",
                "{k} are at hand",
                "{k} of these are in the {place}",
            ),
            (
                "{items} are sold in packs of {n}",
                "there are {n} {items} in a pack",
                "the {shop} sells packs of {n} {items}",
                "one pack holds {n} {items}",
            ),
        ),
        questions=(
            Question(
                formula="(t-k)/n",
                wordings=(
                    "how many packs have to be bought?",
                    "how many packs does {Name} have to buy?",
                    "how many packs are still needed?",
                    "find the number of packs that are needed.",
                ),
            ),
        ),
    ),
    Situation(
        name="filling boxes",
        numbers={"n": (2, 12), "q": (2, 60), "t": "n*q", "a": (2, 10), "p": (2, 20)},
        facts=(
            (
                "{Name} has {t} {items}",
                "a {worker} makes {t} {items}",
                "there are {t} {items} on a table",
                "{Name} gathers {t} {items}",
            ),
            (
                "{n} {items} go into each {box}",
                "{he} puts {n} {items} into each {box}",
                "each {box} has room for {n} {items}",
                "they are packed into {boxes}, {n} in each",
            ),
        ),
        questions=(
            Question(
                formula="t/n",
                wordings=(
                    "how many {boxes} are filled?",
                    "how many {boxes} are needed?",
                    "how many {boxes} is that?",
                    "find the number of {boxes}.",
                ),
            ),
            Question(
                formula="t/n*p",
                facts=(
                    (
                        "each {box} is sold for ${p}",
                        "one {box} costs ${p}",
                        "people pay ${p} for a {box}",
                        "{he} gets ${p} for every {box}",
                    ),
                ),
                wordings=(
                    "how much money is that in all?",
                    "how many dollars do all the {boxes} bring in?",
                    "how much money do the {boxes} bring?",
                    "what do all the {boxes} cost together, in dollars?",
                ),
            ),
            Question(
                formula="t/n-a",
                facts=(
                    (
                        "{a} of the full {boxes} are sold",
                        "{a} full {boxes} are given away",
                        "then {a} of the {boxes} are sent off",
                        "{Other} takes {a} of the full {boxes}",
                    ),
                ),
                wordings=(
                    "how many full {boxes} are left?",
                    "how many {boxes} remain?",
                    "how many {boxes} are still there?",
                    "find how many full {boxes} are left over.",
                ),
            ),
        ),
    ),
    Situation(
        name="dozens",
        numbers={"a": (2, 40), "b": (2, 100)},
        facts=(
            (
                "{Name} buys {a} dozen {items}",
                "{Name} orders {a} dozen {items}",
                "{Name} has {a} dozen {items}",
                "there are {a} dozen {items} in a {box}",
                "{Name} makes {a} dozen {items}",
            ),
        ),
        questions=(
            Question(
                formula="a*12",
                wordings=(
                    "how many {items} is that?",
                    "how many {items} are there?",
                    "what number of {items} is that?",
                    "find how many {items} there are.",
                ),
            ),
            Question(
                formula="a*12-b",
                facts=(
                    (
                        "{b} of them are used",
                        "{he} uses {b} of the {items}",
                        "{b} of them are eaten by mice",
                        "{he} gives {b} of the {items} away",
                        "{Other} takes {b} of them",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "how many {items} does {Name} have left?",
                    "how many are left over?",
                ),
            ),
        ),
    ),
    Situation(
        name="half of them",
        numbers={"h": (2, 120), "t": "h*2", "b": (2, 60), "c": (2, 40)},
        facts=(
            (
                "{Name} has {t} {items}",
                "there are {t} {items} in a {box}",
                "{Name} collects {t} {items}",
                "a {worker} makes {t} {items}",
                "{Name} brings {t} {items} to the {shop}",
            ),
            (
                "half of them are {color}",
                "half of the {items} are sold",
                "{he} gives half of them to {Other}",
                "{Other} takes half of them",
                "half of them are broken",
            ),
        ),
        questions=(
            Question(
                formula="t/2",
                wordings=(
                    "how many {items} is that half?",
                    "how many {items} are in that half?",
                    "how many {items} make up that half?",
                    "what number of {items} is one half?",
                ),
            ),
            Question(
                formula="t/2-b",
                facts=(
                    (
                        "of the other half {b} get lost",
                        "{b} of the rest are thrown away",
                        "{he} then uses {b} of the others",
                        "of the rest, {b} go to {Third}",
                    ),
                ),
                wordings=(
                    "how many {items} are left then?",
                    "how many {items} remain of that half?",
                    "how many are left of the other half?",
                    "how many {items} is that in the end?",
                ),
            ),
            Question(
                formula="t/2+c",
                facts=(
                    (
                        "to the other half {c} new ones are added",
                        "then {he} adds {c} more to the other half",
                        "{Third} puts {c} more to the rest",
                    ),
                ),
                wordings=(
                    "how many {items} are with that half now?",
                    "how many {items} is that then?",
                    "how many {items} are there with the rest now?",
                ),
            ),
        ),
    ),
    Situation(
        name="a third of them",
        numbers={"h": (2, 90), "k": (3, 5), "t": "h*12", "b": (2, 60)},
        facts=(
            (
                "{Name} has {t} {items}",
                "there are {t} {items} in a {box}",
                "{Name} collects {t} {items}",
                "a {worker} makes {t} {items}",
                "the {shop} has {t} {items}",
            ),
        ),
        questions=(
            Question(
                formula="t-t/3",
                facts=(
                    (
                        "a third of them are sold",
                        "{he} gives a third of them away",
                        "one third of the {items} get lost",
                        "1/3 of them are broken",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "what number of {items} is left over?",
                ),
            ),
            Question(
                formula="t-t/4",
                facts=(
                    (
                        "a quarter of them are sold",
                        "{he} gives a quarter of them away",
                        "one fourth of the {items} get lost",
                        "1/4 of them are broken",
                    ),
                ),
                wordings=(
                    "how many {items} are left?",
                    "how many {items} remain?",
                    "what number of {items} is left over?",
                ),
            ),
            Question(
                formula="t/3*2",
                facts=(
                    (
                        "two thirds of them are {color}",
                        "2/3 of the {items} are {color}",
                        "two thirds of the {items} are sold",
                    ),
                ),
                wordings=(
                    "how many {items} is that?",
                    "how many {items} are these two thirds?",
                    "what number of {items} is that?",
                ),
            ),
        ),
    ),
)
