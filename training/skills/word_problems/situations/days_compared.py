"""Days that are compared. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_ONE_DAY = (
    "on {day} it is {a}",
    "on {day} {Name} sells {a} {items}",
    "{Name} sorts {a} {items} on {day}",
    "{a} {items} are sold on {day}",
    "on {day} {a} people come to the {shop}",
    "{Name} reads {a} pages on {day}",
    "{day} brings {a} visitors to the {shop}",
    "the {shop} has {a} customers on {day}",
    "{Name} counts {a} {items} on {day}",
    "the number of {items} that {Name} packs on {day} is {a}",
    "{a} letters reach {Name} on {day}",
    "on {day} {a} tickets are handed out at the {shop}",
    "{Name} writes {a} lines on {day}",
)
_TWICE = (
    "on {day2} it is twice as many",
    "on {day2} it is double the number of {day}",
    "twice as many are counted on {day2}",
    "on {day2} there are two times as many",
    "{day2} brings twice as many",
    "the number for {day2} is double that of {day}",
    "on {day2} it is two times the number of {day}",
    "compared with {day}, the number doubles on {day2}",
    "on {day} it is only half as many as on {day2}",
    "{day} has half the number of {day2}",
    "doubling the number of {day} gives that of {day2}",
)
_TIMES = (
    "on {day2} it is {k} times as many",
    "{day2} brings {k} times as many",
    "{k} times as many are counted on {day2}",
    "on {day2} the number is {k} times as large",
    "the number for {day2} is {k} times that of {day}",
    "on {day2} it is {k} times the number of {day}",
    "compared with {day}, it is {k} times as many on {day2}",
    "multiplying the number of {day} by {k} gives that of {day2}",
    "for each one on {day} there are {k} on {day2}",
    "{k} times the number of {day} is what {day2} brings",
)
_FEWER = (
    "on {day3} it is {c} fewer than on {day2}",
    "{day3} brings {c} fewer than {day2}",
    "{c} fewer than on {day2} are counted on {day3}",
    "compared with {day2}, it is {c} less on {day3}",
    "on {day2} it is {c} more than on {day3}",
    "{day2} brings {c} more than {day3}",
    "the number for {day3} is {c} below that of {day2}",
    "on {day3} the number falls by {c} from that of {day2}",
    "taking {c} from the number of {day2} gives that of {day3}",
    "{day3} falls short of {day2} by {c}",
    "{day2} exceeds {day3} by {c}",
)
_MORE = (
    "on {day3} it is {c} more than on {day}",
    "{day3} brings {c} more than {day}",
    "{c} more than on {day} are counted on {day3}",
    "compared with {day}, it is {c} more on {day3}",
    "on {day} it is {c} fewer than on {day3}",
    "{day} brings {c} fewer than {day3}",
    "the number for {day3} is {c} above that of {day}",
    "on {day3} the number grows by {c} from that of {day}",
    "adding {c} to the number of {day} gives that of {day3}",
    "{day3} exceeds {day} by {c}",
    "{day} falls short of {day3} by {c}",
)
_SECOND_DAY = (
    "how many is that on {day2}?",
    "what is the number for {day2}?",
    "how many are there on {day2}?",
    "find the number for {day2}.",
    "work out how many that is on {day2}.",
    "tell me the number of {day2}.",
    "how many does {day2} bring?",
    "calculate how many {day2} has.",
    "determine the number that belongs to {day2}.",
)
_THIRD_DAY = (
    "how many is that on {day3}?",
    "what is the number for {day3}?",
    "how many are there on {day3}?",
    "find the number for {day3}.",
    "work out how many that is on {day3}.",
    "tell me the number of {day3}.",
    "how many does {day3} bring?",
    "calculate how many {day3} has.",
    "determine the number that belongs to {day3}.",
)
_BOTH_DAYS = (
    "how many is that on both days?",
    "how many are these in total?",
    "what is the sum of the two days?",
    "find the total of both days.",
    "work out how many that is for the two days together.",
    "how many is that altogether?",
    "calculate the sum for {day} and {day2}.",
    "tell me how many these are in all.",
    "what do both days come to together?",
    "how many does that make in all?",
    "determine the total for the two days.",
    "what is the number for both days together?",
)
_THREE_DAYS = (
    "how many is that on all three days?",
    "how many are these in total?",
    "what is the sum of the three days?",
    "find the total of all three days.",
    "work out how many that is for the three days together.",
    "how many is that altogether?",
    "calculate the sum for {day}, {day2} and {day3}.",
    "tell me how many these are in all.",
    "what do all the days come to together?",
    "how many does that make in all?",
    "determine the total for the three days.",
    "what is the number for all of these days together?",
)

DAYS_COMPARED = (
    Situation(
        name="three days compared",
        numbers={"a": (2, 120), "c": (2, 60)},
        facts=(_ONE_DAY, _TWICE),
        questions=(
            Question(formula="a*2", wordings=_SECOND_DAY),
            Question(formula="a*2+a", wordings=_BOTH_DAYS),
            Question(formula="a*2-c", facts=(_FEWER,), wordings=_THIRD_DAY),
            Question(formula="a*2+a+(a*2-c)", facts=(_FEWER,), wordings=_THREE_DAYS),
            Question(formula="a*2+a+(a+c)", facts=(_MORE,), wordings=_THREE_DAYS),
        ),
    ),
    Situation(
        name="days with some times as many",
        numbers={"a": (2, 120), "c": (2, 60), "k": (3, 8)},
        facts=(_ONE_DAY, _TIMES),
        questions=(
            Question(formula="a*k+a", wordings=_BOTH_DAYS),
            Question(
                formula="a*k-a",
                wordings=(
                    "how many more is that on {day2} than on {day}?",
                    "how many fewer is that on {day} than on {day2}?",
                    "by how many does {day2} exceed {day}?",
                    "what is the difference between {day} and {day2}?",
                    "find the difference of the two days.",
                    "work out how many more {day2} has than {day}.",
                    "tell me how many more there are on {day2} than on {day}.",
                    "calculate by how many {day} falls short of {day2}.",
                    "how large is the difference between the two days?",
                    "determine how many fewer {day} has than {day2}.",
                ),
            ),
            Question(formula="a*k-c", facts=(_FEWER,), wordings=_THIRD_DAY),
            Question(formula="a*k+a+(a*k-c)", facts=(_FEWER,), wordings=_THREE_DAYS),
        ),
    ),
)
