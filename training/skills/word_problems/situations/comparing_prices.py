"""One thing costs more than another, less, or times as much. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_FIRST = (
    "one {item} costs ${a}",
    "the price of one {item} is ${a}",
    "each {item} is ${a} at the {shop}",
    "the {shop} sells {items} at ${a} each",
    "${a} is the price of a single {item}",
    "{Name} pays ${a} for one {item}",
    "for each {item} the {shop} charges ${a}",
    "every {item} at the {shop} has a price of ${a}",
    "{items} are ${a} apiece",
    "{Name} sees that {items} are sold for ${a} each",
    "a dealer asks ${a} for one {item}",
)
_DEARER = (
    "one {item2} costs ${b} more",
    "one {item2} costs ${b} more than one {item}",
    "one {item} is ${b} cheaper than one {item2}",
    "each {item2} is ${b} more expensive than each {item}",
    "for one {item2} one has to pay ${b} more than for one {item}",
    "compared with one {item}, one {item2} is ${b} dearer",
    "every {item} costs ${b} less than every {item2}",
    "the price of one {item2} is ${b} above that of one {item}",
    "the price of one {item} is ${b} below that of one {item2}",
    "{items2} cost as much as {items} and ${b} on top, each",
    "${b} more is charged for one {item2} than for one {item}",
)
_CHEAPER = (
    "one {item2} costs ${b} less",
    "one {item2} costs ${b} less than one {item}",
    "one {item} is ${b} dearer than one {item2}",
    "each {item2} is ${b} cheaper than each {item}",
    "for one {item2} one has to pay ${b} less than for one {item}",
    "compared with one {item}, one {item2} is ${b} cheaper",
    "every {item} costs ${b} more than every {item2}",
    "the price of one {item2} is ${b} below that of one {item}",
    "the price of one {item} is ${b} above that of one {item2}",
    "one {item} is ${b} more expensive than one {item2}",
    "${b} less is charged for one {item2} than for one {item}",
)
_TIMES = (
    "one {item2} costs {k} times as much",
    "one {item2} costs {k} times as much as one {item}",
    "the price of one {item2} is {k} times that of one {item}",
    "for one {item2} one has to pay {k} times the price of one {item}",
    "{k} times the price of one {item} is the price of one {item2}",
    "each {item2} is {k} times as expensive as each {item}",
    "compared with one {item}, one {item2} is {k} times as dear",
    "{k} {items} cost exactly as much as one {item2}",
    "one {item2} is worth as much as {k} {items}",
    "for the price of one {item2} one could get {k} {items}",
)
_PRICE = (
    "how much does one {item2} cost?",
    "what is the price of one {item2}?",
    "how many dollars is one {item2}?",
    "find the price of a single {item2}.",
    "how many dollars must be paid for one {item2}?",
    "work out what one {item2} costs.",
    "calculate the cost of one {item2} in dollars.",
    "tell me how much money one {item2} is.",
    "for how many dollars is one {item2} sold?",
    "determine how much is charged for each {item2}.",
)
_ONE_OF_EACH = (
    "how much do one {item} and one {item2} cost together?",
    "what is the price of one {item} and one {item2} in total?",
    "how many dollars are one {item} and one {item2} altogether?",
    "find what one of each costs in all.",
    "how much must be paid for one {item} with one {item2}?",
    "work out the cost of one {item} plus one {item2}.",
    "calculate how many dollars it takes to buy one of each.",
    "tell me how much money is needed for one {item} and one {item2}.",
    "what do one {item2} and one {item} come to in all?",
    "determine the total price of a pair of one {item} and one {item2}.",
)
_SEVERAL = (
    "{Name} buys {n} {items2}",
    "{n} {items2} are bought by {Name}",
    "{Name} wants {n} {items2} and no {items}",
    "{Name} takes {n} of the {items2}",
    "{Name} needs {n} {items2}",
    "the order of {Name} is {n} {items2}",
    "{Name} asks for {n} {items2}",
    "{Name} puts {n} {items2} into a basket",
    "{n} of the {items2} are for {Name}",
    "{Name} gets {n} {items2} for a party",
)
_COST_OF_SEVERAL = (
    "how much do these {items2} cost?",
    "how many dollars does {Name} pay for the {items2}?",
    "what is the cost of {his} {items2}?",
    "find how much {Name} has to pay.",
    "how much money does {he} spend on {items2}?",
    "work out the price of all these {items2}.",
    "calculate what {Name} pays in total.",
    "tell me how many dollars the {items2} are altogether.",
    "what sum does {Name} need for the {items2}?",
    "determine how much {he} is charged for them in all.",
)
_BOTH = (
    "{Name} buys {m} {items} and {n} {items2}",
    "{n} {items2} and {m} {items} are bought by {Name}",
    "{Name} takes {m} of the {items} and {n} of the {items2}",
    "{Name} needs {n} {items2} as well as {m} {items}",
    "the order of {Name} is {m} {items} with {n} {items2}",
    "{Name} asks for {m} {items} together with {n} {items2}",
    "{Name} puts {n} {items2} into a basket, and also {m} {items}",
    "{m} of the {items} and {n} of the {items2} are for {Name}",
    "for a party {Name} gets {m} {items} and {n} {items2}",
    "{Name} carries {n} {items2} and {m} {items} to the till",
)
_COST_OF_BOTH = (
    "how much do all of these cost?",
    "how many dollars does {Name} pay in total?",
    "what is the cost of all this?",
    "find how much {Name} has to pay altogether.",
    "how much money does {he} spend on both kinds?",
    "work out the price of everything together.",
    "calculate the whole bill.",
    "tell me how many dollars {he} pays in all.",
    "what do the {items} and {items2} cost together?",
    "determine the sum that {Name} needs for all of them.",
)

COMPARING_PRICES = (
    Situation(
        name="dearer",
        numbers={"a": (2, 90), "b": (2, 60), "n": (2, 12), "m": (2, 12)},
        facts=(_FIRST, _DEARER),
        questions=(
            Question(formula="a+b", wordings=_PRICE),
            Question(formula="a+(a+b)", wordings=_ONE_OF_EACH),
            Question(formula="(a+b)*n", facts=(_SEVERAL,), wordings=_COST_OF_SEVERAL),
            Question(formula="a*m+(a+b)*n", facts=(_BOTH,), wordings=_COST_OF_BOTH),
        ),
    ),
    Situation(
        name="cheaper",
        numbers={"a": (4, 120), "b": (2, 60), "n": (2, 12), "m": (2, 12)},
        facts=(_FIRST, _CHEAPER),
        questions=(
            Question(formula="a-b", wordings=_PRICE),
            Question(formula="a-b+a", wordings=_ONE_OF_EACH),
            Question(formula="(a-b)*n", facts=(_SEVERAL,), wordings=_COST_OF_SEVERAL),
            Question(formula="a*m+(a-b)*n", facts=(_BOTH,), wordings=_COST_OF_BOTH),
        ),
    ),
    Situation(
        name="times as dear",
        numbers={"a": (2, 60), "k": (2, 9), "n": (2, 12), "m": (2, 12)},
        facts=(_FIRST, _TIMES),
        questions=(
            Question(formula="a*k", wordings=_PRICE),
            Question(formula="a*k+a", wordings=_ONE_OF_EACH),
            Question(formula="a*k*n", facts=(_SEVERAL,), wordings=_COST_OF_SEVERAL),
            Question(formula="a*m+a*k*n", facts=(_BOTH,), wordings=_COST_OF_BOTH),
        ),
    ),
)
