from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    All,
    Context,
    Deadline,
    Engine,
    EngineUnavailable,
    FakeEngine,
    First,
    JoinPolicy,
    KOfN,
    RunError,
    Sampling,
    Usage,
    converse,
)
from orchestrator.journal import JournaledEngine, open_journal
from reasoning import Answer, Branch, ChainOfThought, NoCandidates
from reasoning.branching import (
    remark_on_lost,
    remark_on_unanswered,
    require_candidates,
    think_in_order,
    think_side_by_side,
)
from tests.backends import run_virtually

T = TypeVar("T")

POLICIES = st.sampled_from([All(), First(), KOfN(2), Deadline(40), Deadline(90, KOfN(3))])
LENGTHS = st.lists(st.integers(0, 150), min_size=1, max_size=6)
LONG = Sampling(max_tokens=100_000)


async def forks_of(engine: Engine, count: int) -> list[Context]:
    root = await converse(engine, [("user", "What is 2 + 2?")], name="root")
    return [root.fork(f"sample-{i}") for i in range(count)]


def number(context: Context) -> int:
    return int(context.path.split("/")[1].rpartition("-")[2])


async def once(context: Context, engine: Engine) -> Answer:
    """One call, as a chain of thought does."""
    prompt = await converse(engine, [("assistant", "")], after=context)
    return Answer.from_completion(await engine.generate(prompt, LONG))


async def twice(context: Context, engine: Engine) -> Answer:
    """Goes on with what it has said, by words of its own."""
    first = await once(context, engine)
    assert first.context is not None
    prompt = await converse(engine, [("assistant", " Wait. ")], after=first.context, name="more")
    more = await engine.generate(prompt, LONG)
    return Answer(
        text=f"{first.text} Wait. {more.text}",
        usage=first.usage + more.usage,
        critical_path=first.critical_path + more.usage.generated_tokens,
    )


@dataclass
class Replies:
    """Branch i says so many tokens, one a second; some fail as soon as they begin to speak."""

    lengths: Sequence[int]
    failing: set[int] = field(default_factory=set)

    def engine(self) -> FakeEngine:
        def script(context: Context, sampling: Sampling) -> str | EngineUnavailable:
            if number(context) in self.failing:
                return EngineUnavailable(f"busy {number(context)}")
            return "x" * self.lengths[number(context)]

        return FakeEngine(script, seconds_per_token=1, chunk_tokens=4)


def finished(engine: FakeEngine, think: Callable[[], Awaitable[T]]) -> T:
    """What a thought comes to; nothing is left running."""

    async def main() -> T:
        result = await think()
        assert (await engine.statistics()).running == 0
        return result

    return run_virtually(main)


def side_by_side(
    replies: Replies, policy: JoinPolicy | None, think: Callable[..., Awaitable[Answer]] = once
) -> tuple[list[Branch], FakeEngine]:
    engine = replies.engine()

    async def main() -> list[Branch]:
        forks = await forks_of(engine, len(replies.lengths))
        return await think_side_by_side(forks, think, engine, policy)

    return finished(engine, main), engine


def assert_counted(branches: Sequence[Branch], engine: FakeEngine) -> None:
    """What the branches cost is what the engine counts."""
    statistics = anyio.run(engine.statistics)
    whole = Answer(text="").after(branches)
    assert whole.usage.prompt_tokens == statistics.prompt_tokens
    assert whole.usage.generated_tokens == statistics.generated_tokens
    assert whole.critical_path <= whole.usage.generated_tokens


@given(LENGTHS, st.sets(st.integers(0, 5)), POLICIES, st.sampled_from([once, twice]))
def test_what_branches_cost_is_what_the_engine_counts(
    lengths: list[int],
    failing: set[int],
    policy: JoinPolicy,
    think: Callable[..., Awaitable[Answer]],
) -> None:
    branches, engine = side_by_side(Replies(lengths, failing), policy, think)
    assert_counted(branches, engine)
    assert [branch.path for branch in branches] == [f"root/sample-{i}" for i in range(len(lengths))]
    for i, branch in enumerate(branches):
        assert branch.usable == (branch.status in ("ok", "truncated"))
        assert branch.status != "failed" or i in failing
        assert (branch.reason == "") == branch.usable


def test_what_a_branch_had_said_when_it_was_cut_is_kept() -> None:
    branches, engine = side_by_side(Replies([90, 10, 0]), KOfN(2))
    assert [branch.status for branch in branches] == ["cancelled", "ok", "ok"]
    cut = branches[0].answer
    assert cut is not None
    assert 4 <= len(cut.text) <= 12
    assert (cut.text, cut.token_ids) == ("x" * len(cut.text), (ord("x"),) * len(cut.text))
    assert cut.truncated
    assert cut.usage.lower_bound
    assert branches[0].reason == "the others were enough"
    assert engine.aborted == 1


