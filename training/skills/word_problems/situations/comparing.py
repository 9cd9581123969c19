"""More than, fewer than, times as many. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_OTHER = (
    "how many {items} does {Other} have?",
    "what is the number of {Other}'s {items}?",
    "find how many {items} {Other} has.",
    "how many {items} are {Other}'s?",
)
_BOTH = (
    "how many {items} do they have together?",
    "how many {items} do {Name} and {Other} have in all?",
    "how many {items} do the two have altogether?",
    "what is the total number of their {items}?",
    "find how many {items} they have in total.",
)
_THREE = (
    "how many {items} do the three have together?",
    "how many {items} do all three have in all?",
    "what is the total number of their {items}?",
    "how many {items} do they have altogether?",
)
_THIRD = (
    "how many {items} does {Third} have?",
    "what is the number of {Third}'s {items}?",
    "find how many {items} {Third} has.",
    "how many {items} are {Third}'s?",
)
_NAMES = (
    "{Name} has {a} {items}",
    "{Name} owns {a} {items}",
    "{Name} has collected {a} {items}",
    "there are {a} {items} in {Name}'s {box}",
    "{a} {items} belong to {Name}",
    "{Name} found {a} {items}",
)

COMPARING = (
    Situation(
        name="more than",
        numbers={"a": (2, 250), "b": (2, 120), "k": (2, 9), "c": (2, 90)},
        facts=(
            _NAMES,
            (
                "{Other} has {b} more {items} than {Name}",
                "{Other} has {b} more than {Name}",
                "{Other} has {b} more {items} than {he} has",
                "{Name} has {b} fewer {items} than {Other}",
                "that is {b} fewer than {Other} has",
            ),
        ),
        questions=(
            Question(formula="a+b", wordings=_OTHER),
            Question(formula="a+b+a", wordings=_BOTH),
            Question(
                formula="(a+b)*k",
                facts=(
                    (
                        "{Third} has {k} times as many as {Other}",
                        "{Third} has {k} times the number of {Other}'s {items}",
                        "{k} times as many as {Other} has are {Third}'s",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a+b-c",
                facts=(
                    (
                        "{Other} gives {c} of them away",
                        "{Other} loses {c} of them",
                        "then {Other} sells {c}",
                        "{Third} takes {c} from {Other}",
                    ),
                ),
                wordings=(
                    "how many {items} does {Other} have now?",
                    "how many {items} does {Other} have left?",
                    "how many {items} are left to {Other}?",
                ),
            ),
        ),
    ),
    Situation(
        name="fewer than",
        numbers={"a": (5, 250), "b": (2, 120), "c": (2, 60)},
        facts=(
            _NAMES,
            (
                "{Other} has {b} fewer {items} than {Name}",
                "{Other} has {b} fewer than {Name}",
                "{Other} has {b} less than {he} has",
                "{Name} has {b} more {items} than {Other}",
                "that is {b} more than {Other} has",
            ),
        ),
        questions=(
            Question(formula="a-b", wordings=_OTHER),
            Question(formula="a-b+a", wordings=_BOTH),
            Question(
                formula="a-b+c",
                facts=(
                    (
                        "{Other} then gets {c} more",
                        "{Third} gives {c} to {Other}",
                        "later {Other} finds {c} others",
                    ),
                ),
                wordings=(
                    "how many {items} does {Other} have now?",
                    "how many {items} does {Other} have then?",
                    "find how many {items} {Other} has in the end.",
                ),
            ),
        ),
    ),
    Situation(
        name="times as many",
        numbers={"a": (2, 90), "k": (3, 12), "c": (2, 60), "n": (2, 9)},
        facts=(
            _NAMES,
            (
                "{Other} has {k} times as many",
                "{Other} has {k} times as many {items} as {Name}",
                "{Other} has {k} times as many as {he} has",
                "{k} times that number belong to {Other}",
                "{Other} owns {k} times as many {items}",
            ),
        ),
        questions=(
            Question(formula="a*k", wordings=_OTHER),
            Question(formula="a*k+a", wordings=_BOTH),
            Question(
                formula="a*k-a",
                wordings=(
                    "how many more {items} does {Other} have than {Name}?",
                    "how many {items} more than {Name} does {Other} have?",
                    "by how many {items} does {Other} have more?",
                ),
            ),
            Question(
                formula="a*k-c",
                facts=(
                    (
                        "{Third} has {c} fewer than {Other}",
                        "{Third} has {c} fewer {items} than {Other}",
                        "{Other} has {c} more than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a*k+c",
                facts=(
                    (
                        "{Third} has {c} more than {Other}",
                        "{Third} has {c} more {items} than {Other}",
                        "{Other} has {c} fewer than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a*k+a+(a*k+c)",
                facts=(
                    (
                        "{Third} has {c} more than {Other}",
                        "{Third} has {c} more {items} than {Other}",
                        "{Other} has {c} fewer than {Third}",
                    ),
                ),
                wordings=_THREE,
            ),
        ),
    ),
    Situation(
        name="twice",
        numbers={"a": (2, 150), "c": (2, 60)},
        facts=(
            _NAMES,
            (
                "{Other} has twice as many",
                "{Other} has twice as many {items} as {Name}",
                "{Other} has double that number",
                "twice as many belong to {Other}",
                "{Other} has two times as many",
            ),
        ),
        questions=(
            Question(formula="a*2", wordings=_OTHER),
            Question(formula="a*2+a", wordings=_BOTH),
            Question(
                formula="a*2-c",
                facts=(
                    (
                        "{Third} has {c} fewer than {Other}",
                        "{Third} has {c} fewer {items} than {Other}",
                        "{Other} has {c} more than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a*2+c",
                facts=(
                    (
                        "{Third} has {c} more than {Other}",
                        "{Third} has {c} more {items} than {Other}",
                        "{Other} has {c} fewer than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a*2*3",
                facts=(
                    (
                        "{Third} has three times as many as {Other}",
                        "{Third} has three times the number that {Other} has",
                        "three times as many as {Other} has are {Third}'s",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a*2+a+c",
                facts=(("{Third} has {c}", "{Third} has {c} {items}", "{c} are {Third}'s"),),
                wordings=_THREE,
            ),
        ),
    ),
    Situation(
        name="half as many",
        numbers={"h": (2, 90), "a": "h*2", "c": (2, 60)},
        facts=(
            _NAMES,
            (
                "{Other} has half as many",
                "{Other} has half as many {items} as {Name}",
                "{Other} has half that number",
                "half as many belong to {Other}",
                "{Name} has twice as many as {Other}",
            ),
        ),
        questions=(
            Question(formula="a/2", wordings=_OTHER),
            Question(formula="a/2+a", wordings=_BOTH),
            Question(
                formula="a/2+c",
                facts=(
                    (
                        "{Third} has {c} more than {Other}",
                        "{Third} has {c} more {items} than {Other}",
                        "{Other} has {c} fewer than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
            Question(
                formula="a/2-c",
                facts=(
                    (
                        "{Third} has {c} fewer than {Other}",
                        "{Third} has {c} fewer {items} than {Other}",
                        "{Other} has {c} more than {Third}",
                    ),
                ),
                wordings=_THIRD,
            ),
        ),
    ),
)
