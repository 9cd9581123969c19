"""Counting the blocks of calls that run; on real vLLM beside its own count in test_kv_on_vllm.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from engines import (
    STREAMED,
    WHOLE,
    Choice,
    Context,
    Delivery,
    Engine,
    FakeEngine,
    Sampling,
    Segment,
    join,
    score_choice,
)
from engines.wrappers.kv_meter import KvUse, MeteredEngine
from tests import backends
from tests.backends import run_virtually
from tests.engines.contract import CHECKS, Check
from tests.engines.wrapping import Breaking, cancelled_after, left_in, prompt

anyio_backend = backends.virtual_backend

# A second a token, parts and blocks of four; the question has eight tokens.
STEPS = {"seconds_per_token": 1, "chunk_tokens": 4, "block_size": 4}


def fake(script: object = "x" * 10, **options: object) -> FakeEngine:
    return FakeEngine(script, **{**STEPS, **options})  # type: ignore[arg-type]


def use_of(meter: MeteredEngine) -> KvUse:
    use = meter.use
    assert use is not None
    return use


def used(meter: MeteredEngine, *calls: Callable[[], Awaitable[object]]) -> KvUse:
    """What calls take side by side, which leave nothing behind."""

    async def main() -> None:
        for outcome in await join(list(calls)):
            assert outcome.reason == ""

    run_virtually(main)
    use = use_of(meter)
    assert use.blocks == 0
    return use


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE])
def test_a_call_takes_its_prompt_and_a_block_for_each_four_tokens(delivery: Delivery) -> None:
    meter = MeteredEngine(fake())
    use = used(meter, partial(meter.generate, prompt(), Sampling(), delivery))
    # Two for four seconds, three for four, four for two; one more as it ends.
    assert (use.mean, use.peak, use.seconds) == ((2 * 4 + 3 * 4 + 4 * 2) / 10, 5, 10)
    assert [span.peak for span in meter.spans if span.start in (3, 5, 9)] == [2, 3, 4]
    assert (use.unshared_mean, use.sharing) == (use.mean, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("delivery", [STREAMED, WHOLE])
async def test_its_caller_gets_what_the_engine_gives(delivery: Delivery) -> None:
    inner = fake(seconds_per_token=0)
    both = []
    for engine in (fake(seconds_per_token=0), MeteredEngine(inner)):
        async with engine.stream(prompt(), Sampling(), delivery) as chunks:
            both.append([chunk async for chunk in chunks])
    assert both[0] == both[1]
    assert inner.aborted == 0


def test_branches_share_the_question_which_may_be_left_out() -> None:
    question = prompt()

    def sharing(without: Context | None) -> KvUse:
        script = [letter * 4 for letter in "abc"]
        meter = MeteredEngine(fake(script), without=without)
        forks = [question.fork(str(i)) for i in range(3)]
        return used(meter, *(partial(meter.generate, fork, Sampling()) for fork in forks))

    shared = sharing(None)
    # All end at once, one after another.
    assert (shared.mean, shared.peak, shared.unshared_mean, shared.sharing) == (2, 3, 6, 3)
    alone = sharing(question)
    assert (alone.mean, alone.peak, alone.unshared_mean, alone.seconds) == (0, 1, 0, 4)


def test_pauses_between_calls_are_no_part_of_the_mean() -> None:
    meter = MeteredEngine(fake("x" * 4))

    async def calls_with_a_pause() -> None:
        for name in "ab":
            await meter.generate(prompt(name), Sampling())
            await anyio.sleep(1000)

    use = used(meter, calls_with_a_pause)
    assert (use.mean, use.seconds) == (2, 8)
    # Over time they are there.
    assert sum(span.mean * span.seconds for span in meter.spans) == pytest.approx(2 * 8)
    assert meter.spans[-1].start + meter.spans[-1].seconds == pytest.approx(1008)


def test_a_reader_that_takes_its_time_holds_no_blocks_after_the_end() -> None:
    meter = MeteredEngine(fake("x" * 4))

    async def slow() -> None:
        async with meter.stream(prompt(), Sampling()) as chunks:
            async for _ in chunks:
                await anyio.sleep(1000)

    assert used(meter, slow).seconds == 4


def test_judgements_count_as_well() -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        assert isinstance(sampling.constraint, Choice)
        return "Yes"

    meter = MeteredEngine(fake(reply))
    use = used(meter, partial(score_choice, meter, prompt(), ("Yes", "No"), Sampling()))
    assert (use.mean, use.seconds) == (2, 3)


@pytest.mark.parametrize("way", ["cancelled", "broken", "left", "refused"])
def test_a_call_that_ends_badly_leaves_no_blocks(way: str) -> None:
    inner = fake(window=4 if way == "refused" else 100)
    meter = MeteredEngine(Breaking(inner, 1 if way == "broken" else None))

    async def main() -> None:
        if way == "cancelled":
            await cancelled_after(6, meter)
        elif way == "left":
            async with meter.stream(prompt(), Sampling()) as chunks:
                await anext(chunks)
                assert use_of(meter).blocks == 3
        else:
            (outcome,) = await join([partial(meter.generate, prompt(), Sampling())])
            assert outcome.reason
        assert await left_in(inner) == 0

    run_virtually(main)
    assert use_of(meter).blocks == 0


def test_it_tells_what_is_in_use_while_calls_run() -> None:
    meter = MeteredEngine(fake(["a" * 8, "b" * 20]))

    async def main() -> list[int]:
        async with anyio.create_task_group() as group:
            group.start_soon(meter.generate, prompt("a"), Sampling())
            await anyio.sleep(2)
            group.start_soon(meter.generate, prompt("b"), Sampling())
            seen = []
            for _ in range(11):
                await anyio.sleep(1)
                seen.append(use_of(meter).blocks)
                await anyio.sleep(1)
        return seen

    # The first has its third block at 4 s and ends at 8 s, the second has one more every 4 s from 6 s on.
    assert run_virtually(main) == [2, 3, 4, 3, 4, 4, 5, 5, 6, 6, 0]


@pytest.mark.parametrize(
    ("engine", "problem"),
    [
        (FakeEngine(text_only=True), "fake works on text only: KV blocks are counted by token ids"),
        (FakeEngine(block_size=None), "fake does not tell the size of its KV blocks"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_counted_is_not_and_says_why(engine: FakeEngine, problem: str) -> None:
    meter = MeteredEngine(engine)
    question = Context(Segment("user", "question", None), name="root")
    if meter.capabilities.token_ids:
        question = prompt()

    async def main() -> str:
        return (await meter.generate(question, Sampling())).text

    assert run_virtually(main) == "ok"
    assert meter.use is None
    assert meter.spans == ()
    assert problem in meter.problem
    # Nothing is asked of the engine that nobody needs.
    assert engine.calls[0].delivery == WHOLE


def test_the_size_of_blocks_may_be_given() -> None:
    meter = MeteredEngine(fake("x" * 4), block_size=1)
    assert used(meter, partial(meter.generate, prompt(), Sampling())).mean == 8


@pytest.mark.parametrize("check", [c for c in CHECKS if not c.needs_model], ids=lambda c: c.name)
def test_it_is_an_engine_like_any_other(check: Check) -> None:
    from tests.engines.test_wrappers import reply

    async def main() -> None:
        inner = FakeEngine(reply, seconds_per_token=0.0005, chunk_tokens=4, window=2048)
        engine: Engine = MeteredEngine(inner)
        await check.run(engine)

    run_virtually(main)
