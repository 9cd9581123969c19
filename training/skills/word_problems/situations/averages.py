"""Ages, averages, and days that are compared. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

AVERAGES = (
    Situation(
        name="ages",
        numbers={"a": (5, 60), "b": (2, 30), "k": (2, 4), "c": (2, 30)},
        facts=(
            (
                "{Name} is {a} years old",
                "{Name} is {a}",
                "{Name} has just turned {a}",
                "the age of {Name} is {a}",
            ),
        ),
        questions=(
            Question(
                formula="a+b",
                facts=(
                    (
                        "{Other} is {b} years older",
                        "{Other} is {b} years older than {Name}",
                        "{Name} is {b} years younger than {Other}",
                    ),
                ),
                wordings=(
                    "how old is {Other}?",
                    "what is the age of {Other}?",
                    "find the age of {Other}.",
                ),
            ),
            Question(
                formula="a-b",
                facts=(
                    (
                        "{Other} is {b} years younger",
                        "{Other} is {b} years younger than {Name}",
                        "{Name} is {b} years older than {Other}",
                    ),
                ),
                wordings=(
                    "how old is {Other}?",
                    "what is the age of {Other}?",
                    "find the age of {Other}.",
                ),
            ),
            Question(
                formula="a*k+c",
                facts=(
                    (
                        "{Other} is {k} times as old",
                        "{Other} is {k} times as old as {Name}",
                        "{Other} is {k} times {his} age",
                    ),
                ),
                wordings=(
                    "how old will {Other} be in {c} years?",
                    "what will be the age of {Other} in {c} years?",
                    "how old is {Other} {c} years from now?",
                ),
            ),
            Question(
                formula="a+b+a",
                facts=(
                    (
                        "{Other} is {b} years older",
                        "{Other} is {b} years older than {Name}",
                        "{Name} is {b} years younger than {Other}",
                    ),
                ),
                wordings=(
                    "how old are they together?",
                    "what is the sum of their ages?",
                    "find the sum of both ages.",
                ),
            ),
        ),
    ),
    Situation(
        name="average",
        numbers={"v": (10, 90), "a": (5, 100), "b": (5, 100), "s": "v*3", "c": "s-a-b"},
        facts=(
            (
                "{Name} scores {a}, {b} and {c} points in three games",
                "on three days {a}, {b} and {c} people visit the {shop}",
                "{Name} reads {a}, {b} and {c} pages on three days",
                "three {boxes} hold {a}, {b} and {c} {items}",
                "the three tests of {Name} gave {a}, {b} and {c} points",
            ),
        ),
        questions=(
            Question(
                formula="(a+b+c)/3",
                wordings=(
                    "what is the average?",
                    "what is the mean of these?",
                    "how many is that on average?",
                    "find the average.",
                ),
            ),
            Question(
                formula="a+b+c",
                wordings=(
                    "what is the sum?",
                    "how many is that in all?",
                    "how many are these altogether?",
                    "find the total.",
                ),
            ),
        ),
    ),
    Situation(
        name="three days compared",
        numbers={"a": (2, 120), "c": (2, 60), "k": (2, 6)},
        facts=(
            (
                "on {day} {Name} sells {a} {items}",
                "{Name} makes {a} {items} on {day}",
                "{a} {items} are sold on {day}",
                "on {day} {a} people come to the {shop}",
                "{Name} reads {a} pages on {day}",
            ),
            (
                "on {day2} it is twice as many",
                "on {day2} it is double that number",
                "twice as many are counted on {day2}",
                "on {day2} there are two times as many",
            ),
        ),
        questions=(
            Question(
                formula="a*2+a",
                wordings=(
                    "how many is that on both days?",
                    "how many are these in total?",
                    "what is the sum of the two days?",
                ),
            ),
            Question(
                formula="a*2+a+(a*2-c)",
                facts=(
                    (
                        "on {day3} it is {c} fewer than on {day2}",
                        "{day3} brings {c} fewer than {day2}",
                        "{c} fewer than on {day2} are counted on {day3}",
                    ),
                ),
                wordings=(
                    "how many is that on all three days?",
                    "how many are these in total?",
                    "what is the sum of the three days?",
                ),
            ),
            Question(
                formula="a*2+a+(a+c)",
                facts=(
                    (
                        "on {day3} it is {c} more than on {day}",
                        "{day3} brings {c} more than {day}",
                        "{c} more than on {day} are counted on {day3}",
                    ),
                ),
                wordings=(
                    "how many is that on all three days?",
                    "how many are these in total?",
                    "what is the sum of the three days?",
                ),
            ),
        ),
    ),
)
