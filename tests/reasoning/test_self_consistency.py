"""Self-consistency that stops when its vote is decided. What holds without a rule is in test_methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    UsageError,
    converse,
)
from engines.settings import configured
from reasoning import Answer, ChainOfThought, Majority, NoCandidates, SelfConsistency
from reasoning.voting.stopping import (
    BetaPosterior,
    Certain,
    Never,
    StoppingRule,
    UnanimousWindow,
)
from tests.backends import run_virtually

PAIR = UnanimousWindow(size=2)


@dataclass
class Seen:
    """What an engine was asked for, and how many calls ran at once."""

    answer: Answer
    engine: FakeEngine
    most: int
    seconds: float


def solved(
    method: SelfConsistency,
    replies: Sequence[str | ForkjoinError],
    latencies: Sequence[float] = (),
    *,
    text_only: bool = False,
) -> Seen:
    """Sample number i gets reply number i after latency number i, and a token a second."""
    most = 0

    async def main() -> Seen:
        async def script(context: Context, sampling: object) -> str | ForkjoinError:
            nonlocal most
            most = max(most, (await engine.statistics()).running)
            number = int(context.path.rpartition("-")[2])
            await anyio.sleep(latencies[number] if latencies else 0)
            return replies[number]

        engine = FakeEngine(script, seconds_per_token=1, chunk_tokens=1, text_only=text_only)
        root = await converse(engine, [("user", "What is 2 + 2?")], name="root")
        answer = await method.solve(root, engine)
        statistics = await engine.statistics()
        assert statistics.running == 0
        assert answer.usage.prompt_tokens == statistics.prompt_tokens
        assert answer.usage.generated_tokens == statistics.generated_tokens
        assert answer.critical_path <= answer.usage.generated_tokens
        return Seen(answer, engine, most, anyio.current_time())

    return run_virtually(main)


def saying(*values: int | None) -> list[str]:
    return ["hm" if value is None else rf"\boxed{{{value}}}" for value in values]


rules = st.sampled_from([Never(), Certain(), PAIR, BetaPosterior(confidence=0.8)])
votes = st.lists(st.none() | st.integers(1, 3), min_size=6, max_size=6)


@given(votes, rules, st.integers(1, 6), st.lists(st.integers(0, 3600), min_size=6, max_size=6))
def test_the_result_is_the_same_in_any_order_of_ends_and_with_any_number_in_flight(
    values: list[int | None], rule: StoppingRule, in_flight: int, latencies: list[int]
) -> None:
    def told(seen: Seen) -> tuple[str | None, list[str], str]:
        return seen.answer.value, [c.text for c in seen.answer.candidates], seen.answer.remark

    method = SelfConsistency(samples=6, stop=rule, in_flight=in_flight)
    slow = solved(method, saying(*values), latencies)
    assert told(slow) == told(solved(replace(method, in_flight=1), saying(*values)))
    assert slow.most <= in_flight


@given(votes, rules)
def test_as_many_samples_are_used_as_the_rule_needs(
    values: list[int | None], rule: StoppingRule
) -> None:
    seen = solved(SelfConsistency(samples=6, stop=rule, in_flight=1), saying(*values))
    order = [value for value in dict.fromkeys(values) if value is not None]
    numbers = [-1 if value is None else order.index(value) for value in values]
    needed = next((n for n in range(1, 7) if rule.decided(numbers[:n], 6)), 6)
    assert [branch.status for branch in seen.answer.branches] == (
        ["ok"] * needed + ["cancelled"] * (6 - needed)
    )
    assert len(seen.engine.calls) == needed


@given(votes, st.integers(1, 6))
def test_a_vote_that_is_certain_ends_as_the_full_vote_does(
    values: list[int | None], in_flight: int
) -> None:
    full = solved(SelfConsistency(samples=6), saying(*values))
    early = solved(SelfConsistency(samples=6, stop=Certain(), in_flight=in_flight), saying(*values))
    assert early.answer.value == full.answer.value


@given(votes, rules, st.integers(1, 6))
def test_the_critical_path_is_the_longest_line_of_samples(
    values: list[int | None], rule: StoppingRule, in_flight: int
) -> None:
    seen = solved(SelfConsistency(samples=6, stop=rule, in_flight=in_flight), saying(*values))
    # A token takes a second, and nothing else takes time.
    assert seen.answer.critical_path == seen.seconds
    if in_flight == 1:
        assert seen.answer.critical_path == seen.answer.usage.generated_tokens


def test_what_still_runs_when_the_vote_is_decided_is_aborted_and_kept() -> None:
    replies = [*saying(4, 4), "x" * 500, "y" * 500]
    seen = solved(SelfConsistency(samples=4, stop=PAIR, in_flight=4), replies)
    assert seen.engine.aborted == 2
    assert seen.seconds == len(replies[0])
    lost = seen.answer.branches[2:]
    assert [branch.status for branch in lost] == ["cancelled", "cancelled"]
    assert all(branch.answer and branch.answer.text.startswith(("x", "y")) for branch in lost)
    assert seen.answer.value == "4"
    assert seen.answer.remark == "2 of 4 samples were used: a window of 2 agreed"


def test_a_slow_first_sample_delays_the_decision_but_not_the_others() -> None:
    seen = solved(SelfConsistency(samples=4, stop=PAIR), saying(4, 4, 5, 5), [100, 0, 0, 0])
    assert len(seen.answer.candidates) == 2
    assert seen.seconds == 100 + len(r"\boxed{4}")


@pytest.mark.parametrize(("samples", "half"), [(1, 1), (7, 4), (8, 4)])
def test_with_a_rule_half_of_the_samples_run_at_once(samples: int, half: int) -> None:
    seen = solved(SelfConsistency(samples=samples, stop=Certain()), saying(*range(samples)))
    assert seen.most == half


def test_without_a_rule_all_run_at_once_and_nothing_is_streamed() -> None:
    seen = solved(SelfConsistency(samples=5), saying(1, 2, 3, 4, 4))
    assert all(call.delivery.whole for call in seen.engine.calls)
    assert (seen.answer.value, seen.answer.remark, seen.most) == ("4", "", 5)


def test_a_vote_that_is_never_decided_says_that_all_were_used() -> None:
    seen = solved(SelfConsistency(samples=3, stop=PAIR, in_flight=2), saying(1, 2, 2))
    assert (seen.answer.value, seen.answer.remark) == ("2", "all 3 samples were used")


@pytest.mark.parametrize("stop", [Never(), PAIR])
def test_an_answer_without_any_final_answer_says_so(stop: StoppingRule) -> None:
    seen = solved(SelfConsistency(samples=3, stop=stop), ["hm", "well", "well"])
    assert seen.answer.value is None
    assert seen.answer.final == "well"
    assert seen.answer.remark.endswith("none of 3 samples had a final answer")


def test_lost_samples_do_not_vote_and_are_told() -> None:
    replies: list[str | ForkjoinError] = [EngineUnavailable("busy"), *saying(7, 7, 7)]
    seen = solved(SelfConsistency(samples=4, stop=PAIR), replies)
    assert seen.answer.value == "7"
    assert seen.answer.remark == (
        "1 of 4 samples were lost, the first: busy; all 4 samples were used"
    )


@dataclass(frozen=True, kw_only=True)
class LosesTheFirst:
    """Says something in every sample, and then loses the first."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        answer = await ChainOfThought().solve(context, engine)
        if context.path.endswith("sample-0"):
            raise EngineUnavailable("gone")
        return answer