def test_of_calls_that_follow_on_each_other_all_is_kept() -> None:
    branches, _ = side_by_side(Replies([40, 10]), Deadline(60), twice)
    cut = branches[0].answer
    assert cut is not None
    first, _, more = cut.text.partition(" Wait. ")
    assert (len(first), 10 < len(more) <= 20) == (40, True)
    assert "".join(map(chr, cut.token_ids)) == cut.text
    assert cut.critical_path == cut.usage.generated_tokens == len(first) + len(more)


def test_of_calls_side_by_side_the_longest_is_the_path() -> None:
    async def nested(context: Context, engine: Engine) -> Answer:
        forks = [context.fork(f"inner-{i}") for i in range(3)]
        return Answer(text="").after(await think_side_by_side(forks, once, engine))

    branches, engine = side_by_side(Replies([99, 10]), First(), nested)
    cut = branches[0].answer
    assert cut is not None
    assert cut.usage.generated_tokens == 3 * cut.critical_path > 0
    assert_counted(branches, engine)


def test_a_branch_that_had_not_begun_has_no_answer() -> None:
    async def waits(context: Context, engine: Engine) -> Answer:
        if number(context):
            await anyio.sleep_forever()
        return await once(context, engine)

    branches, _ = side_by_side(Replies([3, 3]), First(), waits)
    assert (branches[1].status, branches[1].answer) == ("cancelled", None)


def test_a_branch_that_fails_in_the_middle_keeps_what_it_had_said() -> None:
    async def fails(context: Context, engine: Engine) -> Answer:
        await once(context, engine)
        raise EngineUnavailable("broke off")

    branches, engine = side_by_side(Replies([7]), None, fails)
    assert (branches[0].status, branches[0].reason) == ("failed", "broke off")
    assert branches[0].answer is not None
    assert branches[0].answer.text == "x" * 7
    assert_counted(branches, engine)


def test_an_answer_that_a_limit_cut_is_a_truncated_branch() -> None:
    async def short(context: Context, engine: Engine) -> Answer:
        prompt = await converse(engine, [("assistant", "")], after=context)
        return Answer.from_completion(await engine.generate(prompt, Sampling(max_tokens=3)))

    branches, _ = side_by_side(Replies([9]), None, short)
    assert (branches[0].status, branches[0].usable) == ("truncated", True)


@given(LENGTHS, st.sets(st.integers(0, 5)), st.integers(1, 7), st.integers(1, 7))
def test_in_order_what_is_used_depends_on_the_order_only(
    lengths: list[int], failing: set[int], count: int, in_flight: int
) -> None:
    engine = Replies(lengths, failing).engine()
    asked: list[int] = []

    async def enough(first: Sequence[Branch]) -> bool:
        asked.append(len(first))
        assert [number_of(branch) for branch in first] == list(range(len(first)))
        await anyio.sleep(3)
        return len(first) == count

    async def main() -> list[Branch]:
        forks = await forks_of(engine, len(lengths))
        return await think_in_order(forks, once, engine, enough, in_flight=in_flight)

    branches = finished(engine, main)
    used = min(count, len(lengths))
    assert asked == list(range(1, used + 1))
    assert [branch.status for branch in branches] == [
        "cancelled" if i >= used else "failed" if i in failing else "ok"
        for i in range(len(lengths))
    ]
    assert_counted(branches, engine)
    path = Answer(text="").after(branches, in_flight=in_flight).critical_path
    assert path == sum(lengths[i] for i in range(used) if i not in failing) or in_flight > 1


def number_of(branch: Branch) -> int:
    return int(branch.path.rpartition("-")[2])


@pytest.mark.parametrize("policy", [All(), First()])
def test_cancelled_from_outside_nothing_is_left_running(policy: JoinPolicy) -> None:
    engine = Replies([99, 99]).engine()

    async def main() -> bool:
        with anyio.move_on_after(10) as scope:
            await think_side_by_side(await forks_of(engine, 2), once, engine, policy)
        return scope.cancelled_caught

    assert finished(engine, main)
    assert engine.aborted == 2


@pytest.mark.parametrize("error", [RunError("no journal"), KeyError("a bug")])
@pytest.mark.parametrize("in_order", [False, True])
def test_what_is_no_failure_of_a_branch_ends_all(error: Exception, in_order: bool) -> None:
    engine = Replies([99, 99]).engine()

    async def think(context: Context, engine: Engine) -> Answer:
        if number(context):
            raise error
        return await once(context, engine)

    async def never(first: Sequence[Branch]) -> bool:
        return False

    async def main() -> None:
        forks = await forks_of(engine, 2)
        with pytest.RaisesGroup(type(error), allow_unwrapped=True):
            await (
                think_in_order(forks, think, engine, never, in_flight=2)
                if in_order
                else think_side_by_side(forks, think, engine, First())
            )

    finished(engine, main)


