from __future__ import annotations

import pytest

from engines import Choice, Context, FakeEngine, Sampling
from evals.grading.grading import verdict
from evals.grading.judge import Judge
from evals.grading.text_grader import TextGrader
from evals.problem import Problem
from tests.evals.grading.made_up import sample_of

pytestmark = pytest.mark.anyio

PROBLEM = Problem(id="p", problem="Which {known} is it?", answer="Mount Everest", also=("Everest",))


class Saying:
    """A script that says the same every time, and keeps what it was asked."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[tuple[str, Sampling]] = []

    def __call__(self, context: Context, sampling: Sampling) -> str:
        self.asked.append(("".join(turn.text for turn in context.turns), sampling))
        return self.word


@pytest.mark.parametrize(("word", "correct"), [("yes", True), ("no", False), ("maybe", False)])
async def test_a_model_is_asked_where_rules_say_no(word: str, correct: bool) -> None:
    script = Saying(word)
    # Only without constraints it may say anything else.
    judge = Judge(TextGrader(), FakeEngine(script, text_only=word == "maybe"))
    found = await verdict(judge, PROBLEM, sample_of(r"\boxed{the highest one, {given}}"))
    assert found.correct is correct
    [(asked, sampling)] = script.asked
    assert sampling.temperature == 0
    assert "Which {known} is it?" in asked
    assert "Mount Everest or Everest" in asked
    assert "the highest one, {given}" in asked


async def test_its_word_is_constrained_where_the_engine_can() -> None:
    script = Saying("yes")
    engine = FakeEngine(script)
    assert await Judge(TextGrader(), engine).correct(PROBLEM, "a mountain")
    assert script.asked[0][1].constraint == Choice(options=("yes", "no"))


async def test_what_rules_accept_and_what_is_not_there_is_never_asked_about() -> None:
    script = Saying("no")
    judge = Judge(TextGrader(), FakeEngine(script))
    assert await judge.correct(PROBLEM, "mount everest")
    assert not (await verdict(judge, PROBLEM, sample_of(""))).correct
    assert not await judge.same("a", "b")
    assert script.asked == []


async def test_it_is_asked_once_about_an_answer() -> None:
    script = Saying("yes")
    judge = Judge(TextGrader(), FakeEngine(script))
    for _ in range(3):
        assert await judge.correct(PROBLEM, "a mountain")
    assert await judge.correct(PROBLEM, "a hill")
    assert len(script.asked) == 2
    await judge.aclose()


async def test_it_tells_who_judged() -> None:
    engine = FakeEngine(Saying("yes"))
    judge = Judge(TextGrader(), engine)
    assert judge.name == "text+judge"
    assert engine.model in judge.version
    assert judge.extract(r"\boxed{x}") == "x"
