"""Passengers who get on and off. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_ABOARD = (
    "how many people are on it now?",
    "how many passengers does it have then?",
    "how many people are on board now?",
    "how many people are now on the {vehicle}?",
    "find the number of passengers after that.",
    "work out how many people are still on board.",
    "tell me how many passengers there are now.",
    "what is the number of people on the {vehicle} then?",
    "how many people does the {vehicle} carry after that?",
    "calculate how many passengers travel on with it.",
    "with how many people does the {vehicle} go on?",
    "determine the number of people on board now.",
    "how many passengers are on the {vehicle} in the end?",
)

GETTING_ON_AND_OFF = (
    Situation(
        name="bus",
        pools={"vehicle": "bus"},
        # No more get off than are there.
        numbers={
            "t": (2, 50),
            "b": (2, 40),
            "a": "t+b",
            "c": (2, 40),
            "d": (2, 30),
            "e": (2, 30),
        },
        facts=(
            (
                "a {vehicle} sets off with {a} passengers",
                "there are {a} passengers on a {vehicle}",
                "{a} people are on a {vehicle}",
                "a {vehicle} leaves with {a} people on board",
                "a {vehicle} is on its way with {a} people",
                "{a} passengers have got on a {vehicle}",
                "with {a} passengers on board a {vehicle} starts",
                "a {vehicle} carries {a} people",
                "{a} people have taken their seats on a {vehicle}",
                "at the start of its tour a {vehicle} has {a} passengers",
                "the driver of a {vehicle} counts {a} passengers",
            ),
            (
                "at the first stop {b} get off and {c} get on",
                "at the next stop {b} people leave and {c} come in",
                "{b} get off at the station and {c} get on",
                "then {b} leave and {c} others board it",
                "at the first stop {c} get on after {b} have got off",
                "the first stop brings {c} new passengers, while {b} leave",
                "{b} people step out at the town hall and {c} step in",
                "at the market {c} people board it and {b} leave it",
                "at a stop on the way {b} passengers get off and {c} others get on",
                "at its first halt it loses {b} passengers and gains {c}",
                "{c} people get on at the school, where {b} get off",
            ),
        ),
        questions=(
            Question(formula="a-b+c", wordings=_ABOARD),
            Question(
                formula="a-b+c-d+e",
                facts=(
                    (
                        "at the second stop {d} get off and {e} get on",
                        "at the stop after that {d} leave and {e} come in",
                        "later {d} people leave and {e} people board it",
                        "at the bridge {d} get off and {e} get on",
                        "at the stop that follows {e} get on after {d} have got off",
                        "one stop later {e} new passengers come while {d} leave",
                        "{d} people step out near the park and {e} step in",
                        "at the hospital {e} people board it and {d} leave it",
                        "at its second halt it loses {d} passengers and gains {e}",
                        "further on {d} passengers get off and {e} others come aboard",
                    ),
                ),
                wordings=_ABOARD,
            ),
            Question(
                formula="a-b+c-d",
                facts=(
                    (
                        "at the second stop {d} more get off and nobody gets on",
                        "at the stop after that {d} leave and no one comes in",
                        "later another {d} people leave it",
                        "at the bridge {d} others get off",
                        "one stop later {d} passengers step out",
                        "{d} people get off near the park, where nobody boards it",
                        "at its second halt it only loses {d} passengers",
                        "further on {d} of those on board get off",
                        "at the hospital there are {d} who leave it and none who come in",
                    ),
                ),
                wordings=_ABOARD,
            ),
            Question(
                formula="c-b",
                wordings=(
                    "how many more people are on it than before?",
                    "how many more passengers does it have now than at the start?",
                    "by how many has the number of passengers grown?",
                    "find how many more people are on board than before.",
                    "work out by how many the number of passengers has grown.",
                    "tell me by how many passengers it is fuller than at the start.",
                    "what is the increase in passengers?",
                    "calculate how many more people the {vehicle} carries than before.",
                    "how many fewer people were on the {vehicle} at the start than there are now?",
                    "determine how many passengers more than at the start it has.",
                ),
            ),
        ),
    ),
)
