"""Arithmetic, made up from a seed: as many problems as are asked for, none of which a model can have read.

A problem is an expression of 2 or 3 operations, nested at random, of whole numbers from 2 to 20:

    What is (13 - 4) * 7?        What is 16 - ((3 * 12) / 9)?

Quotients have no remainder and are by a number, so that every value on the way is a whole number; none is beyond 1,000.
The same seed gives the same problems on every machine, and the first ten of a hundred are the ten. A task of one's own
has harder ones: `generate=partial(arithmetic_problems, least=5, most=8)`.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from dataclasses import dataclass

from ..grading.math_grader import MathGrader
from ..problem import Problem
from ..task import Task
from .prompts import MATHEMATICS

_LEAVES = range(2, 21)
_LARGEST = 1000
_SHARE_OF_QUOTIENTS = 0.3
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def arithmetic_problems(
    seed: int, count: int, *, least: int = 2, most: int = 3
) -> tuple[Problem, ...]:
    """Problems of arithmetic.

    Args:
        seed: Other seeds give other problems, under other names.
        count: How many.
        least: Operations in the easiest.
        most: Operations in the hardest.
    """
    return tuple(_problem(seed, number, least, most) for number in range(count))


def _problem(seed: int, number: int, least: int, most: int) -> Problem:
    name = f"arithmetic-{seed}-{number:04d}"
    chance = random.Random(name)
    operations = chance.randint(least, most)
    made = _made(chance, operations)
    return Problem(
        id=name,
        problem=f"What is {made.text}?",
        answer=str(made.value),
        data={"operations": operations},
    )


@dataclass(frozen=True, slots=True)
class _Expression:
    text: str
    value: int
    operations: int

    @property
    def bracketed(self) -> str:
        return f"({self.text})" if self.operations else self.text


def _made(chance: random.Random, operations: int) -> _Expression:
    if not operations:
        return _leaf(chance.choice(_LEAVES))
    on_the_left = chance.randrange(operations)
    left = _made(chance, on_the_left)
    right = _made(chance, operations - 1 - on_the_left)
    divisors = [number for number in _LEAVES if left.value % number == 0]
    if divisors and not right.operations and chance.random() < _SHARE_OF_QUOTIENTS:
        right = _leaf(chance.choice(divisors))
        return _joined(left, "/", right, left.value // right.value)
    values = {sign: does(left.value, right.value) for sign, does in _OPERATIONS.items()}
    sign = chance.choice([sign for sign, value in values.items() if abs(value) <= _LARGEST])
    return _joined(left, sign, right, values[sign])


def _leaf(value: int) -> _Expression:
    return _Expression(str(value), value, 0)


def _joined(left: _Expression, sign: str, right: _Expression, value: int) -> _Expression:
    return _Expression(
        f"{left.bracketed} {sign} {right.bracketed}",
        value,
        left.operations + 1 + right.operations,
    )


ARITHMETIC = Task(
    name="arithmetic",
    about="expressions of two or three operations, made up from the seed",
    grader=MathGrader,
    prompt=MATHEMATICS,
    generate=arithmetic_problems,
)
"""Arithmetic of two and three operations."""
