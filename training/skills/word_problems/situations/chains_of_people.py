"""People compared one with another, told in any order: who has how many may be said last. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_KNOWN = (
    "{Name} has {a} {items}",
    "{Name} owns {a} {items}",
    "{a} {items} are {Name}'s",
    "the number of {Name}'s {items} is {a}",
    "there are {a} {items} in the {box} of {Name}",
)
_OTHER_TIMES = (
    "{Other} has {k} times as many {items} as {Name}",
    "{Other} owns {k} times as many {items} as {Name} does",
    "for each {item} that {Name} has, {Other} has {k}",
    "the number of {Other}'s {items} is {k} times that of {Name}'s",
)
_OTHER_MORE = (
    "{Other} has {b} more {items} than {Name}",
    "{Name} has {b} fewer {items} than {Other}",
    "{Other} owns {b} {items} more than {Name} does",
    "compared with {Name}, {Other} has {b} {items} more",
)
_THIRD_TWICE = (
    "{Third} has twice as many {items} as {Other}",
    "{Third} owns double the number of {items} that {Other} has",
    "{Third} has two times as many {items} as {Other}",
)
_THIRD_HALF = (
    "{Third} has half as many {items} as {Other}",
    "{Third} has half the number of {items} that {Other} has",
    "{Other} has twice as many {items} as {Third}",
)
_THIRD_FEWER = (
    "{Third} has {c} fewer {items} than {Other}",
    "{Other} has {c} more {items} than {Third}",
    "{Third} owns {c} {items} less than {Other}",
)
_THIRD = (
    "how many {items} does {Third} have?",
    "how many {items} are {Third}'s?",
    "find the number of {Third}'s {items}.",
    "what is the number of {items} that {Third} has?",
)
_ALL = (
    "how many {items} do {Name}, {Other} and {Third} have together?",
    "how many {items} do all three of them have?",
    "how many {items} are there in all?",
    "find the total number of {items} of all three.",
)


def _compared(name: str, formula: str, *facts: tuple[str, ...]) -> Situation:
    """What the second of three has, and from that what the third has."""
    third = f"({formula})*2" if facts[-1] is _THIRD_TWICE else f"({formula})/2"
    third = f"{formula}-c" if facts[-1] is _THIRD_FEWER else third
    return Situation(
        name=name,
        numbers={"a": (2, 90), "b": (2, 60), "k": (2, 8), "c": (2, 40)},
        orderless=True,
        facts=(_KNOWN, *facts),
        questions=(
            Question(formula=third, wordings=_THIRD),
            Question(formula=f"a+({formula})+({third})", wordings=_ALL),
        ),
    )


CHAINS_OF_PEOPLE = (
    _compared("times, then twice", "a*k", _OTHER_TIMES, _THIRD_TWICE),
    _compared("times, then half", "a*k", _OTHER_TIMES, _THIRD_HALF),
    _compared("times, then fewer", "a*k", _OTHER_TIMES, _THIRD_FEWER),
    _compared("more, then twice", "a+b", _OTHER_MORE, _THIRD_TWICE),
    _compared("more, then half", "a+b", _OTHER_MORE, _THIRD_HALF),
    _compared("more, then fewer", "a+b", _OTHER_MORE, _THIRD_FEWER),
)
