"""Things that are shared equally. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_EACH = (
    "how many {items} does each of them get?",
    "how many {items} does each get?",
    "how many {items} are there for each?",
    "what is each one's share?",
    "find how many {items} each one gets.",
)

SHARING = (
    Situation(
        name="sharing boxes",
        numbers={"c": (2, 12), "q": (2, 12), "k": (1, 6), "a": "c*k", "b": (2, 24)},
        facts=(
            (
                "{Name} has {a} {boxes} of {b} {items}",
                "{Name} buys {a} {boxes} with {b} {items} in each",
                "there are {a} {boxes}, each with {b} {items}",
                "{a} {boxes} hold {b} {items} each",
                "{Name} opens {a} {boxes} that have {b} {items} each",
            ),
            (
                "{he} shares them equally among {c} friends",
                "{c} children share all the {items} equally",
                "the {items} are divided evenly among {c} people",
                "{he} gives all of them to {c} cousins in equal parts",
                "{he} splits all the {items} evenly between {c} neighbors",
            ),
        ),
        questions=(Question(formula="a*b/c", wordings=_EACH),),
    ),
    Situation(
        name="sharing the rest",
        numbers={"c": (2, 12), "q": (2, 30), "k": (2, 40), "t": "c*q+k"},
        facts=(
            (
                "{Name} has {t} {items}",
                "{Name} bakes {t} {items}",
                "there are {t} {items} in a {box}",
                "{Name} picks {t} {items}",
                "{Name} has collected {t} {items}",
            ),
            (
                "{he} keeps {k} and shares the rest equally among {c} friends",
                "{k} of them are set aside, and the rest is divided evenly among {c} children",
                "after {k} of them are eaten, {c} friends share the rest equally",
                "{he} gives {k} to {Other} and splits the rest evenly among {c} others",
                "{k} of them get lost and the others are put equally into {c} bowls",
            ),
        ),
        questions=(
            Question(formula="(t-k)/c", wordings=(*_EACH[:3], "how many {items} go to each one?")),
        ),
    ),
    Situation(
        name="sharing together",
        numbers={"c": (2, 12), "q": (2, 30), "s": "c*q", "a": (2, 80), "b": "s-a"},
        facts=(
            (
                "{Name} has {a} {items} and {Other} has {b}",
                "{Name} finds {a} {items} and {Other} finds {b}",
                "there are {a} {items} in a {box} and {b} in a {box2}",
                "{Name} brings {a} {items}, {Other} brings {b}",
                "on {day} {a} {items} are made, and {b} on the day after",
            ),
            (
                "they put them together and share them equally among {c} children",
                "{c} people share all of them equally",
                "all of them are split evenly into {c} heaps",
                "together they are divided equally among {c} groups",
                "all are packed into {c} {boxes3}, the same number in each",
            ),
        ),
        questions=(
            Question(
                formula="(a+b)/c",
                wordings=(
                    "how many {items} are there for each?",
                    "how many {items} is that for each one?",
                    "how many {items} make one share?",
                    "how many {items} does one of these get?",
                ),
            ),
        ),
    ),
)
