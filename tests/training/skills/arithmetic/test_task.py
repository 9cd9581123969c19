from __future__ import annotations

from evals import Problem
from evals.tasks.arithmetic import ARITHMETIC
from tests.training.skills.arithmetic.reading import evaluated
from training.skills.arithmetic import TASK
from training.skills.arithmetic.held_out import held_out_expression


def test_problems_are_those_of_the_task_that_are_held_out() -> None:
    assert TASK.generate is not None
    assert ARITHMETIC.generate is not None
    problems = TASK.generate(0, 60)
    assert len(problems) == 60
    for problem in problems:
        expression = expression_of(problem)
        assert held_out_expression(expression)
        assert held_out_expression(expression.replace(" ", ""))
        assert evaluated(expression) == int(problem.answer)
    # All of them, in their order.
    every = [p for p in ARITHMETIC.generate(0, 1000) if held_out_expression(expression_of(p))]
    assert list(problems) == every[:60]
    assert problems[:10] == TASK.generate(0, 10)
    assert problems[:10] != TASK.generate(1, 10)
    assert not TASK.generate(0, 0)
    assert TASK.asked(problems[0]) == ARITHMETIC.asked(problems[0])


def expression_of(problem: Problem) -> str:
    return problem.problem.removeprefix("What is ").removesuffix("?")
