"""Held-out exercises, to be measured: `forkjoin eval training.skills.products:PRODUCTS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from evals import Problem, Task
from evals.grading.math_grader import MathGrader
from reasoning.chain_of_thought import INSTRUCTION

from .exercise import Exercise, fitting, product, several, sum_of_products
from .lessons import ROOM
from .wording import question


def _problems(
    name: str, draw: Callable[[Random], Exercise], seed: int, count: int
) -> Sequence[Problem]:
    return tuple(_problem(f"{name}-{seed}-{number:04d}", draw) for number in range(count))


def _problem(name: str, draw: Callable[[Random], Exercise]) -> Problem:
    random = Random(name)
    exercise = fitting(draw, random, room=ROOM)
    return Problem(id=name, problem=question(random, exercise.expressions), answer=exercise.answer)


def _task(name: str, about: str, draw: Callable[..., Exercise]) -> Task:
    return Task(
        name=name,
        about=about,
        grader=MathGrader,
        prompt="{problem}" + INSTRUCTION,
        generate=partial(_problems, name, partial(draw, held_out=True)),
    )


PRODUCTS = _task("products", "products of 3x3 and of 4x3 digits, held out of training", product)
"""What fork and join is measured by."""

SUMS = _task(
    "sums-of-products",
    "sums and differences of two to four products, held out of training",
    sum_of_products,
)
"""Blocks in blocks, in Multiverse's dialect."""

SEVERAL = _task(
    "several-questions", "two to four questions in one, their products held out", several
)
"""A thread for each question."""