# Runs that died


class Dying:
    """A thought that is begun again with the same journal, on an engine that may have become another."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal"

    async def think(self, engine: FakeEngine, policy: JoinPolicy, count: int = 3) -> list[Branch]:
        async with open_journal(self.path) as journal:
            outer = JournaledEngine(engine, journal)
            return await think_side_by_side(await forks_of(outer, count), once, outer, policy)


def speaking(fast: int, failing: set[int] | None = None) -> FakeEngine:
    """One branch says a word, the others go on for ever, some fail at once."""

    def script(context: Context, sampling: Sampling) -> str | EngineUnavailable:
        if number(context) in (failing or ()):
            return EngineUnavailable("busy")
        return "y" if number(context) == fast else "x" * 100_000

    return FakeEngine(script, seconds_per_token=0.001, chunk_tokens=4)


@pytest.mark.anyio
@pytest.mark.parametrize("policy", [First(), KOfN(1), Deadline(30, First())])
async def test_a_run_that_died_after_its_decision_has_what_the_losers_had_said(
    tmp_path: Path, policy: JoinPolicy
) -> None:
    dying = Dying(tmp_path)
    first = await dying.think(speaking(fast=1), policy)
    assert [branch.status for branch in first] == ["cancelled", "ok", "cancelled"]
    again = speaking(fast=0)
    resumed = await dying.think(again, policy)
    assert again.calls == []
    assert [(b.status, b.reason) for b in resumed] == [(b.status, b.reason) for b in first]
    for i in (0, 2):
        assert resumed[i].answer == first[i].answer
    assert resumed[1].answer is not None
    assert resumed[1].answer.text == "y"


@pytest.mark.anyio
async def test_a_branch_that_failed_may_succeed_when_the_run_is_resumed(tmp_path: Path) -> None:
    dying = Dying(tmp_path)
    first = await dying.think(speaking(fast=1, failing={0}), First())
    assert [branch.status for branch in first] == ["failed", "ok", "cancelled"]
    engine = speaking(fast=0)
    resumed = await dying.think(engine, First())
    assert [branch.status for branch in resumed] == ["ok", "ok", "cancelled"]
    assert [number(call.context) for call in engine.calls] == [0]
    assert resumed[2].answer == first[2].answer


# What is told of them


def branch(status: str, reason: str = "") -> Branch:
    answer = Answer(text="4", usage=Usage(generated_tokens=1))
    return Branch(path="root/a", status=status, answer=answer, reason=reason)  # type: ignore[arg-type]


def test_candidates_are_the_answers_of_those_that_came_to_one() -> None:
    some = [branch("failed", "busy"), branch("ok"), branch("cancelled"), branch("truncated")]
    assert len(require_candidates(some, "samples")) == 2


def test_where_there_are_none_the_error_has_all_branches_and_the_first_reason() -> None:
    lost = [branch("failed", "busy"), branch("cancelled", "late")]
    with pytest.raises(NoCandidates, match=r"^all 2 threads failed, the first: busy$") as caught:
        require_candidates(lost, "threads")
    assert caught.value.branches == tuple(lost)


@pytest.mark.parametrize(
    ("branches", "remark"),
    [
        ([], ""),
        ([branch("ok"), branch("cancelled", "not needed")], ""),
        ([branch("ok"), branch("failed", "busy")], "1 of 2 samples were lost, the first: busy"),
    ],
)
def test_what_was_lost_is_told_with_its_first_cause(branches: list[Branch], remark: str) -> None:
    assert remark_on_lost(branches, "samples") == remark


def test_that_nobody_came_to_a_final_answer_is_told() -> None:
    none, some = Answer(text="hm"), Answer(text="so 4", value="4")
    assert remark_on_unanswered([none, none], "samples") == "none of 2 samples had a final answer"
    assert remark_on_unanswered([none, some], "samples") == ""


@pytest.mark.parametrize(("needed", "path"), [(2, 9), (3, 99)])
def test_a_thread_that_a_deadline_cuts_is_on_the_critical_path(needed: int, path: int) -> None:
    lengths = {"0": 9, "1": 9, "2": 500}

    def script(context: Context, sampling: Sampling) -> str:
        return "x" * lengths[next(filter(str.isdigit, context.path))]

    async def main() -> Answer:
        engine = FakeEngine(script, seconds_per_token=1, chunk_tokens=1)
        root = await converse(engine, [("user", "Why?")])
        forks = [root.fork(str(number)) for number in range(3)]

        async def think(fork: Context, engine: Engine) -> Answer:
            return await ChainOfThought().solve(fork, engine)

        policy = Deadline(100, KOfN(needed))
        return Answer(text="").after(await think_side_by_side(forks, think, engine, policy))

    assert run_virtually(main).critical_path == pytest.approx(path, abs=1)
