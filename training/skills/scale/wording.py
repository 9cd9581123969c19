"""How a problem is put: as an expression, or in simple words. Pure.

It does not know how problems are solved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from ..products.expression import Expression, Term
from ..products.wording import TASK_INSTRUCTIONS
from ..products.wording import question as expression_asked
from ..word_problems.expressions import asked as expression
from .problem import Crossed, Scaled, StepProblem, Told

_SHARE_OF_INSTRUCTIONS = 0.4
_SHARE_OF_WORDS = 0.35
_SHARE_OF_PRICES = 0.3

_NAMES = ("Ann", "Tom", "Mia", "Ben", "Lena", "Omar", "Ruth", "Kim")
_PLACES = ("shop", "school", "library", "factory", "hotel", "farm", "museum")
_BOXES = ("boxes", "bags", "crates", "packs", "cartons", "baskets")
_ITEMS = ("pens", "apples", "books", "cups", "nails", "eggs", "cards", "lamps", "stamps")
_CROSSED = (
    "Each row of a hall has {a} seats on the left and {b} on the right. There are {c} rows below and {d} above. "
    "How many seats are there?",
    "A team packs {a} red and {b} blue {items} an hour. It works for {c} hours in May and {d} in June. "
    "How many {items} does it pack?",
)
_SCALED = (
    "A {place} gets {given} every week. How many {items} does it get in {times} weeks?",
    "A {place} sends out {given} a day. How many {items} is that in {times} days?",
    "{name} packs {given} into a van. How many {items} are in {times} such vans?",
)
_SCALED_LESS = (
    "A {place} gets {given} every week and sells {taken}. How many {items} are left over in {times} weeks?",
    "{name} packs {given} into a van and takes out {taken}. How many {items} are in {times} such vans?",
)
_ONCE = (
    "{name} buys {given}. How many {items} does {name} buy?",
    "A {place} gets {given}. How many {items} is that in all?",
    "A {place} sells {given}. How many {items} does it sell?",
    "There are {given} in a {place}. How many {items} are there?",
)
_ONCE_LESS = (
    "{name} buys {given} and gives away {taken}. How many {items} does {name} have left?",
    "A {place} gets {given} and sells {taken}. How many {items} are left?",
)
_PAID = (
    "{name} buys {prices}. How many dollars does {name} pay?",
    "A {place} orders {prices}. How much is that in dollars?",
)


def question(problem: StepProblem, random: Random) -> str:
    """A question, as users put it, or as tasks do, which say behind it how to answer."""
    return asked(problem, random) + _instruction(random)


def asked(problem: StepProblem, random: Random) -> str:
    """A question with no word on how to answer."""
    if isinstance(problem, Told):
        return problem.text
    if random.random() < _SHARE_OF_WORDS:
        return _in_words(problem, random)
    if isinstance(problem, Expression):
        return expression_asked(random, [problem])
    return expression(str(problem), random)


def _instruction(random: Random) -> str:
    return random.choice(TASK_INSTRUCTIONS) if random.random() < _SHARE_OF_INSTRUCTIONS else ""


def _in_words(problem: Expression | Scaled | Crossed, random: Random) -> str:
    items = random.choice(_ITEMS)
    told = {"name": random.choice(_NAMES), "place": random.choice(_PLACES), "items": items}
    if isinstance(problem, Crossed):
        terms = (*problem.first.terms, *problem.second.terms)
        told.update(zip("abcd", map(str, (term.value for term in terms)), strict=True))
        return random.choice(_CROSSED).format(**told)
    if isinstance(problem, Scaled):
        told["times"] = str(problem.times)
        return _counted(problem.inner.terms, _SCALED, _SCALED_LESS, told, random)
    if not problem.terms[-1].taken and random.random() < _SHARE_OF_PRICES:
        prices = _listed(_prices(problem.terms, random))
        return random.choice(_PAID).format(prices=prices, **told)
    return _counted(problem.terms, _ONCE, _ONCE_LESS, told, random)


def _counted(
    terms: Sequence[Term],
    more: Sequence[str],
    less: Sequence[str],
    told: Mapping[str, str],
    random: Random,
) -> str:
    """How many there are; `less` is said where the last term is taken away."""
    amounts = _amounts(terms, told["items"], random)
    if not terms[-1].taken:
        return random.choice(more).format(given=_listed(amounts), **told)
    *given, taken = amounts
    return random.choice(less).format(given=_listed(given), taken=taken, **told)


def _amounts(terms: Sequence[Term], items: str, random: Random) -> list[str]:
    kinds = random.sample(_BOXES, len(terms))

    def told(term: Term, boxes: str) -> str:
        if not term.is_product:
            return f"{term.value} single {items}"
        many, each = term.factors
        return f"{many} {boxes} of {each} {items}"

    return [told(*one) for one in zip(terms, kinds, strict=True)]


def _prices(terms: Sequence[Term], random: Random) -> list[str]:
    kinds = random.sample(_ITEMS, len(terms))

    def told(term: Term, items: str) -> str:
        if not term.is_product:
            return f"a box of {items} for {term.value} dollars"
        many, each = term.factors
        return f"{many} {items} at {each} dollars each"

    return [told(*one) for one in zip(terms, kinds, strict=True)]


def _listed(texts: Sequence[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
