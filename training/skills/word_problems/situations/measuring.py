"""Areas, weights, volumes and lengths. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

MEASURING = (
    Situation(
        name="rectangle",
        numbers={"a": (3, 90), "b": (2, 60), "p": (2, 20)},
        facts=(
            (
                "a garden is {a} feet long and {b} feet wide",
                "a field measures {a} by {b} meters",
                "a rectangle has sides of {a} and {b} meters",
                "the floor of the {place} is {a} feet by {b} feet",
                "{Name} has a yard of {a} by {b} meters",
            ),
        ),
        questions=(
            Question(
                formula="a*b",
                wordings=(
                    "what is its area?",
                    "how large is its area?",
                    "how many square units does it cover?",
                    "find the area.",
                ),
            ),
            Question(
                formula="(a+b)*2",
                wordings=(
                    "what is its perimeter?",
                    "how long is the way around it?",
                    "how long is a fence around it?",
                    "find the perimeter.",
                ),
            ),
            Question(
                formula="(a+b)*2*p",
                facts=(
                    (
                        "a fence costs ${p} for each unit of length",
                        "one unit of fence is ${p}",
                        "a border costs ${p} per unit of length",
                    ),
                ),
                wordings=(
                    "how much does a fence around it cost?",
                    "what does it cost to go all around it?",
                    "how many dollars does the way around it cost?",
                ),
            ),
            Question(
                formula="a*b*p",
                facts=(
                    (
                        "grass costs ${p} per square unit",
                        "a cover costs ${p} for each square unit",
                        "paint for one square unit costs ${p}",
                    ),
                ),
                wordings=(
                    "how much does it cost to cover all of it?",
                    "how many dollars does it cost for the whole area?",
                    "what does that cost for all of it?",
                ),
            ),
        ),
    ),
    Situation(
        name="load",
        numbers={"a": (2, 40), "b": (2, 60), "t": (100, 3000, 10), "c": (2, 20), "d": (2, 40)},
        facts=(
            (
                "a {vehicle} carries {a} {boxes} of {b} pounds each",
                "{a} {boxes} that weigh {b} pounds each are on a {vehicle}",
                "{Name} loads {a} {boxes} of {b} pounds each on a {vehicle}",
                "a {vehicle} is loaded with {a} {boxes}, {b} pounds each",
            ),
        ),
        questions=(
            Question(
                formula="t-a*b",
                facts=(
                    (
                        "it can carry {t} pounds",
                        "its limit is {t} pounds",
                        "at most {t} pounds are allowed",
                        "{t} pounds is all that it can bear",
                    ),
                ),
                wordings=(
                    "how many more pounds can it carry?",
                    "how many pounds are still allowed?",
                    "how many pounds of room are left?",
                ),
            ),
            Question(
                formula="a*b+c*d",
                facts=(
                    (
                        "{c} {boxes2} of {d} pounds each are put on too",
                        "{c} {boxes2} that weigh {d} pounds each come on top",
                        "it also carries {c} {boxes2} of {d} pounds each",
                    ),
                ),
                wordings=(
                    "how many pounds is that in all?",
                    "what is the weight of the whole load?",
                    "how heavy is all of it, in pounds?",
                ),
            ),
        ),
    ),
    Situation(
        name="tank",
        numbers={"a": (3, 60), "b": (2, 40), "c": (2, 100), "d": (2, 20)},
        facts=(
            (
                "{a} liters of water flow into a tank every minute",
                "a pump moves {a} liters a minute into a tank",
                "a tap fills {a} liters a minute into a pool",
                "every minute {a} gallons run into a pond",
            ),
            (
                "this goes on for {b} minutes",
                "it runs for {b} minutes",
                "{b} minutes pass",
                "it is stopped after {b} minutes",
            ),
        ),
        questions=(
            Question(
                formula="a*b-c",
                facts=(
                    ("{c} of it leak out", "{c} of it are used up", "then {c} are let out again"),
                ),
                wordings=(
                    "how much water is left?",
                    "how much is in there then?",
                    "how much of it remains?",
                ),
            ),
            Question(
                formula="a*b+c",
                facts=(
                    (
                        "at the start {c} were in it",
                        "before that it already held {c}",
                        "there were {c} in it before",
                        "it held {c} at the beginning",
                        "at first there were {c} in it",
                    ),
                ),
                wordings=(
                    "how much water is in it then?",
                    "how much is in there at the end?",
                    "how much does it hold now?",
                ),
            ),
            Question(
                formula="(a-d)*b",
                facts=(
                    (
                        "{d} leak out in every minute",
                        "at the same time {d} flow out each minute",
                        "but each minute {d} are lost",
                    ),
                ),
                wordings=(
                    "how much water is in it after that?",
                    "how much is there at the end?",
                    "how much has been gained by then?",
                ),
            ),
        ),
    ),
    Situation(
        name="cutting",
        numbers={"n": (2, 12), "q": (2, 40), "c": (2, 30), "r": "n*q", "t": "r+c"},
        facts=(
            (
                "{Name} has a rope of {t} feet",
                "a {worker} has a board of {t} inches",
                "a ribbon is {t} inches long",
                "a wire has a length of {t} feet",
            ),
            (
                "{c} of it are cut off and thrown away",
                "the first {c} are of no use and cut off",
                "a piece of {c} is given away",
            ),
            (
                "the rest is cut into {n} equal pieces",
                "what is left is cut into {n} pieces of the same length",
                "then {n} equal parts are made of the rest",
            ),
        ),
        questions=(
            Question(
                formula="(t-c)/n",
                wordings=(
                    "how long is each piece?",
                    "how long is one of the equal pieces?",
                    "what is the length of each of these?",
                ),
            ),
        ),
    ),
)
