from __future__ import annotations

from functools import partial

import pytest

from evals.tasks.catalogue import task_named
from evals.tasks.loading import load
from examples import custom_task
from tests.backends import run_virtually


def test_a_task_of_ones_own_is_loaded_by_its_place_and_graded() -> None:
    task = task_named("examples.custom_task:TASK")
    problems = run_virtually(partial(load, task, data=None, seed=1, limit=3)).problems
    assert [problem.id for problem in problems] == ["sum-0", "sum-1", "sum-2"]
    grader = task.grader()
    answer = grader.extract(f"So it is \\boxed{{{problems[0].answer}}}.")
    assert answer == problems[0].answer
    assert run_virtually(partial(grader.correct, problems[0], answer))


def test_it_shows_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    custom_task.main()
    assert "= ?\n\nPut the sum within \\boxed{}." in capsys.readouterr().out
