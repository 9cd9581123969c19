"""Word problems that training never sees, as a task: `forkjoin eval training.skills.word_problems:TASK`."""

from __future__ import annotations

from random import Random

from evals import Problem, Task
from evals.grading.math_grader import MathGrader

from .drawing import drawn_problem
from .written_numbers import shortest


def held_out_problems(seed: int, count: int) -> list[Problem]:
    """Problems of held-out templates, with held-out names and things; the first ten of a hundred are the ten."""
    problems: dict[str, Problem] = {}
    number = 0
    while len(problems) < count:
        name = f"word-{seed}-{number:04d}"
        number += 1
        drawn = drawn_problem(Random(name), held_out=True)
        data = {"steps": len(drawn.steps), "template": drawn.template}
        answer = shortest(drawn.answer)
        problem = Problem(id=name, problem=drawn.text, answer=answer, data=data)
        problems.setdefault(drawn.text, problem)
    return list(problems.values())


TASK = Task(
    name="word-problems",
    about="arithmetic word problems in wordings that training never sees",
    grader=MathGrader,
    generate=held_out_problems,
)
