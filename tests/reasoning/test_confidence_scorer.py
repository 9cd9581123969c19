from __future__ import annotations

import math

import pytest

from engines import FakeEngine, converse
from reasoning import Answer
from reasoning.scoring.confidence_scorer import ConfidenceScorer
from reasoning.scoring.scorer import Scores
from reasoning.voting.confidence import Confidence, Measure

pytestmark = pytest.mark.anyio


def answer(level: float | None) -> Answer:
    if level is None:
        return Answer(text="4")
    confidence = Confidence(mean=level, tail=level + 1, bottom=level + 2, lowest=level + 3)
    return Answer(text="4", confidence=confidence)


async def scored(levels: list[float | None], measure: Measure = "mean") -> Scores:
    engine = FakeEngine([])
    context = await converse(engine, [("user", "2 + 2?")], name="root")
    scores = await ConfidenceScorer(measure=measure).score(
        [answer(level) for level in levels], context, engine
    )
    assert engine.calls == []
    return scores


async def test_an_answer_s_score_is_its_confidence() -> None:
    assert await scored([2.0, 5.0]) == Scores(values=(2.0, 5.0))


@pytest.mark.parametrize(
    ("measure", "value"), [("mean", 2.0), ("tail", 3.0), ("bottom", 4.0), ("lowest", 5.0)]
)
async def test_which_confidence_can_be_chosen(measure: Measure, value: float) -> None:
    assert (await scored([2.0], measure)).values == (value,)


async def test_candidates_of_unknown_confidence_score_least_and_the_remark_says_so() -> None:
    scores = await scored([2.0, None, 0.0])
    assert scores.values == (2.0, -math.inf, 0.0)
    assert scores.remark.startswith("of 1 of 3 candidates no confidence is known")


async def test_where_no_confidence_is_known_all_are_equal_and_the_remark_says_so() -> None:
    scores = await scored([None, None])
    assert len(set(scores.values)) == 1
    assert "all candidates are equal: set method.method.sampling.logprobs=20" in scores.remark


async def test_nothing_to_score_is_no_failure() -> None:
    assert await scored([]) == Scores(values=())
