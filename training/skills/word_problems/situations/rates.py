"""So much for so many: unit prices, recipes, fuel, overtime. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_COST = (
    "how much does that cost?",
    "how many dollars is that?",
    "how much money is that in all?",
    "what is the cost in dollars?",
    "how much has to be paid for it?",
)

RATES = (
    Situation(
        name="price of several",
        numbers={"k": (2, 12), "p": (2, 20), "m": "k*p", "n": (2, 40), "g": (2, 12), "t": "g*k"},
        facts=(
            (
                "{k} {items} cost ${m}",
                "the {shop} sells {k} {items} for ${m}",
                "for {k} {items} people pay ${m}",
                "{Name} paid ${m} for {k} {items}",
                "{items} are on sale, {k} of them for ${m}",
            ),
        ),
        questions=(
            Question(
                formula="m/k*n",
                wordings=(
                    "how much do {n} {items} cost?",
                    "what is the price of {n} {items}?",
                    "how many dollars are {n} {items}, at the same price?",
                    "how much does {Name} pay for {n} of them?",
                ),
            ),
            Question(
                formula="t/k*m",
                wordings=(
                    "how much do {t} {items} cost, in packs of that size?",
                    "what is the price of {t} {items} in such packs?",
                    "how many dollars are {t} {items} if only such packs are sold?",
                ),
            ),
        ),
    ),
    Situation(
        name="used up",
        numbers={"a": (1, 6), "k": (2, 12), "q": (2, 12), "d": (10, 120, 10), "p": (2, 20)},
        facts=(
            (
                "{Name} eats {a} {items} a day",
                "every day {Name} uses {a} {items}",
                "a {shop} needs {a} {items} each day",
                "{a} {items} are used in the {place} per day",
            ),
            (
                "a pack has {k} {items} in it and costs ${p}",
                "{items} come in packs of {k} that cost ${p}",
                "one pack of {k} {items} is ${p}",
                "packs of {k} {items} are sold for ${p}",
            ),
        ),
        questions=(
            Question(
                formula="d*a/k",
                wordings=(
                    "how many packs are needed for {d} days?",
                    "how many packs is that in {d} days?",
                    "find the number of packs for {d} days.",
                ),
            ),
            Question(
                formula="d*a/k*p",
                wordings=(
                    "how much do {d} days cost?",
                    "how much money is that for {d} days?",
                    "how many dollars are spent in {d} days?",
                    "what is spent on them in {d} days?",
                ),
            ),
        ),
    ),
    Situation(
        name="recipe",
        numbers={"k": (2, 12), "b": (2, 20), "g": (2, 15), "n": "k*g", "a": (2, 40)},
        facts=(
            (
                "a recipe for {k} people needs {b} eggs",
                "for {k} guests a cook takes {b} eggs",
                "{b} eggs are enough for {k} people",
                "{Name} needs {b} eggs to bake for {k} people",
            ),
        ),
        questions=(
            Question(
                formula="n/k*b",
                wordings=(
                    "how many eggs are needed for {n} people?",
                    "how many eggs is that for {n}?",
                    "how many eggs have to be there for {n} people?",
                    "find the number of eggs for {n} guests.",
                ),
            ),
            Question(
                formula="n/k*b-a",
                facts=(
                    (
                        "{a} eggs are there already",
                        "{a} eggs lie in the kitchen",
                        "{Other} brings {a} eggs",
                    ),
                ),
                wordings=(
                    "how many more eggs are needed for {n} people?",
                    "how many eggs are missing for {n} guests?",
                    "how many eggs must be bought for {n} people?",
                ),
            ),
        ),
    ),
    Situation(
        name="fuel",
        numbers={"k": (10, 50), "g": (2, 20), "m": "k*g", "p": (2, 6), "n": (2, 9)},
        facts=(
            (
                "a {vehicle} goes {k} miles on a gallon of fuel",
                "with one gallon a {vehicle} comes {k} miles far",
                "for every {k} miles a {vehicle} uses a gallon of gas",
                "{Name}'s car makes {k} miles per gallon",
            ),
            (
                "a trip is {m} miles long",
                "it has to go {m} miles",
                "the way to {Other} is {m} miles",
                "{m} miles are to be driven",
            ),
        ),
        questions=(
            Question(
                formula="m/k",
                wordings=(
                    "how many gallons does it need?",
                    "how many gallons of it are used?",
                    "how much fuel is that, in gallons?",
                ),
            ),
            Question(
                formula="m/k*p",
                facts=(
                    (
                        "a gallon costs ${p}",
                        "each gallon is ${p}",
                        "the price of one gallon is ${p}",
                    ),
                ),
                wordings=_COST,
            ),
        ),
    ),
    Situation(
        name="overtime",
        numbers={"a": (5, 30), "b": (20, 40, 5), "c": (2, 15), "d": (2, 12)},
        facts=(
            (
                "{Name} is paid ${a} an hour for the first {b} hours of a week",
                "for {b} hours a week {Name} gets ${a} each",
                "the first {b} hours bring {Name} ${a} an hour",
                "a {worker} earns ${a} per hour for up to {b} hours a week",
            ),
            (
                "for each hour beyond that it is ${d} more",
                "every further hour is paid ${d} more than those",
                "an hour of overtime brings ${d} more",
                "any hour after those brings ${d} more",
            ),
        ),
        questions=(
            Question(
                formula="a*b+(a+d)*c",
                facts=(
                    (
                        "this week there were {c} hours of overtime",
                        "{c} more hours than those were worked",
                        "on top of these {c} hours were worked",
                    ),
                ),
                wordings=(
                    "how much is earned in that week?",
                    "what does the week bring in dollars?",
                    "how many dollars is that for the week?",
                ),
            ),
        ),
    ),
    Situation(
        name="two jobs",
        numbers={"a": (5, 40), "b": (5, 40), "c": (2, 40), "d": (2, 30), "w": (2, 50)},
        facts=(
            (
                "{Name} gets ${a} an hour as a {worker} and ${b} an hour as a guard",
                "as a {worker} {Name} earns ${a} per hour, as a driver ${b}",
                "{Name} has two jobs, one for ${a} an hour and one for ${b} an hour",
                "teaching brings {Name} ${a} an hour, and cooking ${b}",
            ),
            (
                "each week {he} works {c} hours in the first job and {d} in the second",
                "a week has {c} hours of the first and {d} hours of the second",
                "{he} does the first for {c} hours a week and the other for {d}",
                "every week {c} hours go to the first one and {d} to the other",
            ),
        ),
        questions=(
            Question(
                formula="a*c+b*d",
                wordings=(
                    "how much does {he} earn in a week?",
                    "how many dollars is that a week?",
                    "what are the earnings of one week?",
                ),
            ),
            Question(
                formula="(a*c+b*d)*w",
                wordings=(
                    "how much does {he} earn in {w} weeks?",
                    "how many dollars is that in {w} weeks?",
                    "what are the earnings of {w} weeks?",
                ),
            ),
        ),
    ),
    Situation(
        name="slices",
        numbers={"a": (2, 30), "b": (4, 16), "c": (2, 60), "n": (2, 12)},
        facts=(
            (
                "{Name} cuts {a} cakes into {b} slices each",
                "there are {a} pizzas, and each is cut into {b} pieces",
                "{a} pies with {b} pieces each stand on a table",
                "a {worker} bakes {a} loaves and cuts each into {b} slices",
            ),
        ),
        questions=(
            Question(
                formula="a*b-c",
                facts=(
                    (
                        "in the evening {c} of them are left",
                        "when everybody has gone, {c} remain",
                        "{c} are still there after the meal",
                    ),
                ),
                wordings=(
                    "how many were eaten?",
                    "how many of them have the guests taken?",
                    "how many of these are gone?",
                ),
            ),
            Question(
                formula="a*b/n",
                facts=(
                    (
                        "{n} people share them equally",
                        "they are shared evenly by {n} guests",
                        "all of them go to {n} children in equal parts",
                    ),
                ),
                wordings=(
                    "how many does each of them get?",
                    "how many are there for each?",
                    "how many is that for one of them?",
                ),
            ),
        ),
    ),
)
