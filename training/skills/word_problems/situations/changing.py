"""What is added to things, and taken away again. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

CHANGING = (
    Situation(
        name="three days",
        numbers={"a": (5, 150), "b": (2, 120), "c": (2, 100), "d": (2, 90), "e": (2, 60)},
        facts=(
            (
                "{Name} had {a} {items}",
                "at first {Name} had {a} {items}",
                "{Name} started the week with {a} {items}",
                "there were {a} {items} in {Name}'s collection",
                "on {day} {Name} had {a} {items}",
                "{Name} owned {a} {items}",
            ),
            (
                "{he} gave {b} of them to {Other}",
                "{he} lost {b} of them",
                "{he} sold {b} of them to {Other}",
                "{b} of them broke",
                "{Other} borrowed {b} of them",
                "{he} used {b} of the {items} for a gift",
            ),
            (
                "{he} then bought {c} more",
                "later {Third} gave {him} {c} {items}",
                "then {he} found {c} {items}",
                "{he} got {c} new {items} at the {shop}",
                "after that {he} made {c} more {items}",
                "{his} aunt sent {him} another {c}",
            ),
        ),
        questions=(
            Question(
                formula="a-b+c",
                wordings=(
                    "how many {items} does {Name} have now?",
                    "how many {items} does {he} have in the end?",
                    "how many {items} is that now?",
                    "what is the number of {items} that {Name} has now?",
                    "find how many {items} {he} has now.",
                ),
            ),
            Question(
                formula="a-b+c-d",
                facts=(
                    (
                        "in the end {he} gave away {d} {items}",
                        "finally {he} threw {d} old ones away",
                        "one day later {d} {items} were gone",
                        "at last {he} traded {d} of them for a book",
                        "{he} used {d} {items} for a poster",
                    ),
                ),
                wordings=(
                    "how many {items} does {Name} have left?",
                    "how many {items} are left?",
                    "how many {items} does {he} have in the end?",
                    "how many {items} remain?",
                ),
            ),
        ),
    ),
    Situation(
        name="found together",
        numbers={"a": (2, 250), "b": (2, 250), "c": (2, 250), "d": (2, 90)},
        facts=(
            (
                "{Name} found {a} {items}",
                "{Name} collected {a} {items}",
                "{Name} picked {a} {items}",
                "{Name} has {a} {items}",
                "{Name} brought {a} {items}",
            ),
            (
                "{Other} found {b}",
                "{Other} got {b}",
                "{b} {items} are from {Other}",
                "{Other} has {b} {items}",
                "{Other} added {b}",
            ),
        ),
        questions=(
            Question(
                formula="a+b",
                wordings=(
                    "how many {items} do they have together?",
                    "how many {items} is that in all?",
                    "how many {items} are there altogether?",
                    "find the total number of {items}.",
                    "how many {items} do {Name} and {Other} have in total?",
                ),
            ),
            Question(
                formula="a+b+c",
                facts=(
                    (
                        "{Third} found {c}",
                        "{Third} got {c}",
                        "{c} more are from {Third}",
                        "{Third} has {c} {items}",
                        "{Third} added another {c}",
                    ),
                ),
                wordings=(
                    "how many {items} do the three have together?",
                    "how many {items} is that in all?",
                    "how many {items} are there altogether?",
                    "find the total number of {items}.",
                    "what is the number of {items} that they have in total?",
                ),
            ),
            Question(
                formula="a+b-d",
                facts=(
                    (
                        "{d} of all these {items} are cracked",
                        "{d} of them are no good",
                        "they lose {d} of them again",
                        "together they give {d} of the {items} away",
                        "{d} of them turn out to be dirty",
                    ),
                ),
                wordings=(
                    "how many good {items} are left?",
                    "how many {items} are left?",
                    "how many {items} do they keep?",
                    "how many {items} remain to them together?",
                ),
            ),
        ),
    ),
    Situation(
        name="bus",
        numbers={"a": (8, 80), "b": (2, 40), "c": (2, 40), "d": (2, 30), "e": (2, 30)},
        facts=(
            (
                "a {vehicle} sets off with {a} passengers",
                "there are {a} passengers on a {vehicle}",
                "{a} people are on a {vehicle}",
                "a {vehicle} leaves with {a} people on board",
            ),
            (
                "at the first stop {b} get off and {c} get on",
                "at the next stop {b} people leave and {c} come in",
                "{b} get off at the station and {c} get on",
                "then {b} leave and {c} others board it",
            ),
        ),
        questions=(
            Question(
                formula="a-b+c",
                wordings=(
                    "how many people are on it now?",
                    "how many passengers does it have then?",
                    "how many people are now on the {vehicle}?",
                    "find the number of passengers after that.",
                ),
            ),
            Question(
                formula="a-b+c-d+e",
                facts=(
                    (
                        "at the second stop {d} get off and {e} get on",
                        "at the stop after that {d} leave and {e} come in",
                        "later {d} people leave and {e} people board it",
                        "at the bridge {d} get off and {e} get on",
                    ),
                ),
                wordings=(
                    "how many people are on it now?",
                    "how many passengers does it have then?",
                    "how many people are now on the {vehicle}?",
                    "find the number of passengers in the end.",
                ),
            ),
        ),
    ),
)
