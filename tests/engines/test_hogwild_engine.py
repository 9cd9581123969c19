"""The engine of our own attention with the embedded model, on a CPU. What every engine does is in the contract."""

from __future__ import annotations

import gc
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from engines import (
    WHOLE,
    Capabilities,
    Chunk,
    Collaboration,
    Completion,
    Constraint,
    Context,
    Delivery,
    Engine,
    JsonSchema,
    RequestRejected,
    Sampling,
    Segment,
    Usage,
    converse,
    join,
)
from tests.engines.checks import question

NewEngine = Callable[[], Engine]

# Short steps, so that little is enough to see everything.
TEAM = Collaboration(
    workers=("Alice", "Bob", "Carol"), step_tokens=4, question_every=12, answer_tokens=4
)
TOGETHER = Sampling(max_tokens=20, temperature=0.8, seed=5, collaboration=TEAM)
ALONE = Sampling(max_tokens=8, temperature=0, ignore_eos=True)
BY_TWOS = Delivery(interval=2)


def on(engine: Engine, test: Callable[[Engine], Awaitable[None]], backend: str = "asyncio") -> None:
    async def run() -> None:
        async with engine:
            await test(engine)

    anyio.run(run, backend=backend)


async def chunks_of(
    engine: Engine, context: Context, sampling: Sampling, delivery: Delivery = BY_TWOS
) -> list[Chunk]:
    async with engine.stream(context, sampling, delivery) as chunks:
        return [chunk async for chunk in chunks]


async def counted(engine: Engine) -> tuple[int, int, int]:
    told = await engine.statistics()
    return told.running + told.waiting, told.prompt_tokens, told.generated_tokens


def cost(*usages: Usage) -> tuple[int, int, int]:
    """What `counted` says when nothing runs."""
    return (
        0,
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.generated_tokens for usage in usages),
    )


def test_it_says_what_it_can_do(new_hogwild_engine: NewEngine) -> None:
    engine = new_hogwild_engine()
    assert engine.capabilities == Capabilities(
        token_ids=True, constraints=frozenset(), window=2048, collaboration=True
    )
    assert engine.fingerprint == "SmolLM2-135M-Instruct float32 hogwild"


def test_workers_write_one_completion(new_hogwild_engine: NewEngine) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        chunks = await chunks_of(engine, asked, TOGETHER)
        ids = [id for chunk in chunks for id in chunk.token_ids]
        passages = [passage for chunk in chunks for passage in chunk.passages]
        usage = chunks[-1].usage
        assert {passage.worker for passage in passages} == {0, 1, 2, None}
        assert sum(passage.tokens for passage in passages) == len(ids)
        assert sum(passage.generated for passage in passages) == usage.generated_tokens <= 20
        assert await counted(engine) == cost(usage)
        text = "".join(chunk.text for chunk in chunks)
        assert text == await engine.decode(ids)
        for start in ("**Alice [1]:** ", "**Bob [1]:** ", "**Carol [2]:** ", TEAM.closing):
            assert start in text
        # All that a worker wrote was seen as a draft before, in the same ids.
        drafted, passed = defaultdict[int | None, list[int]](list), dict[int | None, list[int]]()
        for draft in (draft for chunk in chunks for draft in chunk.drafts):
            drafted[draft.worker] += draft.token_ids
        for passage in passages:
            passed.setdefault(passage.worker, []).extend(ids[: passage.tokens])
            del ids[: passage.tokens]
        assert all(drafted[worker] == passed[worker] for worker in range(3))

    on(new_hogwild_engine(), test)


def test_a_seed_repeats_a_transcript_however_it_is_delivered(new_hogwild_engine: NewEngine) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        whole = await engine.generate(asked, TOGETHER, WHOLE)
        again = await engine.generate(asked, TOGETHER, Delivery(interval=5))
        other = TOGETHER.model_copy(update={"seed": 6, "max_tokens": 10})
        assert whole.context.token_ids == asked.token_ids + whole.token_ids
        assert (again.text, again.token_ids, again.passages, again.usage) == (
            whole.text,
            whole.token_ids,
            whole.passages,
            whole.usage,
        )
        assert (await engine.generate(asked, other)).token_ids != whole.token_ids

    on(new_hogwild_engine(), test)


