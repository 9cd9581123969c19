from __future__ import annotations

import pytest

from evals.errors import UnreadableAnswer
from evals.grading.expression_grader import ExpressionGrader
from evals.problem import Problem

GAME24 = Problem(id="1", problem="4 5 6 10", answer="24", data={"numbers": [4, 5, 6, 10]})
COUNTDOWN = Problem(id="2", problem="23", answer="", data={"numbers": [30, 100, 93], "target": 23})


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        ("(10 - 4) * 5 - 6", True),
        ("(10 - 4) * 5 - 6 = 24", True),
        ("24 = (10 - 4) * 5 - 6", True),
        (r"(10 - 4) \times 5 - 6", True),
        (r"$\left(10 \u2212 4\right) \cdot 5 - 6$".replace(r"\u2212", "\u2212"), True),
        ("[10 - 4] \u00d7 5 - 6", True),
        ("6 * 4", False),
        ("10 + 4 + 6 + 5 = 24", False),
        ("(10 - 4) * 5 - 6 + 4 - 4", False),
        ("(10 - 4) * 5 - 6 = 25", True),
    ],
)
@pytest.mark.anyio
async def test_each_number_is_used_once_and_the_value_is_exact(answer: str, correct: bool) -> None:
    assert await ExpressionGrader().correct(GAME24, answer) is correct


@pytest.mark.anyio
async def test_fractions_are_exact_and_targets_are_the_problems() -> None:
    thirds = GAME24.model_copy(update={"data": {"numbers": [3, 3, 8, 8]}})
    assert await ExpressionGrader().correct(thirds, r"\frac{8}{3 - \frac{8}{3}}")
    assert await ExpressionGrader().correct(COUNTDOWN, "30 + 93 - 100")
    assert not await ExpressionGrader().correct(COUNTDOWN, "100 - 93")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer", ["24", "no way", "__import__('os')", "8 / (4 - 4)", "9**9**9", "(" * 300 + "1 + 1"]
)
async def test_what_is_no_expression_is_unreadable(answer: str) -> None:
    with pytest.raises(UnreadableAnswer):
        await ExpressionGrader().correct(GAME24, answer)


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        (r"So \boxed{(10-4)*5-6 = 24}", "(10-4)*5-6"),
        ("10 - 4 = 6 (left: 5 6 6)\nAnswer: (10 - 4) * 5 - 6 = 24", "(10 - 4) * 5 - 6"),
        ("First 10 - 4 = 6.\nThen 6 * 5 - 6 = 24.", "6 * 5 - 6"),
        ("I cannot.", None),
    ],
)
def test_the_last_equation_is_the_answer(text: str, extracted: str | None) -> None:
    assert ExpressionGrader().extract(text) == extracted


@pytest.mark.anyio
async def test_votes_are_for_expressions_not_for_what_they_are_worth() -> None:
    assert await ExpressionGrader().same("(1+2)*3", "(1 + 2) * 3")
    assert not await ExpressionGrader().same("6 * 4", "(10 - 4) * 5 - 6")
