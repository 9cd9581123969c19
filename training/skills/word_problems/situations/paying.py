"""Entrance, discounts and fees. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

PAYING = (
    Situation(
        name="tickets",
        numbers={"a": (2, 80), "p": (3, 40), "b": (2, 80), "r": (2, 25)},
        facts=(
            (
                "tickets cost ${p} for adults and ${r} for children",
                "an adult pays ${p} and a child ${r} to get in",
                "grown-ups pay ${p} each, children ${r}",
                "the museum takes ${p} from each adult and ${r} from each child",
            ),
            (
                "{a} adults and {b} children come",
                "there are {a} adults and {b} children in a group",
                "{a} adults and {b} children want to go in",
                "a club goes there with {a} adults and {b} children",
            ),
        ),
        questions=(
            Question(
                formula="a*p+b*r",
                wordings=(
                    "how much do they pay in all?",
                    "how much money is that?",
                    "what do all the tickets cost, in dollars?",
                    "how many dollars are taken in?",
                ),
            ),
            Question(
                formula="a*p-b*r",
                wordings=(
                    "how much more do the adults pay than the children?",
                    "by how many dollars do the adults pay more?",
                    "how many dollars more come from the adults?",
                ),
            ),
            Question(
                formula="a+b",
                wordings=(
                    "how many people is that?",
                    "how many tickets do they need?",
                    "find the number of tickets.",
                ),
            ),
        ),
    ),
    Situation(
        name="percent off",
        numbers={"u": (1, 40), "a": "u*20", "d": (5, 90, 5)},
        facts=(
            (
                "a coat costs ${a}",
                "the price of a table is ${a}",
                "{Name} wants a bike that costs ${a}",
                "a phone was ${a}",
                "{Name} finds a lamp for ${a}",
            ),
            (
                "it is sold at {d}% off",
                "there is a discount of {d}%",
                "today the shop takes {d}% off",
                "the price is cut by {d}%",
                "with a coupon it is {d}% cheaper",
            ),
        ),
        questions=(
            Question(
                formula="a-a*d/100",
                wordings=(
                    "how much does it cost now?",
                    "what is the new price in dollars?",
                    "how many dollars does it cost then?",
                    "how much has to be paid?",
                ),
            ),
            Question(
                formula="a*d/100",
                wordings=(
                    "how much money is saved?",
                    "how many dollars is it cheaper?",
                    "what is the discount in dollars?",
                ),
            ),
        ),
    ),
    Situation(
        name="percent of",
        numbers={"u": (1, 50), "a": "u*20", "d": (5, 90, 5)},
        facts=(
            (
                "a school has {a} students",
                "there are {a} people in a village",
                "{a} guests are at a hotel",
                "a club has {a} members",
                "{Name} has {a} {items}",
            ),
            (
                "{d}% of them are new",
                "{d}% of these come from abroad",
                "{d}% of them are marked in {color}",
                "{d}% are old ones",
            ),
        ),
        questions=(
            Question(
                formula="a*d/100",
                wordings=(
                    "how many is that?",
                    "how many are those?",
                    "what number is that?",
                    "how many of them are meant?",
                ),
            ),
            Question(
                formula="a-a*d/100",
                wordings=(
                    "how many are the others?",
                    "how many are not?",
                    "how many are left beside these?",
                ),
            ),
        ),
    ),
    Situation(
        name="taxi",
        numbers={"c": (2, 30), "a": (2, 12), "b": (2, 60), "k": (2, 12)},
        facts=(
            (
                "a taxi costs ${c} plus ${a} for each mile",
                "a taxi takes ${c} at the start and ${a} per mile",
                "renting a boat costs ${c} and another ${a} per mile",
                "a mover asks for ${c} and ${a} more for every mile",
            ),
            (
                "{Name} goes {b} miles",
                "the ride is {b} miles long",
                "it is {b} miles to the {shop}",
                "{Name} needs it for {b} miles",
            ),
        ),
        questions=(
            Question(
                formula="b*a+c",
                wordings=(
                    "how much is that?",
                    "how much does {Name} pay?",
                    "what is the price of it in dollars?",
                    "how many dollars does that cost?",
                ),
            ),
        ),
    ),
)