@pytest.mark.parametrize("layout", ["combined", "interleaved", "contiguous"])
def test_one_worker_is_one_writer(new_hogwild_engine: NewEngine, layout: Any) -> None:
    """Whatever its steps are: nothing is put in, and what is moved stays where it stood."""
    lone = Collaboration(
        workers=("Alice",),
        layout=layout,
        header="",
        others="",
        own="",
        question_every=0,
        pause="",
        step_tokens=3,
        banned=(),
        answer_tokens=0,
    )

    async def test(engine: Engine) -> None:
        asked = await question(engine)
        alone = await engine.generate(asked, ALONE)
        together = await engine.generate(
            asked, ALONE.model_copy(update={"collaboration": lone, "ignore_eos": False})
        )
        assert together.token_ids == alone.token_ids
        assert together.usage == alone.usage
        assert len(together.passages) > 1 or layout == "contiguous"

    on(new_hogwild_engine(), test)


@pytest.mark.filterwarnings("ignore")
def test_a_greedy_completion_is_what_transformers_generates(
    new_hogwild_engine: NewEngine,
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from engines import embedded_model

    model: Any = AutoModelForCausalLM.from_pretrained(
        embedded_model.model_folder(), num_hidden_layers=2
    )

    async def test(engine: Engine) -> None:
        asked = await question(engine)
        ids = torch.tensor([asked.token_ids])
        theirs = model.generate(ids, max_new_tokens=16, do_sample=False, pad_token_id=0)
        ours = await engine.generate(asked, ALONE.model_copy(update={"max_tokens": 16}))
        assert list(ours.token_ids) == theirs[0, ids.shape[1] :].tolist()

    on(new_hogwild_engine(), test)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_leaving_a_call_frees_its_cache_and_counts_what_was_told(
    new_hogwild_engine: NewEngine, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.hogwild.model.torch_model import TorchModel

    caches: list[weakref.ref[object]] = []
    make = TorchModel.decoder

    def remembered(*arguments: Any) -> Any:
        decoder = make(*arguments)
        caches.append(weakref.ref(decoder.blocks.numbered))
        return decoder

    monkeypatch.setattr(TorchModel, "decoder", remembered)

    async def test(engine: Engine) -> None:
        asked = await question(engine)
        told = Usage()
        async with engine.stream(asked, TOGETHER) as chunks:
            async for chunk in chunks:
                told = chunk.usage
                if told.generated_tokens > 6:
                    break
            assert (await engine.statistics()).kv_usage > 0
            assert caches[0]() is not None
        assert caches[0]() is None
        assert (await engine.statistics()).kv_usage == 0
        assert await counted(engine) == cost(told)

    gc.collect()
    gc.disable()
    try:
        on(new_hogwild_engine(), test, backend)
    finally:
        gc.enable()


def test_a_thread_that_is_slow_to_forget_keeps_no_model(
    new_hogwild_engine: NewEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would free it while the interpreter ends, which aborts the process."""
    import torch

    from engines import HogwildEngine
    from engines.hogwild import hogwild_engine
    from engines.hogwild.model.torch_model import TorchModel
    from tests.engines.hogwild_reference import random_model

    tokenizer: Any = vars(new_hogwild_engine())["_tokenizer"]
    models: list[weakref.ref[TorchModel]] = []
    remembered: list[object] = []
    run_sync = anyio.to_thread.run_sync

    def load(*_: object) -> tuple[TorchModel, Any]:
        model = TorchModel(random_model("llama", torch.float32))
        models.append(weakref.ref(model))
        return model, tokenizer

    async def in_slow_thread(*arguments: Any, **options: Any) -> Any:
        result = await run_sync(*arguments, **options)
        remembered.extend((arguments, result))
        return result

    async def test() -> None:
        async with await HogwildEngine.start("small") as engine:
            await engine.generate(Context(Segment("user", "?", (1, 2, 3))), ALONE)

    monkeypatch.setattr(hogwild_engine, "load", load)
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_slow_thread)
    anyio.run(test)
    gc.collect()
    assert remembered
    assert [model() for model in models] == [None]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_calls_side_by_side_take_turns_and_change_nothing_of_each_other(
    new_hogwild_engine: NewEngine, backend: str
) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        order: list[str] = []

        async def call(name: str, sampling: Sampling) -> Sequence[int]:
            ids: list[int] = []
            async with engine.stream(asked, sampling, BY_TWOS) as chunks:
                async for chunk in chunks:
                    ids += chunk.token_ids
                    order.append(name)
            return ids

        calls = [partial(call, "a", TOGETHER), partial(call, "b", ALONE)]
        outcomes = await join(calls)
        in_turn, order[:] = "".join(order), []
        assert [outcome.value for outcome in outcomes] == [await one() for one in calls]
        assert in_turn.startswith(("abab", "baba"))
        assert sorted(in_turn) == order

    on(new_hogwild_engine(), test, backend)


def test_of_calls_that_wait_the_lower_priority_comes_first(new_hogwild_engine: NewEngine) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        order: list[int] = []

        async def call(priority: int) -> None:
            delivery = Delivery(interval=2, priority=priority)
            await chunks_of(engine, asked, ALONE, delivery)
            order.append(priority)

        async with anyio.create_task_group() as group:
            for priority in (3, 2, 1):
                group.start_soon(call, priority)
        assert order == [1, 2, 3]

    on(new_hogwild_engine(), test)


def test_a_cancelled_call_leaves_its_turn_to_the_others(new_hogwild_engine: NewEngine) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        done: list[Completion] = []

        async def finish() -> None:
            done.append(await engine.generate(asked, ALONE))
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(engine.generate, asked, TOGETHER)
            await checkpoint()
            group.start_soon(finish)
            group.start_soon(engine.generate, asked, TOGETHER)
        assert len(done) == 1
        assert (await counted(engine))[0] == 0
        assert (await engine.generate(asked, ALONE)).token_ids == done[0].token_ids

    on(new_hogwild_engine(), test)


def test_workers_that_memory_has_no_room_for_are_refused(
    new_hogwild_engine: NewEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.hogwild.model.torch_model import TorchModel

    many = TEAM.model_copy(update={"workers": tuple("W" * 64)})

    async def test(engine: Engine) -> None:
        asked = await question(engine)
        free = property(lambda model: 1000 * model.token_bytes)
        monkeypatch.setattr(TorchModel, "free_bytes", free)
        with pytest.raises(
            RequestRejected, match=r"^the attention cache of 64 workers .* use at most 12 workers$"
        ):
            await engine.generate(asked, TOGETHER.model_copy(update={"collaboration": many}))
        assert await counted(engine) == (0, 0, 0)
        assert (await engine.generate(asked, TOGETHER)).text

    on(new_hogwild_engine(), test)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stop": ("END",)}, "workers that write side by side have no stop texts or ids"),
        ({"stop_token_ids": (5,)}, "workers that write side by side have no stop texts or ids"),
        ({"constraint": JsonSchema(definition={})}, "cannot decode under a json constraint here"),
    ],
)
def test_what_workers_cannot_keep_is_refused_in_one_line(
    new_hogwild_engine: NewEngine, change: dict[str, tuple[str, ...] | Constraint], message: str
) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        with pytest.raises(RequestRejected, match=message) as caught:
            await engine.generate(asked, TOGETHER.model_copy(update=change))
        assert len(str(caught.value).splitlines()) == 1

    on(new_hogwild_engine(), test)


def test_a_turn_that_the_model_ended_is_not_ended_again(new_hogwild_engine: NewEngine) -> None:
    async def test(engine: Engine) -> None:
        asked = await question(engine)
        written = await converse(engine, [("assistant", "It is deep.")], after=asked)
        following = await converse(engine, [("user", "And?")], after=written)
        # The first of the marks between two turns, which the model generates to end its own.
        end = (following.segment.token_ids or ())[:1]
        ids = (written.segment.token_ids or ()) + end
        ended = asked.extend(Segment("assistant", "It is deep.", ids))
        after_end = await converse(engine, [("user", "And?")], after=ended)
        assert after_end.token_ids == following.token_ids

    on(new_hogwild_engine(), test)


def test_an_engine_belongs_to_the_loop_that_used_it_first(new_hogwild_engine: NewEngine) -> None:
    engine = new_hogwild_engine()
    anyio.run(engine.statistics)
    with pytest.raises(RuntimeError, match="belongs to another event loop"):
        anyio.run(engine.statistics)
