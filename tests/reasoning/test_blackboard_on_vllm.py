"""Workers on a board over real vLLM: one history for all, which its cache has, and an end that leaves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from engines import (
    STREAMED,
    Choice,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineStatistics,
    EngineWrapper,
    Layout,
    Sampling,
    converse,
    run_in_portal,
)
from reasoning import Answer
from reasoning.collaborating.blackboard import Blackboard
from tests.engines.idling import idle
from tests.orchestrator.recorded_calls import Call, RecordedEngine
from tests.reasoning.boards import worker_of

pytestmark = pytest.mark.real_vllm

QUESTION = (
    "A farmer has 12 rows of 7 apple trees, and each tree bears 9 apples. How many are there?"
)
WORK = [(2, "combined"), (4, "combined"), (2, "contiguous"), (3, "interleaved")]
ANSWER_TOKENS = 16
SAMPLING = Sampling(max_tokens=48, seed=5, temperature=0.8)


class Answering(EngineWrapper):
    """Has a worker box an answer, from its third call on in the first that has room for it.

    Attributes:
        path: The path of that call; empty before.
    """

    def __init__(self, inner: Engine, worker: str) -> None:
        super().__init__(inner)
        self.path = ""
        self._worker = worker

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        late = context.name not in ("call-1", "call-2") and sampling.max_tokens >= ANSWER_TOKENS
        if worker_of(context) == self._worker and late and not self.path:
            self.path = context.path
            answer = Choice(options=("So \\boxed{756}.\n\n",))
            sampling = sampling.model_copy(update={"constraint": answer})
        async with self.inner.stream(context, sampling, delivery) as chunks:
            yield chunks


@dataclass
class Work:
    """What workers did, and the engine's counts before and after."""

    answer: Answer
    calls: Sequence[Call]
    before: EngineStatistics
    after: EngineStatistics
    answered_in: str

    @property
    def workers_calls(self) -> list[Call]:
        return [call for call in self.calls if worker_of(call.context)]


def worked(engine: Engine, method: Blackboard, answering: str = "Nobody") -> Work:
    async def main() -> Work:
        before = await idle(engine)
        forced = Answering(engine, answering)
        recorded = RecordedEngine(forced)
        question = await converse(recorded, [("user", QUESTION)], name="root")
        answer = await method.solve(question, recorded)
        return Work(answer, recorded.calls, before, await idle(engine), forced.path)

    return run_in_portal(main)


def history(call: Call) -> tuple[int, ...]:
    """What a call has in common with all others: it is followed by what its worker sees, and its own step."""
    seen = call.context.parent
    assert seen is not None
    assert seen.parent is not None
    return seen.parent.token_ids


def own_step(call: Call) -> tuple[int, ...]:
    return call.context.segment.token_ids or ()


def assert_accounts_agree(work: Work) -> None:
    usage = work.answer.usage
    assert not work.after.running
    assert not work.after.waiting
    assert usage.prompt_tokens == work.after.prompt_tokens - work.before.prompt_tokens
    generated = work.after.generated_tokens - work.before.generated_tokens
    if usage.lower_bound:
        assert usage.generated_tokens <= generated
    else:
        assert usage.generated_tokens == generated


@pytest.fixture(scope="module", params=WORK, ids=str)
def work(request: pytest.FixtureRequest, vllm_engine: Engine) -> Work:
    workers, layout = request.param
    method = Blackboard(
        workers=workers, layout=layout, refresh=16, step_tokens=40, sampling=SAMPLING
    )
    return worked(vllm_engine, method)


def test_all_have_one_history_which_only_grows(work: Work) -> None:
    transcript = work.answer.context
    assert transcript is not None
    histories = [history(call) for call in work.workers_calls]
    for call, ids in zip(work.workers_calls, histories, strict=True):
        assert transcript.token_ids[: len(ids)] == ids
        assert call.prompt[: len(ids)] == ids
    assert_accounts_agree(work)


def test_a_history_that_was_seen_before_comes_from_the_cache(
    work: Work, vllm_engine: Engine
) -> None:
    block = vllm_engine.capabilities.block_size
    assert block is not None
    compared = 0
    for call in work.workers_calls:
        known = [history(c) for c in work.workers_calls if c.said_first < call.asked]
        longest = max(map(len, known), default=0)
        assert call.cached >= longest // block * block
        compared += bool(longest)
    assert compared > 4


def test_a_step_goes_on_by_the_ids_that_were_generated(work: Work) -> None:
    went_on = 0
    for name in {worker_of(call.context) for call in work.workers_calls}:
        calls = [call for call in work.workers_calls if worker_of(call.context) == name]
        for earlier, later in pairwise(calls):
            if earlier.chunks[-1].finish_reason == "length" and len(own_step(earlier)) < 30:
                went_on += own_step(later) == (*own_step(earlier), *earlier.generated)
    assert went_on


@pytest.mark.parametrize(
    ("layout", "refresh"),
    [
        ("combined", 20),
        ("combined", 0),
        ("contiguous", 20),
        ("interleaved", 0),
        ("interleaved", 20),
    ],
)
def test_an_answer_ends_all_and_leaves_nothing(
    vllm_engine: Engine, layout: Layout, refresh: int
) -> None:
    method = Blackboard(
        workers=3, layout=layout, refresh=refresh, step_tokens=40,
        sampling=SAMPLING.model_copy(update={"max_tokens": 400, "ignore_eos": True}),
    )  # fmt: skip
    work = worked(vllm_engine, method, answering="Bob")
    answer = work.answer
    assert (answer.value, answer.truncated) == ("756", False)
    assert [branch.status for branch in answer.branches] == ["cancelled", "ok", "cancelled"]
    bob = answer.branches[1].answer
    assert bob is not None
    assert bob.context is answer.context
    (last,) = (call for call in work.calls if call.path == work.answered_in)
    # One that a refresh had cut would not be an answer yet.
    assert last.chunks[-1].stop_reason == "\n\n"
    # While it was read, each of the others may have begun a call, which was aborted.
    late = [call for call in work.calls if call.asked > last.ended]
    names = [worker_of(call.context) for call in late]
    assert len(names) == len(set(names))
    assert "Bob" not in names
    assert_accounts_agree(work)
