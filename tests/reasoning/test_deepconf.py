"""DeepConf: threads of which the model is not sure are ended early and do not vote."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import (
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    UsageError,
    converse,
)
from engines.settings import configured
from reasoning import Answer, Branch, NoCandidates, SelfConsistency
from reasoning.deepconf import DeepConf
from tests.backends import run_virtually
from tests.reasoning.confident_replies import sure

Reply = str | Scripted | ForkjoinError

# A window is 8 tokens, and a chunk 4.
SMALL = DeepConf(samples=6, warm_up=3, window=8, keep_percent=100, consensus=None)
OFFLINE = replace(SMALL, online=False)


def says(value: int | None, *levels: float) -> Scripted:
    """A thread of 60 tokens that comes to this answer at its end."""
    text = "I do not know" if value is None else rf"\boxed{{{value}}}"
    return sure(text.rjust(60, "."), *levels)


@dataclass
class Solved:
    answer: Answer
    engine: FakeEngine

    @property
    def statuses(self) -> list[str]:
        return [branch.status for branch in self.answer.branches]

    @property
    def lengths(self) -> list[int]:
        return [len(b.answer.text) if b.answer else 0 for b in self.answer.branches]


def solved(
    method: DeepConf | SelfConsistency,
    replies: Sequence[Reply] | Callable[[int], Reply],
    latencies: Sequence[float] = (),
    **options: bool,
) -> Solved:
    """Trace number i gets reply number i after latency number i, and a token a second."""

    async def main() -> Solved:
        async def script(context: Context, sampling: Sampling) -> Reply:
            assert sampling.logprobs == 20
            number = int(context.path.rpartition("-")[2])
            await anyio.sleep(latencies[number] if latencies else 0)
            return replies(number) if callable(replies) else replies[number]

        engine = FakeEngine(script, seconds_per_token=1, chunk_tokens=4, **options)
        root = await converse(engine, [("user", "What is 2 + 2?")], name="root")
        try:
            answer = await method.solve(root, engine)
        finally:
            statistics = await engine.statistics()
            assert statistics.running == 0
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        assert answer.usage.generated_tokens == statistics.generated_tokens
        assert answer.critical_path <= statistics.generated_tokens
        return Solved(answer, engine)

    return run_virtually(main)


def test_a_thread_is_ended_when_a_window_falls_below_the_warm_up_and_does_not_vote() -> None:
    result = solved(
        SMALL,
        [
            *(says(4, 9.0), says(4, 7.0), says(5, 8.0)),
            *(says(5, 9.0, 6.0, 9.0), says(5, 9.0), says(5, 9.0, 1.0, 1.0)),
        ],
    )
    assert result.answer.value == "5"
    assert result.statuses == ["ok", "ok", "ok", "truncated", "ok", "truncated"]
    assert result.engine.aborted == 2
    # They fall from the 20th token on: a window is below 7 after 6 tokens, and after 3, and then the chunk ends.
    assert result.lengths == [60, 60, 60, 28, 60, 24]
    cut = result.answer.branches[3]
    assert cut.reason == "its confidence fell to 6, below 7"
    assert cut.answer is not None
    assert cut.answer.confidence is not None
    assert cut.answer.confidence.lowest < 7.0
    assert result.answer.remark == ""


def test_warm_up_threads_come_to_their_end_before_the_others_begin() -> None:
    result = solved(SMALL, [says(4, 5.0)] * 6, latencies=[0, 100, 0, 0, 0, 0])
    assert result.engine.aborted == 0
    # Two chains, one after the other.
    assert result.answer.critical_path == 120
    paths = [call.context.path for call in result.engine.calls]
    assert {*paths[:3]} == {f"root/trace-{i}" for i in range(3)}


def test_a_thread_that_is_too_short_for_a_window_is_not_ended_but_does_not_vote() -> None:
    method = replace(SMALL, window=100)
    result = solved(method, [says(4, 5.0)] * 3 + [says(5, 4.0)] * 3)
    assert result.statuses == ["ok"] * 6
    assert result.answer.value == "4"


def test_warm_up_threads_below_the_threshold_do_not_vote_either() -> None:
    replies = [says(5, 1.0), says(5, 2.0), says(4, 9.0)]
    method = replace(SMALL, samples=3, keep_percent=10, weights="none")
    assert solved(method, replies).answer.value == "4"
    assert solved(replace(method, keep_percent=100), replies).answer.value == "5"


@pytest.mark.parametrize(
    ("weights", "value"),
    [("none", "5"), ("mean", "5"), ("tail", "4"), ("bottom", "5"), ("lowest", "5")],
)
def test_votes_weigh_the_confidence_that_is_asked_for(weights: str, value: str) -> None:
    # One thread ends very sure, two others are rather sure throughout.
    replies = [says(4, 2.0, 2.0, 9.0), says(5, 4.0), says(5, 4.0)]
    method = configured(replace(OFFLINE, samples=3), {"weights": weights})
    assert solved(method, replies).answer.value == value


def test_offline_all_come_to_their_end_and_the_top_share_votes() -> None:
    replies = [says(5, 1.0), says(5, 2.0), says(4, 3.0), says(5, 2.5), says(4, 1.0), says(5, 1.0)]
    method = replace(OFFLINE, keep_percent=10, weights="mean")
    result = solved(method, replies)
    assert (result.answer.value, result.engine.aborted) == ("4", 0)
    assert result.answer.critical_path == 60
    assert solved(replace(method, keep_percent=100), replies).answer.value == "5"


def test_answers_that_are_equal_vote_together() -> None:
    texts = [r"\boxed{0.5}", r"\boxed{3}", r"\boxed{1/2}"]
    method = replace(OFFLINE, samples=3)
    result = solved(
        method,
        [sure(text.rjust(60), level) for text, level in zip(texts, (2.0, 3.0, 2.0), strict=True)],
    )
    assert result.answer.value == "0.5"


def test_once_the_threads_agree_no_more_are_asked_for() -> None:
    method = replace(SMALL, samples=20, consensus=0.7, in_flight=1, weights="none")
    values = [4, 5, 4, 5, 4, 4, 4]
    result = solved(method, lambda number: says(values[number], 5.0))
    # 5 of 7, after 4 of 6 were too few.
    assert len(result.engine.calls) == 7
    assert result.statuses == ["ok"] * 7 + ["cancelled"] * 13
    assert result.answer.critical_path == 60 * 5
    assert result.answer.remark == "7 of 20 traces were used: 71.4 % of the weight agreed"


def test_a_warm_up_that_agrees_is_enough() -> None:
    result = solved(replace(SMALL, consensus=0.95), [says(4, 5.0)] * 3)
    assert (result.answer.value, len(result.engine.calls)) == ("4", 3)
    assert result.answer.remark == "3 of 6 traces were used: 100 % of the weight agreed"


def test_threads_without_an_answer_agree_with_nobody() -> None:
    method = replace(SMALL, samples=8, warm_up=4, consensus=0.7, in_flight=1)
    values = [4, None, None, None, 4, 4, 4, 4]
    weights = [8.0, 6.0, 6.0, 2.0, 8.0, 8.0, 8.0, 8.0]
    result = solved(method, lambda number: says(values[number], weights[number]))
    # 8 of 22, 16 of 30, 24 of 38, then 32 of 46 are too few; 40 of 54 are enough.
    assert result.statuses == ["ok"] * 8
    assert result.answer.remark == ""
    result = solved(
        replace(method, consensus=0.6), lambda number: says(values[number], weights[number])
    )
    assert result.statuses == ["ok"] * 6 + ["cancelled"] * 2
    assert result.answer.remark == "6 of 8 traces were used: 63.2 % of the weight agreed"


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), min_size=6, max_size=6))
def test_who_ends_first_decides_nothing(latencies: list[int]) -> None:
    replies = [says(4, 5.0), says(5, 6.0), says(4, 7.0), says(5, 4.0), says(5, 8.0), says(5, 9.0)]

    def told(latencies: Sequence[float]) -> object:
        method = replace(SMALL, consensus=0.6, in_flight=3)
        answer = solved(method, replies, latencies).answer
        kept = [b.answer for b in answer.branches if b.status != "cancelled"]
        return answer.value, [(a.text, a.confidence) for a in kept if a is not None]

    assert told(latencies) == told([0] * 6)


@pytest.mark.parametrize("method", [SMALL, OFFLINE])
def test_without_logprobs_all_count_the_same_and_the_answer_says_so(method: DeepConf) -> None:
    unknown = TokenLogprobs(Logprob(".", math.nan), (Logprob(".", math.nan),) * 20)
    texts = [r"\boxed{5}", r"\boxed{4}", r"\boxed{4}", r"\boxed{4}", r"\boxed{5}", "?"]
    broken = [Scripted(text, [unknown] * len(text)) for text in texts]
    # Where a token is certain, the fake tells of it alone: it has logprobs, but they say nothing.
    both: list[Sequence[Reply]] = [texts, broken]
    for replies in both:
        result = solved(method, replies)
        assert result.answer.value == "4"
        assert result.answer.remark == "no confidence is known, so all traces count the same"
        assert result.answer.confidence is None
        assert result.statuses == ["ok"] * 6


def test_threads_of_unknown_confidence_do_not_vote_among_others() -> None:
    result = solved(replace(SMALL, samples=3), [r"\boxed{5}", r"\boxed{5}", says(4, 5.0)])
    assert result.answer.value == "4"
    assert result.answer.remark == "of 2 of 3 traces no confidence is known, so they do not vote"


def test_where_no_sure_thread_has_an_answer_the_others_vote_and_the_answer_says_so() -> None:
    method = replace(SMALL, samples=3, keep_percent=10)
    result = solved(method, [says(None, 9.0), says(4, 5.0), says(4, 5.0)])
    assert result.answer.value == "4"
    assert "no trace with an answer was sure enough" in result.answer.remark


def test_threads_that_were_ended_do_not_vote_for_want_of_others_either() -> None:
    method = replace(SMALL, samples=4, warm_up=2, keep_percent=10, weights="none")
    early = sure(r"so \boxed{5}, or".ljust(60, "."), 9.0, 1.0)
    result = solved(method, [says(None, 9.0), says(4, 5.0), early, early])
    assert result.statuses == ["ok", "ok", "truncated", "truncated"]
    assert result.answer.value == "4"


def test_where_no_thread_has_an_answer_a_sure_one_is_given() -> None:
    result = solved(
        replace(SMALL, samples=3, keep_percent=10),
        [says(None, 2.0), says(None, 9.0), says(None, 3.0)],
    )
    assert result.answer.value is None
    assert result.answer.confidence is not None
    assert result.answer.confidence.mean == 9.0
    assert result.answer.remark == "none of 3 traces had a final answer"


def test_threads_that_failed_are_counted_and_the_others_vote() -> None:
    busy = EngineUnavailable("busy")
    replies: list[Reply] = [busy, says(4, 5.0), busy, says(4, 6.0), busy, says(5, 1.0)]
    result = solved(SMALL, replies)
    assert result.answer.value == "4"
    assert result.answer.remark == "3 of 6 traces were lost, the first: busy"
    assert result.statuses == ["failed", "ok", "failed", "ok", "failed", "truncated"]


def test_a_warm_up_that_failed_sets_no_threshold() -> None:
    busy = EngineUnavailable("busy")
    result = solved(SMALL, lambda number: busy if number < 3 else says(4, 5.0, 1.0))
    assert (result.answer.value, result.engine.aborted) == ("4", 0)


@pytest.mark.parametrize("method", [SMALL, OFFLINE])
def test_when_all_threads_fail_the_first_reason_is_told(method: DeepConf) -> None:
    with pytest.raises(NoCandidates, match="all 6 traces failed, the first: busy at 0"):
        solved(method, lambda number: EngineUnavailable(f"busy at {number}"))


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(1, 9), st.floats(1, 9)), min_size=1, max_size=9
    ),
    st.integers(1, 9),
    st.sampled_from([10.0, 50.0, 90.0]),
    st.sampled_from([None, 0.6]),
    st.integers(1, 3),
)
def test_whatever_is_sure_the_usage_is_the_engine_s_own_and_a_thread_that_ended_wins(
    threads: list[tuple[int, float, float]],
    warm_up: int,
    keep: float,
    consensus: float | None,
    in_flight: int,
) -> None:
    method = DeepConf(
        samples=len(threads),
        warm_up=warm_up,
        keep_percent=keep,
        consensus=consensus,
        in_flight=in_flight,
        window=8,
    )
    # `solved` checks the usage.
    result = solved(method, [says(value, *levels) for value, *levels in threads])
    assert not result.answer.truncated
    winners = [
        b for b in result.answer.branches if b.answer and b.answer.text == result.answer.text
    ]
    assert any(branch.status == "ok" for branch in winners)
    assert (
        result.statuses.count("truncated") + result.statuses.count("cancelled")
    ) >= result.engine.aborted
    if len(threads) == 1:
        assert result.answer.critical_path == result.answer.usage.generated_tokens


def test_it_works_on_a_text_only_engine() -> None:
    result = solved(SMALL, [says(4, 5.0)] * 3 + [says(5, 1.0)] * 3, text_only=True)
    assert (result.answer.value, result.engine.aborted) == ("4", 3)


def test_it_nests() -> None:
    inner = replace(SMALL, samples=2, warm_up=1)
    result = solved(SelfConsistency(samples=2, method=inner), [says(4, 5.0), says(5, 1.0)])
    assert result.answer.value == "4"
    paths = {call.context.path for call in result.engine.calls}
    assert paths == {f"root/sample-{i}/trace-{j}" for i in range(2) for j in range(2)}
    branch: Branch = result.answer.branches[0]
    assert branch.answer is not None
    assert [inside.status for inside in branch.answer.branches] == ["ok", "truncated"]


@pytest.mark.anyio
async def test_threads_fork_one_prompt_and_have_seeds_of_their_own() -> None:
    engine = FakeEngine(says(4, 5.0))
    root = await converse(engine, [("user", "2 + 2?")], name="root")
    method = replace(OFFLINE, sampling=Sampling(seed=1, logprobs=5), instruction=" Think.")
    await method.solve(root, engine)
    parents = {id(call.context.parent) for call in engine.calls}
    assert len(parents) == 1
    assert engine.calls[0].context.turns[0].text == "2 + 2? Think."
    assert engine.calls[0].context.turns[-1].role == "assistant"
    assert len({call.sampling.seed for call in engine.calls}) == 6
    assert {call.sampling.logprobs for call in engine.calls} == {5}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        *(("samples", "0"), ("warm_up", "0"), ("window", "0"), ("in_flight", "0")),
        ("sampling.logprobs", "1"),
        *(("keep_percent", "0"), ("keep_percent", "101"), ("consensus", "0"), ("weights", "most")),
    ],
)
def test_options_that_make_no_sense_are_refused(option: str, text: str) -> None:
    with pytest.raises(UsageError, match=option):
        configured(DeepConf(), {option: text})


def test_options_are_given_as_text() -> None:
    texts = {
        "online": "false",
        "consensus": "null",
        "weights": "tail",
        "sampling.temperature": "0.6",
    }
    assert configured(DeepConf(), texts) == DeepConf(
        online=False, consensus=None, weights="tail", sampling=Sampling(temperature=0.6)
    )
