"""Wages, savings and profits. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_LEFT = (
    "how much money does {Name} have left?",
    "how many dollars are left?",
    "how much does {he} have left?",
    "how much money remains?",
    "what is left of {his} money, in dollars?",
)

EARNING = (
    Situation(
        name="wage",
        numbers={"a": (5, 40), "b": (2, 12), "c": (2, 40), "d": (2, 12), "s": (10, 300)},
        facts=(
            (
                "{Name} earns ${a} an hour",
                "{Name} is paid ${a} per hour",
                "{Name} makes ${a} each hour",
                "an hour of work brings {Name} ${a}",
                "{Name} gets ${a} for every hour of work",
            ),
        ),
        questions=(
            Question(
                formula="a*b*c",
                facts=(
                    (
                        "{he} works {b} hours a day for {c} days",
                        "{he} works {b} hours on each of {c} days",
                        "for {c} days {he} works {b} hours a day",
                        "{he} works for {c} days, {b} hours each day",
                    ),
                ),
                wordings=(
                    "how much does {Name} earn in all?",
                    "how much money does {he} make?",
                    "how many dollars does {he} earn in that time?",
                    "what are {his} earnings?",
                ),
            ),
            Question(
                formula="a*(b+d)",
                facts=(
                    (
                        "on {day} {he} works {b} hours, and on {day2} {d} hours",
                        "{he} works {b} hours on {day} and {d} on {day2}",
                        "{he} works {b} hours in the morning and {d} in the evening",
                        "this week {he} worked {b} hours, and last week {d}",
                    ),
                ),
                wordings=(
                    "how much does {Name} earn in all?",
                    "how much money does {he} make?",
                    "how many dollars does {he} earn in that time?",
                    "what does {he} earn altogether?",
                ),
            ),
            Question(
                formula="a*c-s",
                facts=(
                    (
                        "{he} works {c} hours",
                        "this month {he} works {c} hours",
                        "{c} hours of work are done",
                    ),
                    (
                        "{he} spends ${s} of that money",
                        "{he} pays ${s} in taxes",
                        "{he} gives ${s} of it to {Other}",
                        "${s} of it goes to the rent",
                    ),
                ),
                wordings=_LEFT,
            ),
        ),
    ),
    Situation(
        name="saving",
        numbers={"a": (2, 60), "b": (2, 52), "c": (5, 300), "g": (100, 2000, 10)},
        facts=(
            (
                "{Name} saves ${a} each week",
                "{Name} puts ${a} aside every week",
                "every week {Name} saves ${a}",
                "{Name} gets ${a} of pocket money a week and saves all of it",
            ),
        ),
        questions=(
            Question(
                formula="a*b",
                facts=(
                    ("{he} does so for {b} weeks", "this goes on for {b} weeks", "{b} weeks go by"),
                ),
                wordings=(
                    "how much money does {he} save?",
                    "how many dollars is that?",
                    "how much has {Name} saved by then?",
                ),
            ),
            Question(
                formula="a*b+c",
                facts=(
                    (
                        "{he} already has ${c}",
                        "{he} had ${c} before",
                        "{his} savings were ${c} at the start",
                        "${c} are in {his} bank already",
                    ),
                    ("{he} does so for {b} weeks", "this goes on for {b} weeks", "{b} weeks go by"),
                ),
                wordings=(
                    "how much money does {Name} have then?",
                    "how many dollars does {he} have in the end?",
                    "how much is that altogether?",
                    "how much has {he} got after that?",
                ),
            ),
            Question(
                formula="g-a*b",
                facts=(
                    (
                        "{he} wants to buy a bike for ${g}",
                        "{he} dreams of a laptop that costs ${g}",
                        "a guitar costs ${g}",
                        "{he} needs ${g} for a trip",
                    ),
                    (
                        "{he} has saved for {b} weeks",
                        "{b} weeks have passed",
                        "so far {he} has done this for {b} weeks",
                    ),
                ),
                wordings=(
                    "how much money is still missing?",
                    "how many dollars does {he} still need?",
                    "how much more does {Name} have to save?",
                ),
            ),
        ),
    ),
    Situation(
        name="weeks to save",
        numbers={"a": (2, 12), "k": (2, 40), "c": (5, 300), "m": "a*k+c"},
        facts=(
            (
                "{Name} wants to buy a bike for ${m}",
                "{Name} needs ${m} for a trip",
                "a drum costs ${m}, and {Name} wants it",
                "{Name} is saving for a phone that costs ${m}",
            ),
            (
                "{he} already has ${c}",
                "{his} grandmother gives {him} ${c} for it",
                "${c} are saved already",
                "{he} starts with ${c}",
            ),
            (
                "{he} saves ${a} a week",
                "every week {he} puts ${a} aside",
                "each week {he} earns ${a} and keeps it",
                "{he} can save ${a} each week",
            ),
        ),
        questions=(
            Question(
                formula="(m-c)/a",
                wordings=(
                    "how many weeks does it take?",
                    "how many weeks does {he} have to save?",
                    "after how many weeks does {he} have enough?",
                    "for how many weeks must {Name} save?",
                ),
            ),
        ),
    ),
    Situation(
        name="selling",
        numbers={"a": (2, 60), "p": (4, 40), "c": (2, 30), "s": (5, 200)},
        facts=(
            (
                "{Name} sells {a} {items} at ${p} each",
                "a {worker} sells {a} {items} for ${p} each",
                "{a} {items} are sold at ${p} each",
                "{Name} gets ${p} for each of {a} {items}",
                "people buy {a} {items} from {Name} at ${p} apiece",
            ),
        ),
        questions=(
            Question(
                formula="a*p-s",
                facts=(
                    (
                        "the material cost ${s}",
                        "it cost ${s} to make them",
                        "the stand costs ${s}",
                        "${s} go to the owner of the {shop}",
                    ),
                ),
                wordings=(
                    "how much profit is that?",
                    "how many dollars are earned?",
                    "what is the profit in dollars?",
                    "how much money is gained?",
                ),
            ),
            Question(
                formula="a*(p-c)",
                facts=(
                    (
                        "each of them cost ${c} to make",
                        "every {item} was bought for ${c}",
                        "making one costs ${c}",
                        "they had cost ${c} apiece",
                    ),
                ),
                wordings=(
                    "how much profit is that?",
                    "how many dollars are earned?",
                    "what is the profit in dollars?",
                    "how much money is gained in all?",
                ),
            ),
        ),
    ),
)
