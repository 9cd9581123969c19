"""What was there before, and parts that are told by their sum: to be found backwards. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_AT_FIRST = (
    "how many {items} did {Name} have at first?",
    "how many {items} did {he} have in the beginning?",
    "with how many {items} did {Name} start?",
    "how many {items} were there at the start?",
    "find how many {items} {Name} had before that.",
)

UNKNOWNS = (
    Situation(
        name="at first",
        numbers={"b": (2, 90), "c": (2, 90), "e": (2, 150), "k": (2, 6)},
        facts=(
            (
                "{Name} gives {b} {items} to {Other}",
                "{Name} sells {b} of {his} {items}",
                "{b} of {Name}'s {items} get lost",
                "{Name} uses up {b} {items}",
                "{Name} throws {b} {items} away",
            ),
        ),
        questions=(
            Question(
                formula="e+b",
                facts=(
                    (
                        "now {he} has {e} left",
                        "{e} {items} remain",
                        "after that {he} has only {e} of them",
                        "{he} still has {e}",
                    ),
                ),
                wordings=_AT_FIRST,
            ),
            Question(
                formula="e-c+b",
                facts=(
                    (
                        "then {he} buys {c} more",
                        "{Third} brings {him} another {c}",
                        "after that {he} finds {c} {items}",
                        "later {he} makes {c} new ones",
                    ),
                    (
                        "now {he} has {e}",
                        "in the end there are {e}",
                        "after all this {he} has {e} {items}",
                        "that leaves {him} with {e}",
                    ),
                ),
                wordings=_AT_FIRST,
            ),
            Question(
                formula="(e+b)*2",
                facts=(
                    (
                        "before that {he} had sold half of them",
                        "the day before, half of all the {items} had been given away",
                        "that was after {he} had lost half of all {his} {items}",
                    ),
                    (
                        "{e} {items} are left",
                        "now {he} has {e} left",
                        "{he} still has {e}",
                    ),
                ),
                wordings=_AT_FIRST,
            ),
        ),
    ),
    Situation(
        name="sum and difference",
        numbers={"q": (2, 90), "d": (2, 60), "s": "q+q+d", "c": (2, 30)},
        facts=(
            (
                "{Name} and {Other} have {s} {items} together",
                "together {Name} and {Other} own {s} {items}",
                "there are {s} {items}, some of them {Name}'s and the others {Other}'s",
                "{s} {items} belong to {Name} and {Other}",
            ),
            (
                "{Name} has {d} more than {Other}",
                "{Other} has {d} fewer than {Name}",
                "{Name} owns {d} {items} more than {Other} does",
                "{Other}'s are {d} fewer than {Name}'s",
            ),
        ),
        questions=(
            Question(
                formula="(s-d)/2",
                wordings=(
                    "how many {items} does {Other} have?",
                    "how many {items} are {Other}'s?",
                    "find the number of {Other}'s {items}.",
                    "how many of the {items} belong to {Other}?",
                ),
            ),
            Question(
                formula="(s+d)/2",
                wordings=(
                    "how many {items} does {Name} have?",
                    "how many {items} are {Name}'s?",
                    "find the number of {Name}'s {items}.",
                    "how many of the {items} belong to {Name}?",
                ),
            ),
        ),
    ),
    Situation(
        name="sum and times",
        numbers={"q": (2, 60), "k": (2, 8), "m": "k+1", "s": "q*m"},
        facts=(
            (
                "{Name} and {Other} have {s} {items} together",
                "together {Name} and {Other} sold {s} {items}",
                "in all, {Name} and {Other} picked {s} {items}",
                "{s} {items} were found by {Name} and {Other}",
            ),
            (
                "{Name} has {k} times as many of them as {Other}",
                "{Name}'s part is {k} times {Other}'s part",
                "for each one of {Other}'s there are {k} of {Name}'s",
                "{k} times as many are {Name}'s as are {Other}'s",
            ),
        ),
        questions=(
            Question(
                formula="s/(k+1)",
                wordings=(
                    "how many {items} is that for {Other}?",
                    "how many {items} are {Other}'s?",
                    "what is the number of {Other}'s {items}?",
                    "how many of the {items} did {Other} get?",
                ),
            ),
            Question(
                formula="s/(k+1)*k",
                wordings=(
                    "how many {items} is that for {Name}?",
                    "how many {items} are {Name}'s?",
                    "what is the number of {Name}'s {items}?",
                    "how many of the {items} did {Name} get?",
                ),
            ),
        ),
    ),
    Situation(
        name="what a box costs",
        numbers={"p": (2, 30), "n": (2, 12), "q": (2, 25), "r": (2, 60), "m": "n*q+r", "a": (1, 5)},
        facts=(
            (
                "{Name} pays ${m} in all",
                "the whole bill is ${m}",
                "{Name} spends ${m} altogether",
                "at the {shop} {Name} pays a total of ${m}",
            ),
            (
                "${r} of it are for a book and the rest for {n} {items}",
                "{he} bought {n} {items}, and a book for ${r}",
                "that is for a coat of ${r} and {n} {items}",
                "it is the price of {n} {items} and a lamp for ${r}",
            ),
        ),
        questions=(
            Question(
                formula="(m-r)/n",
                wordings=(
                    "how much does one {item} cost?",
                    "what is the price of one {item} in dollars?",
                    "how many dollars is each {item}?",
                    "how much was each of the {items}?",
                ),
            ),
        ),
    ),
    Situation(
        name="how many with the rest",
        numbers={"p": (2, 12), "q": (2, 30), "a": (2, 12), "r": (2, 20), "m": "a*r+p*q"},
        facts=(
            (
                "{Name} has ${m}",
                "{Name} takes ${m} to the {shop}",
                "{Name} can spend ${m}",
                "the budget of {Name} is ${m}",
            ),
            (
                "{he} buys {a} {items} for ${r} each",
                "{he} takes {a} {items} that cost ${r} each",
                "first {he} pays ${r} each for {a} {items}",
                "{a} {items} at ${r} apiece are bought",
            ),
            (
                "for the rest {he} wants {items2} at ${p} each",
                "one {item2} costs ${p}",
                "{items2} are ${p} each",
                "with what is left {he} buys {items2}, which cost ${p} apiece",
            ),
        ),
        questions=(
            Question(
                formula="(m-a*r)/p",
                wordings=(
                    "how many {items2} can {he} buy?",
                    "how many {items2} does {Name} get for that?",
                    "for how many {items2} is the rest enough?",
                    "how many {items2} can {Name} pay for?",
                ),
            ),
        ),
    ),
    Situation(
        name="fewer each",
        numbers={"n": (2, 12), "q": (2, 40), "t": "n*q", "c": (2, 30), "m": (2, 9)},
        facts=(
            (
                "{n} {boxes} hold {t} {items} in all",
                "{t} {items} are in {n} equal {boxes}",
                "{Name} packs {t} {items} into {n} {boxes}, the same number in each",
                "{n} {boxes} have {t} {items} altogether, all of them equally many",
            ),
        ),
        questions=(
            Question(
                formula="t/n*m",
                wordings=(
                    "how many {items} do {m} such {boxes} hold?",
                    "how many {items} are in {m} of these {boxes}?",
                    "what number of {items} is in {m} of the {boxes}?",
                    "find how many {items} there are in {m} {boxes}.",
                ),
            ),
            Question(
                formula="t/n-c",
                facts=(
                    (
                        "from one of them {c} are taken out",
                        "{Other} takes {c} out of one {box}",
                        "in one of the {boxes} {c} are broken",
                    ),
                ),
                wordings=(
                    "how many {items} are left in that {box}?",
                    "how many {items} does that {box} still hold?",
                    "how many good {items} remain in that one?",
                ),
            ),
        ),
    ),
)
