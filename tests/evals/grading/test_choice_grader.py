from __future__ import annotations

import pytest

from evals.errors import UnreadableAnswer
from evals.grading.choice_grader import ChoiceGrader
from evals.problem import Problem

PROBLEM = Problem(
    id="1",
    problem="Which one?",
    answer="B",
    data={"choices": ["A dog", "The cat.", "I see", "Something", "Something"]},
)


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        (r"\boxed{B}", "B"),
        (r"\boxed{\text{(B)}}", "B"),
        (r"\boxed{\textbf{(J) } 5}", "J"),
        ("The answer is B", "B"),
        ("The answer is (b).", "B"),
        ("**Answer: B. The cat**", "B"),
        ("The correct answer is: option B", "B"),
        ("Some words.\nB.", "B"),
        ("Some words.\n**(B)**", "B"),
        ("It cannot be (A).\nSo it is (B), I think.", "B"),
        ("It is (A) or (B).", None),
        ("I think so", None),
        ("A dog barks", None),
        (r"\boxed{the cat}", "the cat"),
        ("The answer is K", "K"),
        ("", None),
    ],
)
def test_which_letter_it_is(text: str, extracted: str | None) -> None:
    assert ChoiceGrader().extract(text) == extracted


@pytest.mark.anyio
async def test_a_letter_or_the_text_of_its_choice_is_right() -> None:
    grader = ChoiceGrader()
    assert await grader.correct(PROBLEM, "B")
    assert await grader.correct(PROBLEM, "cat")
    assert not await grader.correct(PROBLEM, "C")
    assert not await grader.correct(PROBLEM, "dog")
    lettered = PROBLEM.model_copy(update={"data": {"choices": {"a": "dog", "b": "cat"}}})
    assert await grader.correct(lettered, "cat")


@pytest.mark.anyio
@pytest.mark.parametrize("answer", ["K", "something", "a bird", ""])
async def test_what_is_no_choice_or_several_is_unreadable(answer: str) -> None:
    with pytest.raises(UnreadableAnswer):
        await ChoiceGrader().correct(PROBLEM, answer)


@pytest.mark.anyio
async def test_one_letter_is_one_vote() -> None:
    assert await ChoiceGrader().same("B", "(b)")
    assert not await ChoiceGrader().same("B", "C")
