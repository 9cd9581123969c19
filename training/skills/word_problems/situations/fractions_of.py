"""Halves, thirds, percents and ratios, of a whole and of its rest. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_MONEY_LEFT = (
    "how much money does {Name} have left?",
    "how many dollars are left?",
    "how much does {he} still have?",
    "how much money is left in the end?",
    "find out how much money remains.",
)
_LEFT = (
    "how many {items} are left?",
    "how many {items} does {Name} have left?",
    "how many {items} remain in the end?",
    "how many of the {items} are still there?",
    "find the number of {items} that are left.",
)

FRACTIONS_OF = (
    Situation(
        name="money in parts",
        numbers={"h": (1, 80), "t": "h*12", "b": (2, 60)},
        facts=(
            (
                "{Name} has ${t}",
                "{Name} earned ${t} last month",
                "{Name} takes ${t} to the {shop}",
                "for {his} birthday {Name} was given ${t}",
                "{Name} had saved ${t}",
            ),
        ),
        questions=(
            Question(
                formula="t-t/2-(t-t/2)/3",
                facts=(
                    (
                        "{he} spends half of it on clothes",
                        "half of the money goes to rent",
                        "first {he} uses one half of it for food",
                        "{he} gives half of that to {Other}",
                    ),
                    (
                        "a third of the rest is spent on {items}",
                        "{he} spends one third of what is left on a gift",
                        "then {he} pays a third of the remaining money for a ticket",
                        "1/3 of the rest goes to {Third}",
                    ),
                ),
                wordings=_MONEY_LEFT,
            ),
            Question(
                formula="t-t/4-b",
                facts=(
                    (
                        "{he} spends a quarter of it on food",
                        "one fourth of it goes to {Other}",
                        "a quarter of the money is used for taxes",
                        "1/4 of it is paid for a book",
                    ),
                    (
                        "another ${b} are spent on {items}",
                        "{he} also pays ${b} for a meal",
                        "besides, {he} loses ${b}",
                        "${b} more go to {Third}",
                    ),
                ),
                wordings=_MONEY_LEFT,
            ),
            Question(
                formula="(t-b)/2",
                facts=(
                    (
                        "{he} pays ${b} for {items}",
                        "{he} spends ${b} on lunch",
                        "a ticket costs {him} ${b}",
                        "${b} of it are spent at the {shop}",
                    ),
                    (
                        "half of the rest is given to {Other}",
                        "{he} then spends half of what is left",
                        "one half of the remaining money goes to {his} mother",
                        "then {he} puts half of what remains into the bank",
                    ),
                ),
                wordings=_MONEY_LEFT,
            ),
        ),
    ),
    Situation(
        name="items in parts",
        numbers={"h": (1, 40), "t": "h*12", "b": (2, 40), "c": (2, 40)},
        facts=(
            (
                "{Name} has {t} {items}",
                "{Name} bakes {t} {items} for a fair",
                "a {worker} starts the day with {t} {items}",
                "there are {t} {items} in the {place}",
                "the {shop} got {t} {items} this morning",
            ),
        ),
        questions=(
            Question(
                formula="t-t/3-b",
                facts=(
                    (
                        "a third of them are sold before noon",
                        "in the morning one third of them are taken",
                        "1/3 of the {items} go to a school",
                        "{Other} gets a third of them",
                    ),
                    (
                        "{b} more are sold in the afternoon",
                        "another {b} are given away",
                        "later {b} others are lost",
                        "{b} of the rest are damaged",
                    ),
                ),
                wordings=_LEFT,
            ),
            Question(
                formula="t-t/2-(t-t/2)/2",
                facts=(
                    (
                        "half of them are sold on {day}",
                        "on {day} one half of them are used",
                        "{Other} takes half of them",
                        "one half of the {items} are given to a school",
                    ),
                    (
                        "half of the rest are sold on {day2}",
                        "then half of those that are left are used as well",
                        "{Third} takes half of what is left",
                        "half of the remaining {items} are broken",
                    ),
                ),
                wordings=_LEFT,
            ),
            Question(
                formula="t-(t/4+t/3)",
                facts=(
                    (
                        "a quarter of them are {color} and a third are {color2}",
                        "one fourth are {color}, one third {color2}",
                        "1/4 of the {items} are {color} and 1/3 of them are {color2}",
                    ),
                    (
                        "all the others are {color3}",
                        "the rest are {color3}",
                        "the remaining ones are {color3}",
                    ),
                ),
                wordings=(
                    "how many {items} are {color3}?",
                    "how many of them are {color3}?",
                    "find the number of {color3} {items}.",
                    "what is the number of {color3} ones?",
                ),
            ),
            Question(
                formula="t/4*3",
                facts=(
                    (
                        "three quarters of them are {color}",
                        "3/4 of the {items} are {color}",
                        "three fourths of them are sold",
                    ),
                ),
                wordings=(
                    "how many {items} is that?",
                    "how many {items} are these three parts?",
                    "what number of {items} is meant?",
                ),
            ),
        ),
    ),
    Situation(
        name="percent more",
        numbers={"u": (1, 40), "a": "u*20", "d": (5, 95, 5), "n": (2, 9)},
        facts=(
            (
                "a meal costs ${a}",
                "{Name} earns ${a} a week",
                "last year the rent was ${a}",
                "a {vehicle} ticket was ${a} before",
                "{Name} buys a watch for ${a}",
            ),
        ),
        questions=(
            Question(
                formula="a+a*d/100",
                facts=(
                    (
                        "a tax of {d}% is added to it",
                        "then it goes up by {d}%",
                        "{d}% of it come on top",
                        "it is raised by {d}%",
                        "this amount grows by {d}%",
                    ),
                ),
                wordings=(
                    "how much is that then?",
                    "how many dollars is it with that?",
                    "what is the new amount in dollars?",
                    "how much is it altogether?",
                ),
            ),
            Question(
                formula="(a+a*d/100)*n",
                facts=(
                    (
                        "it goes up by {d}%",
                        "{d}% are added to it",
                        "it is raised by {d}%",
                        "it becomes {d}% more",
                    ),
                ),
                wordings=(
                    "how much is {n} times the new amount?",
                    "how many dollars is the new amount, taken {n} times?",
                    "what do {n} of these come to then?",
                    "how much are {n} of them now?",
                ),
            ),
        ),
    ),
    Situation(
        name="percent of the rest",
        numbers={"u": (1, 12), "a": "u*100", "d": (10, 80, 10), "e": (10, 90, 10)},
        facts=(
            (
                "{a} people are in a hall",
                "a school has {a} pupils",
                "{Name} owns {a} {items}",
                "a farm has {a} animals",
                "there are {a} seats in a theater",
            ),
            (
                "{d}% of them are on the left side",
                "{d}% of these belong to group one",
                "{d}% of all are counted first",
                "first {d}% of them are chosen",
            ),
            (
                "{e}% of the rest are chosen next",
                "of the others, {e}% belong to group two",
                "{e}% of the remaining ones are in the middle",
                "then {e}% of those that are left are counted",
            ),
        ),
        questions=(
            Question(
                formula="(a-a*d/100)*e/100",
                wordings=(
                    "how many are in the second part?",
                    "how many is that second group?",
                    "how many people or things are these?",
                    "how large is the second one?",
                ),
            ),
            Question(
                formula="a-a*d/100-(a-a*d/100)*e/100",
                wordings=(
                    "how many are left in the end?",
                    "how many belong to neither part?",
                    "how many are none of these?",
                    "how many remain after both?",
                ),
            ),
        ),
    ),
    Situation(
        name="ratio",
        numbers={"a": (2, 9), "b": (2, 9), "s": "a+b", "q": (2, 30), "t": "s*q", "c": (2, 20)},
        facts=(
            (
                "the {items} of {Name} and {Other} are in the ratio {a}:{b}",
                "for every {a} {items} that {Name} has, {Other} has {b}",
                "{Name} and {Other} share {items} in a ratio of {a} to {b}",
                "the ratio of {Name}'s {items} to {Other}'s is {a} to {b}",
            ),
            (
                "together they have {t}",
                "there are {t} {items} in all",
                "the two of them have {t} {items} in total",
                "altogether that is {t} {items}",
            ),
        ),
        questions=(
            Question(
                formula="t/(a+b)*a",
                wordings=(
                    "how many {items} does {Name} have?",
                    "what is {Name}'s part?",
                    "how many of the {items} are {Name}'s?",
                    "find how many {items} {Name} has.",
                ),
            ),
            Question(
                formula="t/(a+b)*b",
                wordings=(
                    "how many {items} does {Other} have?",
                    "what is {Other}'s part?",
                    "how many of the {items} are {Other}'s?",
                    "find how many {items} {Other} has.",
                ),
            ),
            Question(
                formula="t/(a+b)*b+c",
                facts=(
                    (
                        "{Other} then gets {c} more",
                        "{Third} gives {Other} {c} others",
                        "after that {Other} finds another {c}",
                    ),
                ),
                wordings=(
                    "how many {items} does {Other} have now?",
                    "how many {items} has {Other} got in the end?",
                    "what is the number of {Other}'s {items} then?",
                ),
            ),
        ),
    ),
)
