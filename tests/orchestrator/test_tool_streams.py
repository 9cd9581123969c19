"""Results that come bit by bit: told while they come, bounded, and closed when nobody waits for them any more."""

from __future__ import annotations

import asyncio  # noqa: TID251 -- the clock that is put forward is its event loop's own
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
import trio
from trio.testing import MockClock

from engines import FakeEngine
from orchestrator import Agent, Event, Tool, ToolError, tool
from orchestrator.events import ToolProgress
from planners import Call, GivenPlanner, Plan
from tests.backends import run_virtually


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Clocks as fast as real ones: where they jump by themselves, they jump over a timeout while a thread works."""
    return request.param, {"clock": MockClock(rate=1)} if request.param == "trio" else {}


@pytest.fixture
def put_forward(
    anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Puts the event loop's clock forward by so many seconds."""

    def on_asyncio(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        time = loop.time
        monkeypatch.setattr(loop, "time", lambda: time() + seconds)

    def on_trio(seconds: float) -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        clock.jump(seconds)

    return on_trio if anyio_backend_name == "trio" else on_asyncio


def of(items: list[Any], kind: str) -> Tool:
    """A tool `f` that gives the items in one of the ways there are."""

    async def asynchronous() -> AsyncIterator[Any]:
        for item in items:
            await anyio.lowlevel.checkpoint()
            yield item

    def plain() -> Iterator[Any]:
        yield from items

    async def later() -> Any:
        return asynchronous()

    async def later_plain() -> Any:
        return plain()

    def wrapped() -> Any:
        return asynchronous()

    def iterated() -> Any:
        return iter(items)

    return tool(name="f")(locals()[kind])


KINDS = ["asynchronous", "plain", "later", "later_plain", "wrapped", "iterated"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("items", "result"),
    [
        (["a", "", "bc"], "abc"),
        ([1, "a", {"b": (2,)}], [1, "a", {"b": [2]}]),
        ([], []),
    ],
    ids=["texts", "mixed", "none"],
)
async def test_items_are_told_one_by_one_and_their_list_or_text_is_the_result(
    kind: str, items: list[Any], result: Any
) -> None:
    told: list[Any] = []
    assert await of(items, kind).call({}, tell=told.append) == result
    assert told == (result if isinstance(result, list) else items)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_an_item_that_is_no_data_fails_the_call(kind: str) -> None:
    with pytest.raises(ToolError, match="f returned a Lock, which is no JSON data"):
        await of([1, anyio.Lock()], kind).call({})


@pytest.mark.anyio
async def test_what_a_generator_raises_fails_the_call() -> None:
    @tool
    async def asynchronous() -> AsyncIterator[int]:
        yield 1
        raise ValueError("late")

    @tool
    def plain() -> Iterator[int]:
        yield 1
        raise ValueError("late")

    for made in (asynchronous, plain):
        with pytest.raises(ToolError, match="raised ValueError: late"):
            await made.call({})


@pytest.mark.anyio
async def test_a_generator_without_end_is_stopped_and_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.tools.call.MOST_ITEMS", 50)
    closed: list[str] = []

    @tool
    async def asynchronous() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append("asynchronous")

    @tool
    def plain() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append("plain")

    @tool
    def iterated() -> Iterator[int]:
        return itertools.count()

    for made in (asynchronous, plain, iterated):
        with pytest.raises(ToolError, match="gave more than 50 items: give fewer"):
            await made.call({})
    assert closed == ["asynchronous", "plain"]


@pytest.mark.anyio
async def test_items_may_take_no_more_room_than_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("call", "data"):
        monkeypatch.setattr(f"orchestrator.tools.{module}.MOST_BYTES", 1_000)
    with pytest.raises(ToolError, match="f gave 1,002 bytes, and 1,000 are the most"):
        await of(["x" * 499, "y" * 499], "asynchronous").call({})


def test_a_generator_that_does_not_end_in_time_says_how_far_it_came() -> None:
    closed: list[float] = []

    @tool(timeout=100)
    async def pages() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                await anyio.sleep(30)
                yield number
        finally:
            closed.append(anyio.current_time())

    async def call() -> None:
        with pytest.raises(ToolError, match="pages had not ended after 100 s and 3 items"):
            await pages.call({})

    run_virtually(call)
    assert closed == [100.0]


@pytest.mark.anyio
async def test_a_plain_generator_that_is_left_behind_is_closed_at_its_next_item(
    put_forward: Callable[[float], None],
) -> None:
    going, closed = threading.Event(), threading.Event()
    told: list[int] = []

    def tell(item: int) -> None:
        told.append(item)
        put_forward(3600)

    @tool(timeout=3600)
    def pages() -> Iterator[int]:
        try:
            yield 1
            going.wait(60)
            yield 2
            yield 3
        finally:
            closed.set()

    with pytest.raises(ToolError, match=r"pages had not ended after 3600 s and 1 items"):
        await pages.call({}, tell=tell)
    going.set()
    await anyio.to_thread.run_sync(closed.wait, 60)
    assert closed.is_set()
    assert told == [1]


def test_cancelling_a_call_closes_the_generator_however_it_is_cut() -> None:
    closed: list[str] = []

    @tool
    async def stubborn() -> AsyncIterator[int]:
        yield 1
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.5)
                closed.append("after its cleaning up")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(stubborn.call, {})
            await anyio.sleep(1)
            group.cancel_scope.cancel()

    run_virtually(main)
    assert closed == ["after its cleaning up"]


def test_a_run_tells_progress_as_events_and_passes_the_result_on() -> None:
    @tool
    async def count(to: int) -> AsyncIterator[int]:
        for number in range(to):
            await anyio.sleep(1)
            yield number

    plan = Plan(nodes=(Call(id="a", tool="count", arguments={"to": 3}),))
    events: list[Event] = []

    async def main() -> Any:
        agent = Agent(FakeEngine(), tools=[count], planner=GivenPlanner(given=plan))
        return await agent.run("?", subscribers=[events.append])

    result = run_virtually(main)
    progress = [event for event in events if isinstance(event, ToolProgress)]
    assert [(event.node, event.data, event.time) for event in progress] == [
        ("a", 0, 1.0), ("a", 1, 2.0), ("a", 2, 3.0),
    ]  # fmt: skip
    assert result.answer.final == "[0, 1, 2]"
