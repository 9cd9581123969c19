"""Calls that a method ends early. What a journal keeps of them is in tests/orchestrator/test_deepconf_resume."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Chunk,
    Completion,
    EngineUnavailable,
    FakeEngine,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    converse,
)
from reasoning import Answer
from reasoning.voting.confidence import Confidence
from reasoning.watched_call import Watch, think_watched
from tests.backends import run_virtually
from tests.reasoning.confident_replies import sure

pytestmark = pytest.mark.anyio

TEXT = r"so \boxed{4} and then much more of it"


def never(chunk: Chunk) -> str:
    return ""


class After:
    """Has seen enough after so many tokens."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.seen = ""

    def __call__(self, chunk: Chunk) -> str:
        self.seen += chunk.text
        return "enough" if len(self.seen) >= self.tokens else ""


async def thought(engine: FakeEngine, watch: Watch, sampling: Sampling | None = None) -> Answer:
    prompt = await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")
    return await think_watched(prompt, sampling or Sampling(), engine, watch)


async def test_a_call_is_aborted_as_soon_as_it_is_enough_and_what_was_said_is_kept() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=5)
    answer = await thought(engine, After(12))
    assert answer.text == TEXT[:15]
    assert answer.token_ids == tuple(map(ord, TEXT[:15]))
    assert (answer.value, answer.truncated, answer.remark) == ("4", True, "enough")
    assert answer.context is None
    assert engine.aborted == 1
    assert (await engine.statistics()).running == 0


async def test_a_call_that_is_never_enough_is_as_one_that_nobody_watches() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=5)
    answer = await thought(engine, never)
    prompt = engine.calls[0].context
    plain = Answer.from_completion(await FakeEngine(TEXT).generate(prompt, Sampling()))
    assert answer.context is not None
    assert plain.context is not None
    assert answer.context.digest == plain.context.digest
    assert (answer.text, answer.value, answer.truncated) == (TEXT, "4", False)
    assert answer.usage.generated_tokens == plain.usage.generated_tokens
    assert (engine.aborted, answer.remark) == (0, "")


async def test_a_call_that_has_ended_cannot_be_cut_any_more() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=1000)
    answer = await thought(engine, lambda chunk: "enough")
    assert (answer.text, answer.truncated, answer.remark) == (TEXT, False, "")
    assert engine.aborted == 0


async def test_a_call_cut_by_its_own_limit_has_no_reason() -> None:
    answer = await thought(FakeEngine(TEXT), never, Sampling(max_tokens=7))
    assert (answer.text, answer.truncated, answer.remark) == (TEXT[:7], True, "")


@given(st.integers(1, 60), st.integers(1, 9))
def test_the_usage_is_the_engine_s_own_wherever_it_is_cut(tokens: int, chunk_tokens: int) -> None:
    async def main() -> None:
        engine = FakeEngine(TEXT, chunk_tokens=chunk_tokens)
        answer = await thought(engine, After(tokens))
        statistics = await engine.statistics()
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        assert answer.usage.generated_tokens == statistics.generated_tokens == len(answer.text)
        assert answer.critical_path == answer.usage.generated_tokens
        assert answer.usage.lower_bound == (answer.remark == "enough") == (engine.aborted == 1)
        assert statistics.running == 0

    run_virtually(main)


async def test_a_cut_answer_has_the_confidence_of_what_was_received() -> None:
    engine = FakeEngine(sure("ab" * 10, 8.0, 2.0), chunk_tokens=5)
    answer = await thought(engine, After(15), Sampling(logprobs=20))
    assert answer.confidence == Confidence(mean=6.0, tail=6.0, bottom=6.0, lowest=6.0)


async def test_a_cut_answer_of_unknown_confidence_has_none() -> None:
    nothing = TokenLogprobs(Logprob("a", float("nan")))
    engine = FakeEngine(Scripted("a" * 20, [nothing] * 20), chunk_tokens=5)
    answer = await thought(engine, After(15), Sampling(logprobs=20))
    assert (answer.truncated, answer.confidence) == (True, None)


async def test_how_an_answer_is_read_can_be_chosen() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=5)
    prompt = await converse(engine, [("user", "2 + 2?"), ("assistant", "")], name="root")

    def read(completion: Completion) -> Answer:
        return Answer.from_completion(completion, window=1)

    engine = FakeEngine(sure("abcd", 5.0, 1.0), chunk_tokens=2)
    answer = await think_watched(prompt, Sampling(logprobs=20), engine, never, read)
    assert answer.confidence is not None
    assert answer.confidence.lowest == 1.0


async def test_a_text_only_engine_is_watched_as_well() -> None:
    engine = FakeEngine(TEXT, chunk_tokens=5, text_only=True)
    answer = await thought(engine, After(5))
    assert (answer.text, answer.token_ids) == (TEXT[:5], ())


async def test_a_failure_is_a_failure() -> None:
    engine = FakeEngine([EngineUnavailable("busy")])
    with pytest.raises(EngineUnavailable):
        await thought(engine, never)


async def test_a_watched_call_that_is_cancelled_is_aborted() -> None:
    engine = FakeEngine(TEXT, seconds_per_token=60, chunk_tokens=5)
    with anyio.move_on_after(0) as scope:
        await thought(engine, never)
        raise AssertionError("not reached")
    assert scope.cancelled_caught
    assert engine.aborted == 1
    assert (await engine.statistics()).running == 0
