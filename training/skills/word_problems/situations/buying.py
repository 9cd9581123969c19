"""Prices, and change. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_COST = (
    "how much does {Name} pay in all?",
    "how much does that cost altogether?",
    "how many dollars does {Name} spend in total?",
    "what is the total cost in dollars?",
    "how much money does {he} spend?",
    "find the total price.",
    "what does {he} pay altogether?",
)
_LEFT = (
    "how much money does {Name} have left?",
    "how many dollars are left?",
    "how much does {he} have left?",
    "how much money remains?",
    "what is left of {his} money, in dollars?",
)

BUYING = (
    Situation(
        name="one price",
        numbers={"a": (2, 40), "q": (4, 120), "p": "q/4", "m": (20, 400, 10), "s": (2, 20)},
        facts=(
            (
                "{Name} buys {a} {items} at ${p} each",
                "{Name} buys {a} {items} for ${p} each",
                "{a} {items} cost ${p} each",
                "one {item} costs ${p}, and {Name} takes {a} of them",
                "{Name} orders {a} {items} that cost ${p} apiece",
                "at the {shop} {items} cost ${p} each, and {Name} buys {a}",
                "{Name} pays ${p} for each of {a} {items}",
            ),
        ),
        questions=(
            Question(formula="a*p", wordings=_COST),
            Question(
                formula="m-a*p",
                facts=(
                    (
                        "{he} pays with ${m}",
                        "{he} had ${m}",
                        "{he} hands over ${m}",
                        "{he} gives the cashier ${m}",
                        "{he} took ${m} along",
                    ),
                ),
                wordings=(
                    "how much change does {he} get?",
                    "how many dollars does {he} get back?",
                    "how much money does {Name} have then?",
                    "what is {his} change in dollars?",
                    "how much of this money is left?",
                ),
            ),
            Question(
                formula="a*p+s",
                facts=(
                    (
                        "the delivery costs another ${s}",
                        "{he} also buys a book for ${s}",
                        "{he} pays ${s} more for wrapping",
                        "there is a fee of ${s} as well",
                        "{he} also spends ${s} on a drink",
                    ),
                ),
                wordings=_COST,
            ),
            Question(
                formula="a*p-s",
                facts=(
                    (
                        "{he} has a coupon for ${s} off",
                        "the shop takes ${s} off the whole price",
                        "{he} gets a discount of ${s} on all of it",
                        "a voucher saves {him} ${s}",
                    ),
                ),
                wordings=_COST,
            ),
        ),
    ),
    Situation(
        name="two prices",
        numbers={
            "a": (2, 30),
            "q": (4, 100),
            "p": "q/4",
            "b": (2, 30),
            "r": (2, 30),
            "m": (50, 900, 10),
            "s": (2, 20),
            "n": (2, 9),
        },
        facts=(
            (
                "{Name} buys {a} {items} at ${p} each",
                "{Name} takes {a} {items} for ${p} each",
                "{a} {items} are bought at ${p} each",
                "{Name} pays ${p} each for {a} {items}",
                "{Name} puts {a} {items} that cost ${p} apiece into the basket",
            ),
            (
                "{b} {items2} at ${r} each",
                "{b} {items2} for ${r} each",
                "{he} also buys {b} {items2} at ${r} each",
                "{he} pays ${r} each for {b} {items2} as well",
                "{he} takes {b} {items2} too, which cost ${r} apiece",
            ),
        ),
        questions=(
            Question(formula="a*p+b*r", wordings=_COST),
            Question(
                formula="m-(a*p+b*r)",
                facts=(
                    (
                        "{he} pays with ${m}",
                        "{he} had ${m}",
                        "{he} hands over ${m}",
                        "{he} gives the cashier ${m}",
                    ),
                ),
                wordings=(
                    "how much change does {he} get?",
                    "how many dollars does {he} get back?",
                    "how much money does {Name} have then?",
                    "how much of that money is left?",
                ),
            ),
            Question(
                formula="m-(a*p+b*r-s)",
                facts=(
                    (
                        "a coupon takes ${s} off",
                        "{he} has a voucher for ${s} off",
                        "the shop takes ${s} off the whole price",
                        "there is a discount of ${s} on all of it",
                    ),
                    (
                        "{he} pays with ${m}",
                        "{he} had ${m}",
                        "{he} hands over ${m}",
                        "{he} gives the cashier ${m}",
                    ),
                ),
                wordings=(
                    "how much change does {he} get?",
                    "how many dollars does {he} get back?",
                    "how much money does {Name} have then?",
                    "how much of that money is left?",
                ),
            ),
            Question(
                formula="(a*p+b*r)/n",
                facts=(
                    (
                        "{n} friends share the cost equally",
                        "the bill is split evenly among {n} people",
                        "{he} and some others, {n} people in all, share the price equally",
                        "{n} of them pay equal parts",
                    ),
                ),
                wordings=(
                    "how much does each of them pay?",
                    "how many dollars does each one pay?",
                    "what is the share of each in dollars?",
                    "how much is that for each?",
                ),
            ),
        ),
    ),
    Situation(
        name="price list",
        numbers={"p": (2, 40), "r": (2, 40), "a": (2, 20), "b": (2, 20)},
        facts=(
            (
                "one {item} costs ${p} and one {item2} costs ${r}",
                "{items} are ${p} each and {items2} are ${r} each",
                "at the {shop} {items} cost ${p} and {items2} ${r}",
                "the price of one {item} is ${p}, that of one {item2} is ${r}",
            ),
        ),
        questions=(
            Question(
                formula="a*p+b*r",
                wordings=(
                    "how much do {a} {items} and {b} {items2} cost?",
                    "what do {a} {items} and {b} {items2} cost together?",
                    "{Name} buys {a} {items} and {b} {items2}. How much does {he} pay?",
                    "find the price of {a} {items} and {b} {items2}.",
                    "if {Name} takes {a} {items} and {b} {items2}, how many dollars does {he} pay?",
                ),
            ),
            Question(
                formula="a*p-b*r",
                wordings=(
                    "how much more do {a} {items} cost than {b} {items2}?",
                    "by how many dollars are {a} {items} more expensive than {b} {items2}?",
                    "how much cheaper are {b} {items2} than {a} {items}?",
                ),
            ),
        ),
    ),
    Situation(
        name="three things",
        numbers={"p": (2, 150), "r": (2, 150), "s": (2, 150), "m": (50, 600, 10)},
        facts=(
            (
                "{Name} buys a coat for ${p}, a hat for ${r} and shoes for ${s}",
                "{Name} spends ${p} on food, ${r} on books and ${s} on a gift",
                "a table costs ${p}, a chair ${r} and a lamp ${s}, and {Name} takes all three",
                "{Name} pays ${p} for rent, ${r} for power and ${s} for water",
                "for a party {Name} buys drinks for ${p}, snacks for ${r} and a cake for ${s}",
            ),
        ),
        questions=(
            Question(formula="p+r+s", wordings=_COST),
            Question(
                formula="m-(p+r+s)",
                facts=(
                    (
                        "{he} had ${m}",
                        "{he} started with ${m}",
                        "{his} budget was ${m}",
                        "{he} had saved ${m} for it",
                    ),
                ),
                wordings=_LEFT,
            ),
        ),
    ),
)
