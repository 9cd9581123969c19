from __future__ import annotations

import pytest

from evals.grading.text_grader import TextGrader
from evals.problem import Problem


@pytest.mark.parametrize(
    ("known", "answer", "correct"),
    [
        ("Mariana Trench", "the mariana trench.", True),
        ("Mariana Trench", "Puerto Rico Trench", False),
        ("Mariana Trench", "not the Mariana Trench", False),
        ("Wilkes-Barre/Scranton", "Wilkes Barre Scranton", True),
        ('Douglas "Doug" Liman', "Douglas \u201cDoug\u201d Liman", True),
        ("Beyonc\u00e9", "Beyonce", True),
        ("yes", "Yes, both are American.", True),
        ("no", "Not at all", False),
        ("yes", "no", False),
        ("7.61", "7.6123", True),
        ("7.61", "7.6", False),
        ("5931.80", "5,931.8 km", True),
        ("1.5", "15", False),
        ("3307", "$3,307", True),
        ("3307", "3307.4", False),
        ("24", "-24", False),
        ("1985", "1986", False),
    ],
)
@pytest.mark.anyio
async def test_words_and_numbers_are_compared(known: str, answer: str, correct: bool) -> None:
    problem = Problem(id="1", problem="Which?", answer=known)
    assert await TextGrader().correct(problem, answer) is correct


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        (r"So \boxed{\text{Mount Everest}}.", "Mount Everest"),
        ("The answer is Mount Everest.", "Mount Everest"),
        ("Mount Everest", "Mount Everest"),
        ("Answer: Mount Everest", "Mount Everest"),
        ("It is high.\nMount Everest, I think", None),
        ("", None),
    ],
)
def test_what_the_answer_is(text: str, extracted: str | None) -> None:
    assert TextGrader().extract(text) == extracted


@pytest.mark.anyio
async def test_the_same_words_are_one_vote_whichever_comes_first() -> None:
    assert await TextGrader().same("7.6123", "7.61")
    assert await TextGrader().same("7.61", "7.6123")
    assert not await TextGrader().same("yes", "no")
