"""Expressions that no lesson shows, as a task: `forkjoin eval training.skills.arithmetic:TASK`."""

from __future__ import annotations

from evals import Problem, Task
from evals.grading.math_grader import MathGrader
from evals.tasks.arithmetic import arithmetic_problems
from evals.tasks.prompts import MATHEMATICS

from .held_out import ONE_IN, held_out_expression


def held_out_problems(seed: int, count: int) -> list[Problem]:
    """Those of `evals`' own task that are held out; the first ten of a hundred are the ten.

    Args:
        seed: Other seeds give other problems.
        count: How many.
    """
    made = ONE_IN * count
    while True:
        problems = [each for each in arithmetic_problems(seed, made) if _is_held_out(each)]
        if len(problems) >= count:
            return problems[:count]
        made *= 2


def _is_held_out(problem: Problem) -> bool:
    return held_out_expression(problem.problem.removeprefix("What is ").removesuffix("?"))


TASK = Task(
    name="held-out-arithmetic",
    about="expressions of two or three operations, as in `arithmetic`, held out of training",
    grader=MathGrader,
    prompt=MATHEMATICS,
    generate=held_out_problems,
)
