"""Speeds and ways. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

TRAVELLING = (
    Situation(
        name="one speed",
        numbers={"a": (2, 90), "b": (2, 24), "m": (100, 2000, 10), "n": (2, 30)},
        facts=(
            (
                "a {vehicle} goes {a} miles an hour",
                "{Name} rides at {a} miles per hour",
                "a {vehicle} travels {a} kilometers each hour",
                "{Name} drives at a speed of {a} miles per hour",
                "a ship sails {a} miles every hour",
            ),
            (
                "it goes on for {b} hours",
                "the trip takes {b} hours",
                "{b} hours pass",
                "this lasts for {b} hours",
            ),
        ),
        questions=(
            Question(
                formula="a*b",
                wordings=(
                    "how far is that?",
                    "how far does it get in that time?",
                    "what distance is covered?",
                    "how long is the way?",
                    "find the distance.",
                ),
            ),
            Question(
                formula="m-a*b",
                facts=(
                    (
                        "the whole way is {m} long",
                        "the goal is {m} away from the start",
                        "it is {m} to the end of the road",
                        "the whole distance is {m}",
                    ),
                ),
                wordings=(
                    "how far is it still?",
                    "what distance is left?",
                    "how much of the way is left?",
                ),
            ),
            Question(
                formula="a*b+n",
                facts=(
                    (
                        "after that it is another {n} on foot",
                        "the last {n} are done on foot",
                        "then {n} more are walked",
                    ),
                ),
                wordings=(
                    "how far is that in all?",
                    "what distance is that altogether?",
                    "how long is the whole way?",
                ),
            ),
        ),
    ),
    Situation(
        name="two speeds",
        numbers={"a": (2, 12), "b": (3, 90), "c": (2, 12), "d": (3, 90)},
        facts=(
            (
                "{Name} drives for {a} hours at {b} miles per hour",
                "a {vehicle} goes {a} hours at {b} miles an hour",
                "for {a} hours {Name} travels at {b} miles per hour",
                "{Name} rides {a} hours at a speed of {b} miles per hour",
            ),
            (
                "then for {c} hours at {d} miles per hour",
                "after that it is {c} hours at {d} miles an hour",
                "the next {c} hours it is {d} miles per hour",
                "then {c} hours follow at {d} miles per hour",
            ),
        ),
        questions=(
            Question(
                formula="a*b+c*d",
                wordings=(
                    "how far is that in all?",
                    "how many miles is the whole trip?",
                    "what is the total distance?",
                    "how many miles are covered altogether?",
                ),
            ),
            Question(
                formula="a*b-c*d",
                wordings=(
                    "how much longer is the first part than the second?",
                    "by how many miles is the first part longer?",
                    "how many more miles are covered in the first part?",
                ),
            ),
        ),
    ),
    Situation(
        name="rest of the way",
        numbers={"d": (2, 12), "q": (2, 30), "a": (2, 12), "b": (3, 80), "r": "d*q", "m": "a*b+r"},
        facts=(
            (
                "a trip is {m} miles long",
                "{Name} has to go {m} miles",
                "the way to the sea is {m} miles",
                "a road of {m} miles lies ahead",
            ),
            (
                "the first {a} hours {Name} goes {b} miles an hour",
                "for {a} hours {he} drives {b} miles per hour",
                "{a} hours are done at {b} miles per hour",
                "{he} starts with {a} hours at {b} miles per hour",
            ),
        ),
        questions=(
            Question(
                formula="m-a*b",
                wordings=(
                    "how many miles are left?",
                    "how far is it still?",
                    "what is the rest of the way in miles?",
                ),
            ),
            Question(
                formula="(m-a*b)/d",
                facts=(
                    (
                        "the rest is done at {d} miles per hour",
                        "then {he} goes on at {d} miles an hour",
                        "after that {he} makes {d} miles each hour",
                    ),
                ),
                wordings=(
                    "how many hours does the rest take?",
                    "how many more hours does {he} need?",
                    "in how many hours is the rest done?",
                ),
            ),
        ),
    ),
)
