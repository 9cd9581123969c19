"""Problems for SCALE that no lesson has shown."""

from __future__ import annotations

from random import Random

from evals import Problem, Task
from evals.grading.math_grader import MathGrader
from evals.tasks.prompts import MATHEMATICS

from ..products.expression import Expression
from .outlines import outlines
from .problem import Crossed, Scaled, drawn, held_out
from .wording import asked


def problem_of(problem: Problem) -> Expression | Scaled | Crossed:
    """What a problem of this task asks."""
    return _held_out(Random(problem.id))


def _held_out(random: Random) -> Expression | Scaled | Crossed:
    problem = drawn(random)
    while not held_out(problem):
        problem = drawn(random)
    return problem


def _problem(seed: int, number: int) -> Problem:
    name = f"scale-{seed}-{number:04d}"
    random = Random(name)
    problem = _held_out(random)
    return Problem(
        id=name,
        problem=asked(problem, random),
        answer=str(problem.value),
        data={"expression": str(problem), "steps": len(outlines(problem)[0].steps)},
    )


SCALE_PROBLEMS = Task(
    name="scale-problems",
    about="sums of products and products of sums, in numbers or words, of which no lesson has shown a product",
    grader=MathGrader,
    prompt=MATHEMATICS,
    generate=lambda seed, count: [_problem(seed, number) for number in range(count)],
)
