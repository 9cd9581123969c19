from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import CallLimiter, Usage
from evals.evaluation.workload import Workload
from orchestrator import GenerationFinished, GenerationStarted

pytestmark = pytest.mark.anyio


def started(node: str) -> GenerationStarted:
    return GenerationStarted(node=node, call=1, path=node)


def finished(node: str, **options: object) -> GenerationFinished:
    usage = Usage(prompt_tokens=3, generated_tokens=2)
    known = {"node": node, "path": node, "usage": usage, "finish_reason": "stop", "seconds": 1.0}
    return GenerationFinished.model_validate({**known, **options})


async def has_room(work: Workload) -> bool:
    with anyio.move_on_after(0) as scope:
        await work.wait_for_room()
    return not scope.cancelled_caught


async def test_a_sample_counts_for_its_calls_and_for_one_where_it_has_none() -> None:
    work = Workload(CallLimiter(4))
    with work.sample("a"):
        for _ in range(5):
            assert await has_room(work)
            work.hear(started("a"))
        work.hear(started("a"))
        assert not await has_room(work)
        work.hear(finished("a"))
        assert await has_room(work)
        with work.sample("b"):
            assert not await has_room(work)
        assert await has_room(work)


@pytest.mark.parametrize("ends", ["a call", "a sample"])
async def test_who_waits_for_room_gets_it_when_something_ends(ends: str) -> None:
    work = Workload(CallLimiter(1))
    passed = anyio.Event()

    async def wait() -> None:
        await work.wait_for_room()
        passed.set()

    async with anyio.create_task_group() as group:
        with work.sample("a"):
            work.hear(started("a"))
            work.hear(started("a"))
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert not passed.is_set()
            if ends == "a call":
                work.hear(finished("a"))
                await passed.wait()
        await passed.wait()


async def test_what_calls_come_to_is_counted_by_sample() -> None:
    work = Workload(CallLimiter(4))
    with work.sample("a") as a, work.sample("b") as b:
        for event in (started("a"), finished("a"), started("b"), finished("b"), finished("b")):
            work.hear(event)
        work.hear(started("gone"))
        work.hear(finished("gone"))
        assert (a.usage.generated_tokens, b.usage.generated_tokens) == (2, 4)
        assert not a.failed
        work.hear(finished("a", finish_reason="failed"))
        work.hear(finished("b", finish_reason="failed", limited_by="tokens"))
        assert (a.failed, a.limited_by) == (True, None)
        # It was no failure of the engine's.
        assert (b.failed, b.limited_by) == (False, "tokens")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_the_weight_is_that_of_all_samples(changes: list[tuple[str, bool]]) -> None:
    work = Workload(CallLimiter(4))
    open_calls = dict.fromkeys("abc", 0)
    with work.sample("a"), work.sample("b"), work.sample("c"):
        for node, begins in changes:
            if begins:
                work.hear(started(node))
                open_calls[node] += 1
            elif open_calls[node]:
                work.hear(finished(node))
                open_calls[node] -= 1
            assert work._weight == sum(max(1, count) for count in open_calls.values())
    assert (work._weight, len(work)) == (0, 0)
