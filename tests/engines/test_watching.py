from __future__ import annotations

import pytest

from engines import STREAMED, WHOLE, Delivery, EngineUnavailable, FakeEngine, Sampling
from engines.wrappers.watch import WatchedEngine
from tests import backends
from tests.backends import run_virtually
from tests.engines.wrapping import TEAM, Breaking, cancelled_after, left_in, prompt, text_of

anyio_backend = backends.virtual_backend

REPLY = "x" * 40


@pytest.mark.anyio
@pytest.mark.parametrize("delivery", [STREAMED, WHOLE])
async def test_tokens_are_told_as_they_come_and_the_caller_gets_what_it_asked_for(
    delivery: Delivery,
) -> None:
    told: list[tuple[str, int, str]] = []
    inner = FakeEngine(REPLY)
    watched = WatchedEngine(inner, lambda *seen: told.append(seen))
    async with watched.stream(prompt("leaf"), Sampling(), delivery) as chunks:
        seen = [chunk async for chunk in chunks]
    async with FakeEngine(REPLY).stream(prompt("leaf"), Sampling(), delivery) as chunks:
        assert seen == [chunk async for chunk in chunks]
    assert told == [("leaf", 16, REPLY[:16]), ("leaf", 16, REPLY[16:32]), ("leaf", 8, REPLY[32:])]
    assert inner.aborted == 0


@pytest.mark.anyio
@pytest.mark.parametrize("delivery", [STREAMED, WHOLE])
async def test_what_workers_are_writing_is_told_by_their_names(delivery: Delivery) -> None:
    told: dict[tuple[str, str], str] = {}

    def drafted(path: str, worker: str, text: str) -> None:
        told[path, worker] = told.get((path, worker), "") + text

    tokens: list[int] = []
    inner = FakeEngine("So it is 4.\n\n")
    watched = WatchedEngine(inner, lambda _, new, text: tokens.append(new), drafted)
    asked = Sampling(max_tokens=60, collaboration=TEAM)
    completion = await watched.generate(prompt("leaf"), asked, delivery)
    assert sum(tokens) == completion.usage.generated_tokens
    assert list(told) == [("leaf", "Alice"), ("leaf", "Bob")]
    assert told["leaf", "Bob"].startswith("**Bob [1]:** So it is 4.\n\n**Bob [2]:** So")
    # All that is in their steps was told before, and nothing twice.
    ids = iter(completion.token_ids)
    steps = {0: "", 1: ""}
    for passage in completion.passages:
        said = "".join(chr(next(ids)) for _ in range(passage.tokens))
        if passage.worker is not None:
            steps[passage.worker] += said
    assert list(told.values()) == list(steps.values())


@pytest.mark.anyio
async def test_who_reads_parts_decides_how_fine_they_are() -> None:
    inner = FakeEngine(REPLY)
    watched = WatchedEngine(inner, lambda *_: None)
    for delivery in (Delivery(interval=3, priority=2), Delivery(whole=True, priority=2)):
        await watched.generate(prompt(), Sampling(), delivery)
    fine = WatchedEngine(inner, lambda *_: None, interval=1)
    await fine.generate(prompt(), Sampling(), Delivery(whole=True))
    # In a part of two workers as many tokens are theirs together.
    for one in (watched, fine):
        await one.generate(prompt(), Sampling(max_tokens=60, collaboration=TEAM))
    assert [call.delivery for call in inner.calls] == [
        Delivery(interval=3, priority=2),
        Delivery(interval=16, priority=2),
        Delivery(interval=1),
        Delivery(interval=8),
        Delivery(interval=1),
    ]


@pytest.mark.anyio
async def test_a_call_that_breaks_tells_what_there_was() -> None:
    told: list[int] = []
    watched = WatchedEngine(Breaking(FakeEngine(REPLY), 2), lambda _, new, text: told.append(new))
    with pytest.raises(EngineUnavailable):
        await text_of(watched)
    assert told == [16, 16]


def test_cancelling_aborts_the_request() -> None:
    async def main() -> tuple[int, int]:
        inner = FakeEngine(REPLY, seconds_per_token=1)
        await cancelled_after(20, WatchedEngine(inner, lambda *_: None))
        return await left_in(inner), inner.aborted

    assert run_virtually(main) == (0, 1)
