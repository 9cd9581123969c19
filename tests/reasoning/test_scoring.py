from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    Engine,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Scripted,
    UsageError,
)
from reasoning import Answer, NoCandidates
from reasoning.reducing.best import Best
from reasoning.reducing.reducer import Reducer
from reasoning.reducing.weighted import WeightedMajority
from reasoning.scoring.check import Check
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.scorer import Scores
from reasoning.scoring.verifier import Verifier
from tests.backends import run_virtually
from tests.reasoning.verdicts import prompt_text, question, thread, yes_with

SEEDED = Sampling(seed=1)


def test_nan_becomes_the_least_and_is_told() -> None:
    scores = Scores(values=(0.5, math.nan), remark="slow")
    assert scores.values == (0.5, -math.inf)
    assert scores.remark == "slow; 1 of 2 scores are NaN, and count as the least"
    assert Scores(values=(0.5, 1.0)).remark == ""


@pytest.mark.anyio
async def test_a_score_is_the_probability_of_yes_in_the_order_of_the_candidates() -> None:
    async def script(context: Context, sampling: Sampling) -> Scripted:
        # The first ends last.
        good = "good" in context.turns[1].text
        await anyio.sleep(0.05 if good else 0)
        return yes_with(0.9 if good else 0.2)

    engine = FakeEngine(script)
    root = await question(engine)
    scores = await Verifier().score([thread("good"), thread("bad"), thread("bad")], root, engine)
    assert scores.values == pytest.approx((0.9, 0.2, 0.2))
    assert scores.remark == ""
    assert all(root in call.context.lineage for call in engine.calls)
    statistics = await engine.statistics()
    assert scores.usage.prompt_tokens == statistics.prompt_tokens
    assert scores.usage.generated_tokens == statistics.generated_tokens == 9
    assert scores.critical_path == 3


@pytest.mark.anyio
async def test_the_prompt_is_the_question_the_candidate_s_ids_and_the_request() -> None:
    engine = FakeEngine(yes_with(0.5))
    candidate = thread("Four.", ended=True)
    root = await question(engine)
    await Verifier(sampling=SEEDED).score([candidate], root, engine)
    (call,) = engine.calls
    assert call.context.path == "root/verify-0-0"
    ids = call.context.token_ids
    start = len(root.token_ids) + len("<|assistant|>")
    assert ids[start : start + len(candidate.token_ids)] == candidate.token_ids
    assert [turn.role for turn in call.context.turns] == ["user", "assistant", "user", "assistant"]
    assert call.sampling.seed == SEEDED.for_branch("root/verify-0-0").seed


@pytest.mark.anyio
async def test_an_answer_without_ids_is_encoded() -> None:
    engine = FakeEngine(yes_with(0.5))
    await Verifier().score([Answer(text="Four.")], await question(engine), engine)
    assert "<|assistant|>Four.<|user|>Check" in prompt_text(engine)


@pytest.mark.anyio
async def test_a_text_only_engine_s_yes_is_certain() -> None:
    engine = FakeEngine(["Yes", "No"], text_only=True)
    root = await question(engine)
    first = await Verifier().score([Answer(text="a")], root, engine)
    second = await Verifier().score([Answer(text="a")], root, engine)
    assert (first.values, second.values) == ((1.0,), (0.0,))


@pytest.mark.anyio
async def test_a_verdict_that_is_neither_yes_nor_no_counts_as_not_told() -> None:
    replies = {"verify-0-0": "Yes, it is", "verify-0-1": "banana", "verify-1-0": "No."}
    engine = FakeEngine(
        lambda context, sampling: replies.get(context.path.rpartition("/")[2], ""), text_only=True
    )
    answers = [Answer(text="a"), Answer(text="b"), Answer(text="c")]
    scores = await Verifier(votes=2).score(answers, await question(engine), engine)
    assert scores.values == (1.0, 0.0, 0.0)
    assert scores.remark == "4 of 6 verdicts could not be read"
    assert scores.usage.generated_tokens == (await engine.statistics()).generated_tokens


@pytest.mark.anyio
async def test_votes_are_averaged_and_failed_ones_left_out() -> None:
    def script(context: Context, sampling: Sampling) -> Scripted | ForkjoinError:
        replies = {"verify-0-0": 0.2, "verify-0-1": 0.6, "verify-1-1": 0.9}
        name = context.path.rpartition("/")[2]
        return yes_with(replies[name]) if name in replies else EngineUnavailable("busy")

    engine = FakeEngine(script)
    answers = [thread("a"), thread("b"), thread("c")]
    scores = await Verifier(votes=2).score(answers, await question(engine), engine)
    assert scores.values == pytest.approx((0.4, 0.9, 0.0))
    assert scores.remark == "3 of 6 verdicts were lost, the first: busy"
    assert scores.usage.generated_tokens == (await engine.statistics()).generated_tokens


