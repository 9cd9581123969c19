"""Arithmetic, made up from a seed: as many problems as are asked for, none of which a model can have read.

A problem is an expression of 2 or 3 operations, nested at random, of whole numbers from 2 to 20:

    What is (13 - 4) * 7?        What is 16 - ((3 * 12) / 9)?

Quotients have no remainder and are by a number, so that every value on the way is a whole number; none is beyond 1,000.
The same seed gives the same problems on every machine, and the first ten of a hundred are the ten. A task of one's own
has harder ones: `generate=partial(arithmetic_problems, least=5, most=8)`.
"""

from __future__ import annotations

import random

from ..grading.math_grader import MathGrader
from ..problem import Problem
from ..task import Task
from .nested_operations import Operation, drawn, value_of
from .prompts import MATHEMATICS

_NUMBERS = range(2, 21)


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
    made = drawn(chance, operations, _NUMBERS)
    text = made.written(" ") if isinstance(made, Operation) else str(made)
    return Problem(
        id=name,
        problem=f"What is {text}?",
        answer=str(value_of(made)),
        data={"operations": operations},
    )


ARITHMETIC = Task(
    name="arithmetic",
    about="expressions of two or three operations, made up from the seed",
    grader=MathGrader,
    prompt=MATHEMATICS,
    generate=arithmetic_problems,
)
"""Arithmetic of two and three operations."""
