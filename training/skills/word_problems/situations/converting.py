"""Minutes and hours, days and weeks, dozens, feet and cents: numbers that a unit brings in. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

CONVERTING = (
    Situation(
        name="hours of minutes",
        numbers={"n": (2, 40), "q": (1, 12), "a": (5, 60, 5), "c": (2, 60), "h": (2, 12)},
        facts=(
            (
                "{Name} needs {a} minutes for one {item}",
                "it takes {Name} {a} minutes to make one {item}",
                "one {item} takes {a} minutes",
                "a {worker} works on each {item} for {a} minutes",
                "painting one {item} takes {a} minutes",
            ),
        ),
        questions=(
            Question(
                formula="a*n/60",
                facts=(
                    (
                        "there are {n} {items} to be made",
                        "{he} has to make {n} of them",
                        "{n} {items} are ordered",
                        "{he} wants to finish {n} {items}",
                    ),
                ),
                wordings=(
                    "how many hours is that?",
                    "how many hours does it take?",
                    "find the time in hours.",
                    "for how many hours does this go on?",
                ),
            ),
            Question(
                formula="h*60/a",
                facts=(
                    (
                        "{he} works for {h} hours",
                        "the work goes on for {h} hours",
                        "{he} has {h} hours for it",
                        "there are {h} hours until the {shop} closes",
                    ),
                ),
                wordings=(
                    "how many {items} can {he} make in that time?",
                    "how many {items} is that?",
                    "how many {items} get done?",
                    "find how many {items} are finished.",
                ),
            ),
        ),
    ),
    Situation(
        name="daily minutes",
        numbers={"a": (5, 120, 5), "b": (2, 12), "d": (2, 6)},
        facts=(
            (
                "{Name} practises for {a} minutes every day",
                "each day {Name} spends {a} minutes on the {vehicle}",
                "{Name} sweeps the {place} for {a} minutes a day",
                "every day {Name} phones {Other} for {a} minutes",
                "{Name} exercises {a} minutes each day",
            ),
        ),
        questions=(
            Question(
                formula="a*7*b",
                wordings=(
                    "how many minutes is that in {b} weeks?",
                    "how many minutes does {he} spend on it in {b} weeks?",
                    "what is the number of minutes in {b} weeks?",
                ),
            ),
            Question(
                formula="a*7*b/60",
                wordings=(
                    "how many hours is that in {b} weeks?",
                    "how many hours does {he} spend on it in {b} weeks?",
                    "what is the number of hours in {b} weeks?",
                ),
            ),
            Question(
                formula="a*d*b",
                facts=(
                    (
                        "that is on {d} days of every week",
                        "{he} does so on {d} days of the week",
                        "{he} does this {d} times a week",
                    ),
                ),
                wordings=(
                    "how many minutes is that in {b} weeks?",
                    "how many minutes does it come to in {b} weeks?",
                    "what is the number of minutes after {b} weeks?",
                ),
            ),
        ),
    ),
    Situation(
        name="price of dozens",
        numbers={"a": (2, 20), "p": (2, 30), "b": (2, 20), "r": (2, 30), "m": (50, 900, 10)},
        facts=(
            (
                "{Name} buys {a} dozen {items} at ${p} a dozen",
                "{a} dozen {items} cost ${p} per dozen",
                "{Name} orders {a} dozen {items}, and each dozen is ${p}",
                "a dozen {items} costs ${p}, and {Name} takes {a} dozen",
            ),
        ),
        questions=(
            Question(
                formula="a*p",
                wordings=(
                    "how much is that?",
                    "how many dollars does that cost?",
                    "what does all of it cost, in dollars?",
                    "how much has to be paid?",
                ),
            ),
            Question(
                formula="a*p+b*r",
                facts=(
                    (
                        "{b} dozen {items2} at ${r} a dozen are bought too",
                        "{he} also gets {b} dozen {items2} for ${r} per dozen",
                        "another {b} dozen {items2} cost ${r} a dozen",
                    ),
                ),
                wordings=(
                    "how much is that in all?",
                    "how many dollars does all of it cost?",
                    "what is the total cost?",
                    "how much does {Name} pay altogether?",
                ),
            ),
        ),
    ),
    Situation(
        name="eggs in dozens",
        numbers={"q": (1, 8), "a": (2, 60), "b": (2, 40), "p": (2, 9)},
        facts=(
            (
                "{Name} keeps hens that lay {a} eggs a day",
                "the hens of {Name} lay {a} eggs every day",
                "each day {Name} collects {a} eggs",
                "a farm gets {a} eggs a day from its hens",
            ),
        ),
        questions=(
            Question(
                formula="a*7/12",
                wordings=(
                    "how many dozen eggs is that in a week?",
                    "how many dozens of eggs are there after one week?",
                    "find how many dozen eggs that makes in a week.",
                ),
            ),
            Question(
                formula="(a-b)*p",
                facts=(
                    (
                        "{b} of these eggs are eaten at home",
                        "{he} keeps {b} of them for {his} own kitchen",
                        "every day {b} are used for cakes",
                    ),
                    (
                        "the rest are sold for ${p} each",
                        "{he} sells the others at ${p} apiece",
                        "each of the remaining eggs brings in ${p}",
                    ),
                ),
                wordings=(
                    "how much money is that a day?",
                    "how many dollars does {he} make each day?",
                    "how much is earned every day?",
                ),
            ),
            Question(
                formula="(a-b)*p*7",
                facts=(
                    (
                        "{b} of these eggs are eaten at home",
                        "{he} keeps {b} of them for {his} own kitchen",
                        "every day {b} are used for cakes",
                    ),
                    (
                        "the rest are sold for ${p} each",
                        "{he} sells the others at ${p} apiece",
                        "each of the remaining eggs brings in ${p}",
                    ),
                ),
                wordings=(
                    "how much money is that a week?",
                    "how many dollars does {he} make each week?",
                    "how much is earned every week?",
                ),
            ),
        ),
    ),
    Situation(
        name="growing",
        numbers={"a": (2, 60), "b": (2, 20), "c": (2, 40), "u": (2, 12), "t": "b*c+a"},
        facts=(
            (
                "a plant is {a} inches tall",
                "a tree measures {a} inches",
                "on {day} a vine has a height of {a} inches",
                "{Name} owns a plant of {a} inches",
            ),
            (
                "it grows {b} inches a month",
                "each month it grows by {b} inches",
                "every month adds {b} inches to its height",
                "in a month it becomes {b} inches taller",
            ),
        ),
        questions=(
            Question(
                formula="c*b+a",
                wordings=(
                    "how tall is it after {c} months?",
                    "how many inches tall will it be in {c} months?",
                    "what is its height {c} months later?",
                ),
            ),
            Question(
                formula="u*12*b+a",
                wordings=(
                    "how tall is it after {u} years?",
                    "how many inches tall will it be in {u} years?",
                    "what is its height {u} years later?",
                ),
            ),
            Question(
                formula="(t-a)/b",
                wordings=(
                    "after how many months is it {t} inches tall?",
                    "in how many months does it reach {t} inches?",
                    "how many months does it take to get to {t} inches?",
                ),
            ),
        ),
    ),
    Situation(
        name="yearly",
        numbers={"a": (5, 90), "b": (5, 400), "c": (2, 9), "w": (2, 30)},
        facts=(
            (
                "{Name} pays ${a} a month for a phone",
                "a club costs {Name} ${a} a month",
                "every month {Name} gives ${a} to a library",
                "{Name} spends ${a} each month on {items}",
            ),
        ),
        questions=(
            Question(
                formula="a*12",
                wordings=(
                    "how much is that in a year?",
                    "how many dollars is that per year?",
                    "what does one year come to?",
                ),
            ),
            Question(
                formula="a*12*c",
                wordings=(
                    "how much is that in {c} years?",
                    "how many dollars is that for {c} years?",
                    "what do {c} years come to?",
                ),
            ),
            Question(
                formula="a*12+b",
                facts=(
                    (
                        "there is a fee of ${b} a year as well",
                        "once a year {he} pays another ${b}",
                        "besides, ${b} are due every year",
                    ),
                ),
                wordings=(
                    "how much is that in a year?",
                    "how many dollars is that per year?",
                    "what does a whole year come to?",
                ),
            ),
            Question(
                formula="a*12+w*52",
                facts=(
                    (
                        "{he} also spends ${w} a week on tea",
                        "${w} more are spent every week",
                        "besides, each week costs {him} ${w}",
                    ),
                ),
                wordings=(
                    "how much is that in a year of 52 weeks?",
                    "how many dollars does a year of 52 weeks cost?",
                    "what is all that for a year, of 52 weeks?",
                ),
            ),
        ),
    ),
)
