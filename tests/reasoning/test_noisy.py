from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import FakeEngine, Usage, UsageError
from reasoning import Answer
from reasoning.scoring.noisy import Noisy
from reasoning.scoring.reward_model import RewardModel
from reasoning.scoring.scorer import Scores
from tests.backends import run_virtually
from tests.reasoning.verdicts import Known, question, thread


def scored(noisy: Noisy, *candidates: Answer) -> Scores:
    async def main() -> Scores:
        engine = FakeEngine()
        return await noisy.score(candidates, await question(engine), engine)

    return run_virtually(main)


@given(st.permutations("abcdef"))
def test_the_noise_of_a_text_is_the_same_beside_whatever_else(order: list[str]) -> None:
    noisy = Noisy(scorer=Known(scores=dict.fromkeys("abcdef", 0.5)), deviation=0.3)
    values = scored(noisy, *map(thread, order)).values
    alone = [scored(noisy, thread(text)).values[0] for text in order]
    assert list(values) == alone
    assert len(set(values)) == 6


def test_the_noise_is_known_in_every_process_and_follows_from_the_seed() -> None:
    known = Known(scores={"a": 1.0})
    values = [scored(Noisy(scorer=known, seed=seed), thread("a")).values[0] for seed in (0, 1, 0)]
    assert values[0] == values[2] != values[1]
    assert values[0] == pytest.approx(1.0030340773669293, abs=1e-12)


def test_it_has_the_deviation_that_is_asked_for_and_no_bias() -> None:
    texts = [str(number) for number in range(4000)]
    noisy = Noisy(scorer=Known(scores=dict.fromkeys(texts, 0.0)), deviation=0.5)
    values = scored(noisy, *map(thread, texts)).values
    assert statistics.fmean(values) == pytest.approx(0, abs=0.03)
    assert statistics.pstdev(values) == pytest.approx(0.5, abs=0.02)


def test_all_else_is_the_other_scorer_s_and_what_is_not_known_stays_so() -> None:
    known = Known(scores={"a": -math.inf, "\ud800": 2.0}, usage=Usage(generated_tokens=5))
    scores = scored(Noisy(scorer=known, deviation=0), thread("a"), Answer(text="\ud800"))
    assert scores == Scores(values=(-math.inf, 2.0), usage=Usage(generated_tokens=5))
    assert scored(Noisy(scorer=known), thread("a")).values == (-math.inf,)


@pytest.mark.parametrize("deviation", [-0.1, math.inf, math.nan])
def test_noise_of_no_size_is_refused(deviation: float) -> None:
    with pytest.raises(UsageError, match=r"^deviation=.*: give a number, 0 or more"):
        Noisy(deviation=deviation)
    with pytest.raises(UsageError, match="set url"):
        Noisy(scorer=RewardModel())