@pytest.mark.anyio
async def test_when_all_verdicts_fail_there_are_no_scores() -> None:
    engine = FakeEngine(lambda context, sampling: EngineUnavailable("busy"))
    with pytest.raises(NoCandidates, match="all 2 verdicts failed, the first: busy"):
        await Verifier().score([thread("a"), thread("b")], await question(engine), engine)


@pytest.mark.anyio
async def test_it_thinks_before_its_verdict_where_it_may() -> None:
    def script(context: Context, sampling: Sampling) -> Scripted | str:
        return yes_with(0.7) if sampling.constraint else "2 + 2 is 4 indeed, since"

    engine = FakeEngine(script)
    verifier = Verifier(thinking_tokens=9, votes=2, sampling=SEEDED)
    scores = await verifier.score([thread("Four.")], await question(engine), engine)
    assert scores.values == pytest.approx((0.7,))
    assert sorted(call.sampling.max_tokens for call in engine.calls) == [3, 3, 9, 9]
    thoughts = [call.sampling.seed for call in engine.calls if call.sampling.constraint is None]
    assert len(set(thoughts)) == 2
    assert scores.critical_path == 9 + 3
    assert scores.usage.generated_tokens == (await engine.statistics()).generated_tokens == 24


@pytest.mark.anyio
async def test_a_candidate_too_long_for_the_window_is_cut_to_its_tail() -> None:
    engine = FakeEngine(yes_with(0.5), window=400)
    candidate = thread("x" * 500 + "so it is 4")
    scores = await Verifier().score([candidate], await question(engine), engine)
    assert scores.values == pytest.approx((0.5,))
    assert scores.remark == "1 of 1 verdicts saw the end of an answer only"
    text = prompt_text(engine)
    assert "xso it is 4<|user|>" in text
    assert len(text) <= 400 - 3


@pytest.mark.anyio
async def test_a_question_too_long_for_the_window_scores_nothing() -> None:
    engine = FakeEngine(yes_with(0.5), window=100)
    root = await question(engine, "x" * 200)
    with pytest.raises(NoCandidates, match="the model's window is 100"):
        await Verifier().score([thread("4")], root, engine)


@pytest.mark.anyio
async def test_nothing_costs_nothing() -> None:
    engine = FakeEngine()
    assert await Verifier().score([], await question(engine), engine) == Scores(values=())


@pytest.mark.parametrize("wrong", [{"votes": 0}, {"thinking_tokens": -1}])
def test_a_verifier_needs_a_vote(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Verifier(**wrong)  # type: ignore[arg-type]  # a seed is no field


@given(st.lists(st.floats(), min_size=1, max_size=6))
def test_no_check_gives_nan(said: list[float]) -> None:
    async def main() -> Scores:
        engine = FakeEngine()
        answers = [thread(str(i)) for i in range(len(said))]
        check = Check(check=lambda answer: said[int(answer.text)])
        return await check.score(answers, await question(engine), engine)

    expected = [-math.inf if math.isnan(value) else value for value in said]
    assert list(run_virtually(main).values) == expected


def test_async_checks_run_side_by_side_and_sync_ones_at_once() -> None:
    async def slow(answer: Answer) -> bool:
        await anyio.sleep(60)
        return answer.text == "4"

    async def main() -> float:
        engine = FakeEngine()
        scores = await Check(check=slow).score(
            [thread("4"), thread("5")], await question(engine), engine
        )
        assert scores == Scores(values=(1.0, 0.0))
        assert engine.calls == []
        return anyio.current_time()

    assert run_virtually(main) == 60


@pytest.mark.anyio
async def test_what_a_check_raises_passes_on() -> None:
    def check(answer: Answer) -> bool:
        raise KeyError(answer.text)

    engine = FakeEngine()
    with pytest.raises(KeyError, match="4"):
        await Check(check=check).score([thread("4")], await question(engine), engine)


@pytest.mark.anyio
@pytest.mark.parametrize("said", ["1", "right", None])
async def test_a_check_that_returns_no_number_is_told_in_one_line(said: Any) -> None:
    engine = FakeEngine()
    with pytest.raises(TypeError, match=rf"^the check returned {said!r}: return True, False or"):
        await Check(check=lambda answer: said).score([thread("4")], await question(engine), engine)


class Forgetful:
    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        return Scores(values=(1.0,) * (len(candidates) - 1))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "reducer",
    [
        Best(scorer=Forgetful()),
        WeightedMajority(scorer=Forgetful()),
        Best(scorer=Remembered(scorer=Forgetful())),
    ],
)
async def test_a_scorer_that_forgets_a_candidate_is_told_by_its_name(reducer: Reducer) -> None:
    engine = FakeEngine()
    answers = [thread(text) for text in "abc"]
    with pytest.raises(UsageError, match=r"^Forgetful scored 2 of 3 candidates: give one value"):
        await reducer.reduce(answers, await question(engine), engine)
