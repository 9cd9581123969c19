"""Problems that are solved in steps: sums of products, products of sums, and word problems. Pure.

    Expression   234*56+78*912-45   its products need nothing of each other; one alone is split into parts
    Scaled       (34*56+120)*7      a chain: each step needs the one before
    Crossed      (34+56)*(12+78)    two steps that need nothing of each other
    Told         (308-11)/9         a word problem, with the steps of its plan

It does not know how the others are put into words, nor in which steps they are solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from ..products.expression import Expression, Term
from ..products.held_out import held_out_product
from ..word_problems.chain import is_computable, is_held_out
from ..word_problems.drawing import drawn_problem
from ..word_problems.steps import Operand, Result, Step, results_of, with_numbers
from ..written_arithmetic import partial_products


@dataclass(frozen=True, slots=True)
class Scaled:
    """A product and a number, added or taken away, times another number."""

    inner: Expression
    times: int

    @property
    def value(self) -> int:
        """What it comes to."""
        return self.inner.value * self.times

    def __str__(self) -> str:
        return f"({self.inner})*{self.times}"


@dataclass(frozen=True, slots=True)
class Crossed:
    """Two sums of two numbers, multiplied."""

    first: Expression
    second: Expression

    @property
    def value(self) -> int:
        """What it comes to."""
        return self.first.value * self.second.value

    def __str__(self) -> str:
        return f"({self.first})*({self.second})"


@dataclass(frozen=True, slots=True)
class Told:
    """A word problem.

    Attributes:
        text: The question.
        steps: How it is computed, in whole numbers; no product among them is held out.
    """

    text: str
    steps: tuple[Step, ...]

    @property
    def value(self) -> int:
        """What it comes to."""
        return int(results_of(self.steps)[-1])

    def __str__(self) -> str:
        return _written(Result(len(self.steps)), self.steps)


# Of a word problem: each version of an outline repeats the question.
_MOST_CHARACTERS = 220
_MOST_STEPS = 5

StepProblem: TypeAlias = Expression | Scaled | Crossed | Told


def held_out(problem: Expression | Scaled | Crossed) -> bool:
    """Whether any of its products is one that no lesson shows."""
    return any(held_out_product(*product) for product in _multiplied(problem))


def split_in_digits(number: int) -> tuple[int, ...]:
    """Its digits from the right, each with its zeros; those that are 0 left out.

    >>> split_in_digits(507)
    (7, 500)
    """
    return tuple(digit * 10**zeros for digit, zeros in partial_products(1, number))


def drawn_told(random: Random) -> Told:
    """A word problem of the lessons."""
    while True:
        problem = drawn_problem(random, held_out=False)
        steps = with_numbers(problem.steps)
        short = len(problem.text) <= _MOST_CHARACTERS and len(steps) <= _MOST_STEPS
        if short and all(is_computable(step) and not is_held_out(step) for step in steps):
            return Told(problem.text, problem.steps)


def drawn(random: Random) -> Expression | Scaled | Crossed:
    """Any problem but a word problem, one that is held out too."""
    return random.choices(_KINDS, weights=_WEIGHTS)[0](random)


def _multiplied(problem: Expression | Scaled | Crossed) -> list[tuple[int, int]]:
    if isinstance(problem, Crossed):
        return [(problem.first.value, problem.second.value)]
    if isinstance(problem, Scaled):
        return [*_multiplied(problem.inner), (problem.inner.value, problem.times)]
    return [(a, b) for a, b in (term.factors for term in problem.products)]


def _written(side: Operand, steps: Sequence[Step], outside: str = "+") -> str:
    """With brackets where a sum is multiplied, and around anything but a product that is taken away or divided by."""
    if not isinstance(side, Result):
        return str(side)
    step = steps[side.step - 1]
    right = {"-": "-right", "/": "/right"}.get(step.operation, step.operation)
    text = _written(step.left, steps, step.operation) + step.operation
    text += _written(step.right, steps, right)
    is_sum = step.operation in "+-"
    needed = outside == "/right" or (is_sum and outside in ("*", "/", "-right"))
    return f"({text})" if needed else text


def _number(random: Random, least: int, most: int) -> int:
    digits = random.randint(least, most)
    return random.randrange(max(2, 10 ** (digits - 1)), 10**digits)


def _product(random: Random) -> Term:
    return Term((_number(random, 2, 4), _number(random, 1, 3)))


def _one_product(random: Random) -> Expression:
    return Expression((_product(random),))


def _terms(random: Random) -> Expression:
    """What is taken away comes last, as words say it too."""
    count = random.choice((1, 2, 2, 2, 3))
    terms = [_product(random) for _ in range(count)]
    if count == 1 or random.random() < 0.25:
        terms.insert(random.randint(1, count), Term((_number(random, 2, 5),)))
    *others, last = terms
    if random.random() < 0.25 and sum(term.value for term in others) > last.value:
        terms[-1] = Term(last.factors, taken=True)
    return Expression(tuple(terms))


def _scaled(random: Random) -> Scaled:
    product = Term((_number(random, 2, 3), _number(random, 1, 2)))
    number = _number(random, 2, 4)
    taken = number < product.value and random.random() < 0.5
    return Scaled(Expression((product, Term((number,), taken))), _number(random, 1, 2))


def _crossed(random: Random) -> Crossed:
    def numbers(most: int) -> Expression:
        return Expression((Term((_number(random, 2, most),)), Term((_number(random, 2, most),))))

    return Crossed(numbers(3), numbers(2))


_KINDS: tuple[Callable[[Random], Expression | Scaled | Crossed], ...] = (
    _terms,
    _one_product,
    _scaled,
    _crossed,
)
_WEIGHTS = (5, 2, 2, 1)
