from __future__ import annotations

import pytest

from evals import Grade, Problem, grade
from reasoning import Answer

PROBLEM = Problem(id="1", problem="1 / 2 + 1 / 2 - 1 / 2?", answer=r"\frac{1}{2}")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("value", "correct"), [("0.5", True), ("1/2", True), (r"\frac12", True), ("0.6", False)]
)
async def test_an_answer_is_graded_by_mathematics(value: str, correct: bool) -> None:
    graded = await grade(PROBLEM, Answer(text=f"so {value}", value=value))
    assert graded == Grade(correct=correct, extracted=value)


@pytest.mark.anyio
async def test_text_without_a_final_answer_is_wrong_even_if_it_is_the_answer() -> None:
    graded = await grade(PROBLEM, Answer(text=r"\frac{1}{2}"))
    assert graded == Grade(correct=False, extracted=None)
