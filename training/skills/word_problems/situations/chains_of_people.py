"""People compared one with another, told in any order: who has how many may be said last. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_KNOWN = (
    "{Name} has {a} {items}",
    "{Name} owns {a} {items}",
    "{a} {items} are {Name}'s",
    "the number of {Name}'s {items} is {a}",
    "there are {a} {items} in the {box} of {Name}",
    "{a} {items} belong to {Name}",
    "{Name}'s {box} holds {a} {items}",
    "{Name} is the owner of {a} {items}",
    "{Name} keeps {a} {items} in the {place}",
    "counting {Name}'s {items} gives {a}",
    "{Name} is known to have {a} {items}",
)
_OTHER_TIMES = (
    "{Other} has {k} times as many {items} as {Name}",
    "{Other} owns {k} times as many {items} as {Name} does",
    "for each {item} that {Name} has, {Other} has {k}",
    "the number of {Other}'s {items} is {k} times that of {Name}'s",
    "{Other} has {k} {items} for every one of {Name}'s",
    "{k} times the number of {Name}'s {items} is what {Other} has",
    "compared with {Name}, {Other} has {k} times as many {items}",
    "{Name} would need {k} times as many {items} to have what {Other} has",
    "multiplying the number of {Name}'s {items} by {k} gives that of {Other}'s",
    "{Other} has the number of {items} that {Name} has, {k} times over",
)
_OTHER_MORE = (
    "{Other} has {b} more {items} than {Name}",
    "{Name} has {b} fewer {items} than {Other}",
    "{Other} owns {b} {items} more than {Name} does",
    "compared with {Name}, {Other} has {b} {items} more",
    "{Name} owns {b} {items} less than {Other}",
    "{Name} needs {b} more {items} to have as many as {Other}",
    "with {b} fewer {items}, {Other} would have as many as {Name}",
    "the number of {Other}'s {items} exceeds that of {Name}'s by {b}",
    "{Name} falls {b} {items} short of what {Other} has",
    "{Other} is ahead of {Name} by {b} {items}",
    "{b} is how many more {items} {Other} has than {Name}",
)
_OTHER_FEWER = (
    "{Other} has {b} fewer {items} than {Name}",
    "{Name} has {b} more {items} than {Other}",
    "{Other} owns {b} {items} less than {Name} does",
    "compared with {Name}, {Other} has {b} {items} less",
    "{Name} owns {b} {items} more than {Other}",
    "{Other} needs {b} more {items} to have as many as {Name}",
    "with {b} fewer {items}, {Name} would have as many as {Other}",
    "the number of {Name}'s {items} exceeds that of {Other}'s by {b}",
    "{Other} falls {b} {items} short of what {Name} has",
    "{Name} is ahead of {Other} by {b} {items}",
    "{b} is how many more {items} {Name} has than {Other}",
)
_THIRD_TWICE = (
    "{Third} has twice as many {items} as {Other}",
    "{Third} owns double the number of {items} that {Other} has",
    "{Third} has two times as many {items} as {Other}",
    "{Other} has half as many {items} as {Third}",
    "for every {item} of {Other}'s, {Third} has two",
    "the number of {Third}'s {items} is double that of {Other}'s",
    "compared with {Other}, {Third} has twice the number of {items}",
    "doubling the number of {Other}'s {items} gives that of {Third}'s",
    "{Other} has only half the number of {items} that {Third} has",
    "{Other} would need twice as many {items} to have what {Third} has",
)
_THIRD_HALF = (
    "{Third} has half as many {items} as {Other}",
    "{Third} has half the number of {items} that {Other} has",
    "{Other} has twice as many {items} as {Third}",
    "for every two {items} of {Other}'s, {Third} has one",
    "the number of {Third}'s {items} is one half of that of {Other}'s",
    "{Other} owns double the number of {items} that {Third} has",
    "compared with {Other}, {Third} has only half as many {items}",
    "halving the number of {Other}'s {items} gives that of {Third}'s",
    "{Third} would need twice as many {items} to have what {Other} has",
    "half of what {Other} has in {items} is what {Third} has",
)
_THIRD_FEWER = (
    "{Third} has {c} fewer {items} than {Other}",
    "{Other} has {c} more {items} than {Third}",
    "{Third} owns {c} {items} less than {Other}",
    "compared with {Other}, {Third} has {c} {items} less",
    "{Other} owns {c} {items} more than {Third} does",
    "{Third} needs {c} more {items} to have as many as {Other}",
    "with {c} fewer {items}, {Other} would have as many as {Third}",
    "the number of {Third}'s {items} is {c} below that of {Other}'s",
    "{Third} falls {c} {items} short of what {Other} has",
    "{Other} is ahead of {Third} by {c} {items}",
)
_THIRD_MORE = (
    "{Third} has {c} more {items} than {Other}",
    "{Other} has {c} fewer {items} than {Third}",
    "{Third} owns {c} {items} more than {Other}",
    "compared with {Other}, {Third} has {c} {items} more",
    "{Other} owns {c} {items} less than {Third} does",
    "{Other} needs {c} more {items} to have as many as {Third}",
    "with {c} fewer {items}, {Third} would have as many as {Other}",
    "the number of {Third}'s {items} is {c} above that of {Other}'s",
    "{Other} falls {c} {items} short of what {Third} has",
    "{Third} is ahead of {Other} by {c} {items}",
)
_OTHER = (
    "how many {items} does {Other} have?",
    "how many {items} are {Other}'s?",
    "find the number of {Other}'s {items}.",
    "what is the number of {items} that {Other} has?",
    "work out how many {items} {Other} owns.",
    "tell me how many {items} belong to {Other}.",
    "how many {items} does {Other} own?",
    "calculate the number of {items} that {Other} has.",
    "determine how many of the {items} are {Other}'s.",
)
_THIRD = (
    "how many {items} does {Third} have?",
    "how many {items} are {Third}'s?",
    "find the number of {Third}'s {items}.",
    "what is the number of {items} that {Third} has?",
    "work out how many {items} {Third} owns.",
    "tell me how many {items} belong to {Third}.",
    "how many {items} does {Third} own?",
    "calculate the number of {items} that {Third} has.",
    "determine how many of the {items} are {Third}'s.",
    "how many {items} belong to {Third}?",
    "what number of {items} does {Third} have?",
)
_ALL = (
    "how many {items} do {Name}, {Other} and {Third} have together?",
    "how many {items} do all three of them have?",
    "how many {items} are there in all?",
    "find the total number of {items} of all three.",
    "what is the total number of {items} that the three have?",
    "work out how many {items} they have altogether.",
    "tell me how many {items} that makes in total.",
    "how many {items} belong to the three of them?",
    "calculate the sum of the {items} of {Name}, {Other} and {Third}.",
    "in total how many {items} do the three own?",
    "determine how many {items} all three people have together.",
)
_TWO_OF_THEM = (
    "how many {items} do {Other} and {Third} have together?",
    "how many {items} do {Third} and {Other} own in all?",
    "find the number of {items} that {Other} and {Third} have together.",
    "what is the sum of {Other}'s and {Third}'s {items}?",
    "work out how many {items} {Other} and {Third} have in total.",
    "tell me how many {items} belong to either {Other} or {Third}.",
    "calculate the number of {items} that are {Other}'s or {Third}'s.",
    "how many {items} are there without those of {Name}?",
    "how many {items} are there altogether that are not {Name}'s?",
    "determine how many {items} {Third} and {Other} own together.",
)
_MORE_THAN_FIRST = (
    "how many more {items} does {Third} have than {Name}?",
    "how many {items} more does {Third} own than {Name} does?",
    "how many fewer {items} does {Name} have than {Third}?",
    "by how many {items} is {Third} ahead of {Name}?",
    "find how many more {items} {Third} has than {Name}.",
    "what is the difference between {Third}'s and {Name}'s {items}?",
    "work out how many {items} less {Name} has than {Third}.",
    "tell me how many more {items} {Name} needs to have as many as {Third}.",
    "calculate by how much {Third}'s number of {items} exceeds {Name}'s.",
    "determine how many fewer {items} {Name} owns than {Third}.",
)


def _compared(
    name: str, second: str, other: tuple[str, ...], third: str, last: tuple[str, ...]
) -> Situation:
    """What the second of three has, and from that what the third has, `{}` in its formula."""
    # Asked for the second alone, nothing sees to it that a third who has less has a whole number above 0.
    of_second = Question(formula=second, wordings=_OTHER)
    more = (of_second,) if third.endswith(("*2", "+c")) else ()
    third = third.format(second)
    return Situation(
        name=name,
        numbers={"a": (2, 90), "b": (2, 60), "k": (2, 8), "c": (2, 40)},
        orderless=True,
        facts=(_KNOWN, other, last),
        questions=(
            *more,
            Question(formula=third, wordings=_THIRD),
            Question(formula=f"a+({second})+({third})", wordings=_ALL),
            Question(formula=f"({second})+({third})", wordings=_TWO_OF_THEM),
            Question(formula=f"{third}-a", wordings=_MORE_THAN_FIRST),
        ),
    )


CHAINS_OF_PEOPLE = (
    _compared("times, then twice", "a*k", _OTHER_TIMES, "({})*2", _THIRD_TWICE),
    _compared("times, then half", "a*k", _OTHER_TIMES, "({})/2", _THIRD_HALF),
    _compared("times, then fewer", "a*k", _OTHER_TIMES, "{}-c", _THIRD_FEWER),
    _compared("times, then more", "a*k", _OTHER_TIMES, "{}+c", _THIRD_MORE),
    _compared("more, then twice", "a+b", _OTHER_MORE, "({})*2", _THIRD_TWICE),
    _compared("more, then half", "a+b", _OTHER_MORE, "({})/2", _THIRD_HALF),
    _compared("more, then fewer", "a+b", _OTHER_MORE, "{}-c", _THIRD_FEWER),
    _compared("fewer, then twice", "a-b", _OTHER_FEWER, "({})*2", _THIRD_TWICE),
    _compared("fewer, then more", "a-b", _OTHER_FEWER, "{}+c", _THIRD_MORE),
)
