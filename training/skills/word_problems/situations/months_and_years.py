"""Numbers of one month after another, and ages in other years. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

MONTHS_AND_YEARS = (
    Situation(
        name="second month",
        numbers={"h": (1, 12), "a": "h*10", "k": (2, 5), "d": (10, 90, 10), "c": (2, 9)},
        facts=(
            (
                "in the first month {a} {items} were sold",
                "a {shop} sold {a} {items} in January",
                "the first week saw {a} visitors",
                "a new song was played {a} times in its first month",
            ),
            (
                "the number was {k} times as large in the month after that",
                "in the second one it was {k} times that number",
                "next came {k} times as many",
            ),
        ),
        questions=(
            Question(
                formula="a*k+a",
                wordings=(
                    "how many is that for both?",
                    "how many were there in total?",
                    "what is the sum of the two?",
                ),
            ),
            Question(
                formula="a*k-a*k*d/100",
                facts=(
                    (
                        "then it fell by {d}% in the third",
                        "the third was {d}% below the second",
                        "after that the number went down by {d}%",
                    ),
                ),
                wordings=(
                    "how many were there in the third one?",
                    "how many is that in the third?",
                    "what is the third number?",
                ),
            ),
            Question(
                formula="a*k+a+(a*k-a*k*d/100)",
                facts=(
                    (
                        "then it fell by {d}% in the third",
                        "the third was {d}% below the second",
                        "after that the number went down by {d}%",
                    ),
                ),
                wordings=(
                    "how many were there in all three together?",
                    "how many is that in total?",
                    "what is the sum of the three?",
                ),
            ),
        ),
    ),
    Situation(
        name="born before",
        numbers={"a": (20, 60), "b": (2, 15), "c": (18, 20), "d": (2, 30)},
        facts=(
            (
                "{Name} was born {b} years before {Other}",
                "{Other} is {b} years younger than {Name}",
                "{Name} is the older of the two by {b} years, {Other} the younger",
            ),
            (
                "{Other} is {a} now",
                "today {Other} is {a} years old",
                "the age of {Other} is {a}",
            ),
        ),
        questions=(
            Question(
                formula="a+b",
                wordings=(
                    "how old is {Name} now?",
                    "what is the age of {Name}?",
                    "find {Name}'s age.",
                ),
            ),
            Question(
                formula="a+b-c",
                facts=(
                    (
                        "{Name} had a child at the age of {c}",
                        "{Name} became a parent when {he} was {c}",
                        "at {c} {Name} had a first child",
                    ),
                ),
                wordings=(
                    "how old is that child today?",
                    "how many years ago was that child born?",
                    "what is the age of the child now?",
                ),
            ),
            Question(
                formula="a+b+d",
                wordings=(
                    "how old will {Name} be in {d} years?",
                    "what will the age of {Name} be {d} years from now?",
                    "how old is {Name} after another {d} years?",
                ),
            ),
        ),
    ),
)