def test_what_a_lost_sample_had_said_is_kept_but_is_no_vote() -> None:
    method = SelfConsistency(samples=4, method=LosesTheFirst(), stop=Certain(), in_flight=1)
    seen = solved(method, saying(4, 5, 5, 5))
    lost = seen.answer.branches[0]
    assert lost.status == "failed"
    assert lost.answer is not None
    assert lost.answer.value == "4"
    # With its vote, three for 5 would be needed.
    assert (seen.answer.value, len(seen.engine.calls)) == ("5", 3)


def test_when_all_samples_fail_there_is_nothing_to_vote_on() -> None:
    with pytest.raises(NoCandidates, match="all 2 samples failed, the first: a"):
        solved(
            SelfConsistency(samples=2, stop=PAIR), [EngineUnavailable("a"), EngineUnavailable("b")]
        )


@pytest.mark.parametrize("text_only", [False, True])
def test_votes_that_stop_early_nest(text_only: bool) -> None:
    inner = SelfConsistency(samples=4, stop=PAIR, in_flight=3)
    outer = SelfConsistency(samples=3, method=inner, stop=PAIR, in_flight=2)
    seen = solved(outer, saying(4, 4, 5, 5), text_only=text_only)
    assert seen.answer.value == "4"
    assert [branch.status for branch in seen.answer.branches] == ["ok", "ok", "cancelled"]


@pytest.mark.anyio
async def test_equal_formulas_decide_a_vote() -> None:
    replies = iter([r"\boxed{\frac{1}{2}}", r"\boxed{0.5}", r"\boxed{3}"])
    engine = FakeEngine(lambda context, sampling: next(replies))
    root = await converse(engine, [("user", "?")], name="root")
    answer = await SelfConsistency(samples=3, stop=PAIR, in_flight=1).solve(root, engine)
    assert (answer.value, len(engine.calls)) == (r"\frac{1}{2}", 2)


def test_the_rule_sees_answers_as_it_is_told_to() -> None:
    async def all_the_same(first: str, second: str) -> bool:
        return True

    seen = solved(SelfConsistency(samples=4, stop=PAIR, equality=all_the_same), saying(1, 2, 3, 4))
    assert len(seen.answer.candidates) == 2


class Soon:
    """A rule that says nothing of itself."""

    def decided(self, votes: Sequence[int], samples: int) -> bool:
        return len(votes) >= 2


def test_a_rule_that_does_not_say_why_is_told_by_its_name() -> None:
    remark = solved(SelfConsistency(samples=4, stop=Soon()), saying(1, 1, 1, 1)).answer.remark
    assert remark == "2 of 4 samples were used: Soon"


def test_none_in_flight_are_refused() -> None:
    with pytest.raises(UsageError, match="0 samples in flight never end: at least 1"):
        SelfConsistency(in_flight=0)


def test_options_are_given_as_text() -> None:
    method = configured(SelfConsistency(), {"samples": "16", "in_flight": "4"})
    assert (method.samples, method.in_flight) == (16, 4)
    assert repr(method.reducer) == repr(Majority())
