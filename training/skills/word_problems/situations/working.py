"""Work and habits, so much in a time. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_RATE = (
    "{Name} makes {a} {items} an hour",
    "a {worker} makes {a} {items} per hour",
    "a machine makes {a} {items} each hour",
    "in one hour {Name} finishes {a} {items}",
    "every hour {a} {items} are made",
)

WORKING = (
    Situation(
        name="work rate",
        numbers={"a": (2, 60), "b": (2, 12), "c": (2, 30), "p": (2, 12), "d": (2, 80)},
        facts=(
            _RATE,
            (
                "this goes on for {b} hours a day on {c} days",
                "the work lasts {b} hours a day for {c} days",
                "for {c} days the work goes on {b} hours a day",
                "the work takes {c} days of {b} hours each",
            ),
        ),
        questions=(
            Question(
                formula="a*b*c",
                wordings=(
                    "how many {items} are made in all?",
                    "how many {items} is that?",
                    "what is the total number of {items}?",
                    "how many {items} are finished by then?",
                ),
            ),
            Question(
                formula="(a*b*c-d)*p",
                facts=(
                    (
                        "{d} of them are faulty",
                        "{d} of these have to be thrown away",
                        "{d} of the {items} break",
                    ),
                    (
                        "the others are sold at ${p} each",
                        "each of the rest is sold for ${p}",
                        "for each of the rest people pay ${p}",
                    ),
                ),
                wordings=(
                    "how much money is that?",
                    "how many dollars do they bring?",
                    "how much do the rest bring in all?",
                ),
            ),
            Question(
                formula="a*b*c-d",
                facts=(
                    (
                        "{d} of them are faulty",
                        "{d} of these have to be thrown away",
                        "{d} of the {items} break",
                    ),
                ),
                wordings=(
                    "how many good {items} are left?",
                    "how many {items} are left?",
                    "how many {items} remain?",
                ),
            ),
        ),
    ),
    Situation(
        name="two machines",
        numbers={"a": (2, 80), "b": (2, 80), "c": (2, 24)},
        facts=(
            (
                "one machine makes {a} {items} an hour and another {b}",
                "{Name} packs {a} {items} an hour and {Other} packs {b}",
                "a {worker} makes {a} {items} an hour, an apprentice {b}",
                "{Name} can fold {a} {items} in an hour, {Other} {b}",
            ),
            (
                "both work for {c} hours",
                "they work together for {c} hours",
                "{c} hours go by",
                "the shift lasts {c} hours",
            ),
        ),
        questions=(
            Question(
                formula="(a+b)*c",
                wordings=(
                    "how many {items} is that together?",
                    "how many {items} do both finish in all?",
                    "how many {items} are done?",
                    "what is the total number of {items}?",
                ),
            ),
            Question(
                formula="(a-b)*c",
                wordings=(
                    "how many more {items} come from the faster one?",
                    "how many {items} more does the first one finish?",
                    "by how many {items} is the first one ahead?",
                ),
            ),
        ),
    ),
    Situation(
        name="daily habit",
        numbers={"a": (2, 90), "b": (2, 52), "d": (2, 6)},
        facts=(
            (
                "{Name} walks {a} minutes every day",
                "{Name} reads {a} pages a day",
                "each day {Name} runs {a} laps",
                "{Name} learns {a} words a day",
                "{Name} does {a} push-ups every day",
            ),
        ),
        questions=(
            Question(
                formula="a*7",
                wordings=(
                    "how many is that in a week?",
                    "how many does that make in one week?",
                    "what is that number for a week?",
                ),
            ),
            Question(
                formula="a*7*b",
                wordings=(
                    "how many is that in {b} weeks?",
                    "how many does that make in {b} weeks?",
                    "what number is it after {b} weeks?",
                ),
            ),
            Question(
                formula="a*d*b",
                facts=(
                    (
                        "{he} does so {d} days a week",
                        "{he} does that on {d} days of each week",
                        "it is done {d} days a week",
                    ),
                ),
                wordings=(
                    "how many is that in {b} weeks?",
                    "how many does that make in {b} weeks?",
                    "what number is it after {b} weeks?",
                ),
            ),
        ),
    ),
    Situation(
        name="book",
        numbers={"a": (5, 60), "b": (2, 20), "d": (2, 12), "q": (2, 30), "r": "d*q", "t": "a*b+r"},
        facts=(
            (
                "a book has {t} pages",
                "{Name} reads a book of {t} pages",
                "{Name} has a novel with {t} pages",
                "there are {t} pages in a book",
            ),
            (
                "{Name} reads {a} pages a day for {b} days",
                "for {b} days {he} reads {a} pages a day",
                "{he} reads {a} pages on each of {b} days",
                "{he} has read {a} pages a day for {b} days",
            ),
        ),
        questions=(
            Question(
                formula="t-a*b",
                wordings=(
                    "how many pages are left?",
                    "how many pages does {he} still have to read?",
                    "how many pages remain?",
                ),
            ),
            Question(
                formula="(t-a*b)/d",
                facts=(
                    (
                        "from then on {he} reads {d} pages a day",
                        "after that {he} reads only {d} pages a day",
                        "then it is {d} pages a day",
                    ),
                ),
                wordings=(
                    "how many more days does it take?",
                    "in how many days is the rest read?",
                    "how many days does {he} need for the rest?",
                ),
            ),
        ),
    ),
)
