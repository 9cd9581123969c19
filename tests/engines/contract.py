"""What every engine does, each point written once as a check of an open engine.

Checks that need token ids, a real model, constraints, a prefix cache, logprobs or an engine to close say so; who runs
them picks what fits.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable

import anyio
import pytest

from engines import (
    STREAMED,
    WHOLE,
    CapabilityMissing,
    Choice,
    Completion,
    Constraint,
    Context,
    ContextTooLong,
    Delivery,
    Engine,
    EngineDead,
    EngineStatistics,
    Grammar,
    JsonSchema,
    Regex,
    RequestRejected,
    Sampling,
    Segment,
    Usage,
    converse,
    join,
)
from tests.engines import logprob_contract  # noqa: F401  # its checks belong to it
from tests.engines.checks import CHECKS, GREEDY, Check, check, question

__all__ = ["CHECKS", "Check"]

SCHEMA = JsonSchema(
    definition={
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["n"],
        "additionalProperties": False,
    }
)
ANSWER = Choice(options=("Yes.",))
LONG = Sampling(max_tokens=1500, temperature=0, ignore_eos=True)


@check(needs_ids=True)
async def usage_is_the_ids_sent_and_received(engine: Engine) -> None:
    context = await question(engine)
    completion = await engine.generate(context, GREEDY)
    assert completion.usage.prompt_tokens == len(context.token_ids)
    assert completion.usage.generated_tokens == len(completion.token_ids) > 0
    assert not completion.usage.lower_bound


@check()
async def a_limit_cuts_a_completion(engine: Engine) -> None:
    sampling = Sampling(max_tokens=5, temperature=0, ignore_eos=True)
    completion = await engine.generate(await question(engine), sampling)
    assert completion.finish_reason == "length"
    assert completion.truncated
    assert completion.usage.generated_tokens == 5


@check(needs_ids=True)
async def ids_are_stitched(engine: Engine) -> None:
    context = await question(engine)
    completion = await engine.generate(context, GREEDY)
    assert completion.context.token_ids == context.token_ids + completion.token_ids
    assert completion.text in await engine.decode(completion.token_ids)


@check(needs_ids=True)
async def a_completion_can_be_continued(engine: Engine) -> None:
    context = await question(engine)
    start = await engine.generate(context, Sampling(max_tokens=4, temperature=0, ignore_eos=True))
    rest = await engine.generate(start.context, Sampling(max_tokens=4, temperature=0))
    assert rest.usage.prompt_tokens == len(context.token_ids) + 4


@check()
async def chunks_add_up_to_the_completion(engine: Engine) -> None:
    context = await question(engine)
    completion = await engine.generate(context, GREEDY)
    async with engine.stream(context, GREEDY) as stream:
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text for chunk in chunks) == completion.text
    assert tuple(id for chunk in chunks for id in chunk.token_ids) == completion.token_ids
    assert [c.finish_reason for c in chunks if c.finish_reason] == [completion.finish_reason]
    assert chunks[-1].usage.generated_tokens == completion.usage.generated_tokens
    counts = [chunk.usage.generated_tokens for chunk in chunks]
    assert counts == sorted(counts)


@check()
async def a_whole_call_is_one_chunk(engine: Engine) -> None:
    context = await question(engine)
    completion = await engine.generate(context, GREEDY, STREAMED)
    async with engine.stream(context, GREEDY, WHOLE) as stream:
        (chunk,) = [chunk async for chunk in stream]
    assert (chunk.text, chunk.token_ids) == (completion.text, completion.token_ids)
    assert (chunk.finish_reason, chunk.stop_reason) == (completion.finish_reason, None)
    assert chunk.usage.generated_tokens == completion.usage.generated_tokens
    assert chunk.usage.prompt_tokens == completion.usage.prompt_tokens


@check()
async def a_priority_is_taken_by_every_engine(engine: Engine) -> None:
    context = await question(engine)
    background = Delivery(whole=True, priority=5, interval=4)
    assert (await engine.generate(context, GREEDY, background)).text


@check()
async def a_seed_repeats_a_sample(engine: Engine) -> None:
    context = await question(engine)
    sampling = Sampling(max_tokens=16, temperature=1.0, seed=7)
    first, second = [await engine.generate(context, sampling) for _ in range(2)]
    assert first.text == second.text
    assert first.token_ids == second.token_ids


@check()
async def a_stop_text_ends_a_completion(engine: Engine) -> None:
    context = await question(engine)
    whole = (await engine.generate(context, GREEDY)).text
    stop = whole[len(whole) // 2 :][:3]
    stopped = await engine.generate(context, GREEDY.model_copy(update={"stop": (stop,)}))
    assert stopped.text == whole[: whole.index(stop)]
    assert stopped.finish_reason == "stop"


@check()
async def choices_are_kept(engine: Engine) -> None:
    text = await _constrained(engine, Choice(options=("red", "green")))
    assert text in (None, "red", "green")


@check()
async def regular_expressions_are_kept(engine: Engine) -> None:
    text = await _constrained(engine, Regex(pattern="[0-9]{3}-[a-c]{2}"))
    assert text is None or re.fullmatch("[0-9]{3}-[a-c]{2}", text)


@check()
async def json_schemas_are_kept(engine: Engine) -> None:
    text = await _constrained(engine, SCHEMA)
    assert text is None or json.loads(text)["n"] in range(1, 10)


@check()
async def grammars_are_kept(engine: Engine) -> None:
    text = await _constrained(engine, Grammar(rules='root ::= "a" ("b" | "c") "d"'))
    assert text in (None, "abd", "acd")


@check(needs_model=True, needs_ids=True, needs_constraints=True)
async def a_bad_grammar_is_rejected(engine: Engine) -> None:
    sampling = Sampling(constraint=Grammar(rules="root ::= ((("))
    with pytest.raises(RequestRejected):
        await engine.generate(await question(engine), sampling)
    await _wait_until_quiet(engine)


@check(needs_ids=True, needs_prefix_cache=True)
async def forks_share_their_prefix(engine: Engine) -> None:
    block = engine.capabilities.block_size
    assert block
    prefix = await _context_of(engine, 300)
    forks = []
    for number in range(8):
        segment = await engine.encode(f"Case {number}.", role="user", after=prefix)
        forks.append(prefix.fork(f"case-{number}", segment))

    def call(fork: Context) -> Callable[[], Awaitable[Completion]]:
        return lambda: engine.generate(fork, Sampling(max_tokens=2, temperature=0))

    outcomes = await join([call(fork) for fork in forks])
    completions = [outcome.value for outcome in outcomes if outcome.value]
    assert len(completions) == 8
    cached = sum(completion.usage.cached_tokens or 0 for completion in completions)
    assert cached >= 7 * (300 // block * block)


@check()
async def leaving_a_stream_aborts_its_request(engine: Engine) -> None:
    async with engine.stream(await question(engine), LONG) as chunks:
        async for _ in chunks:
            break
        assert await _in_flight(engine) == 1
    await _wait_until_quiet(engine)


@check()
async def errors_of_the_caller_pass_through(engine: Engine) -> None:
    async def fail() -> None:
        async with engine.stream(await question(engine), LONG) as chunks:
            async for _ in chunks:
                raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()
    await _wait_until_quiet(engine)


@check()
async def cancelling_a_call_aborts_its_request(engine: Engine) -> None:
    context = await question(engine)
    async with anyio.create_task_group() as group:
        group.start_soon(engine.generate, context, LONG)
        with anyio.fail_after(60):
            while await _in_flight(engine) == 0:  # noqa: ASYNC110 -- an engine sends no events
                await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    await _wait_until_quiet(engine)


@check()
async def a_context_beyond_the_window_is_too_long(engine: Engine) -> None:
    context = await converse(engine, [("user", "word " * 3000), ("assistant", "")])
    with pytest.raises(ContextTooLong) as caught:
        await engine.generate(context, GREEDY)
    assert caught.value.window == 2048
    assert caught.value.tokens >= 2048


@check(needs_ids=True)
async def a_completion_ends_at_the_window(engine: Engine) -> None:
    context = await _context_of(engine, 2048 - 8)
    completion = await engine.generate(context, Sampling(max_tokens=5000, ignore_eos=True))
    assert completion.usage.generated_tokens == len(completion.token_ids) == 8
    assert completion.finish_reason == "length"


@check(needs_ids=True)
async def a_turn_goes_on_without_marks(engine: Engine) -> None:
    context = await converse(engine, [("user", "Hello")])
    segment = await engine.encode(" there", role="user", after=context)
    assert await engine.decode(segment.token_ids or ()) == " there"
    nothing = await engine.encode("", role="user", after=context)
    assert nothing.token_ids == ()


@check(needs_ids=True)
async def marks_stand_where_the_role_changes(engine: Engine) -> None:
    first = await converse(engine, [("user", "Hello")])
    opened = await converse(engine, [("assistant", "")], after=first)
    assert opened.segment.token_ids
    written = await converse(engine, [("assistant", "Hi")], after=first)
    text = await engine.decode(written.token_ids)
    assert text.startswith(await engine.decode(first.token_ids))
    assert not text.endswith("HelloHi")
    assert text == await engine.decode(opened.token_ids) + "Hi"


@check(needs_ids=True, needs_constraints=True)
async def a_generated_turn_ends_once(engine: Engine) -> None:
    asked = await question(engine)
    ended = await engine.generate(asked, Sampling(constraint=ANSWER))
    assert ended.finish_reason == "stop"
    cut = await engine.generate(asked, Sampling(max_tokens=6, ignore_eos=True, temperature=0))
    for completion in (ended, cut):
        written = await converse(engine, [("assistant", completion.text)], after=asked)
        contexts = [written, completion.context, completion.context.fork("branch")]
        following = [await converse(engine, [("user", "And?")], after=c) for c in contexts]
        texts = [await engine.decode(context.token_ids) for context in following]
        assert texts[1:] == [texts[0], texts[0]]


@check()
async def statistics_grow_by_what_calls_cost(engine: Engine) -> None:
    before = await _wait_until_quiet(engine)
    context = await question(engine)
    cost = Usage()
    for tokens in (3, 9):
        sampling = Sampling(max_tokens=tokens, seed=1)
        cost += (await engine.generate(context, sampling)).usage
    after = await _wait_until_quiet(engine)
    with anyio.move_on_after(60):
        while after.generated_tokens - before.generated_tokens < cost.generated_tokens:
            await anyio.sleep(0.05)
            after = await engine.statistics()
    assert after.prompt_tokens - before.prompt_tokens == cost.prompt_tokens
    assert after.generated_tokens - before.generated_tokens == cost.generated_tokens


@check(needs_ids=True)
async def text_survives_encoding(engine: Engine) -> None:
    context = await question(engine)
    text = "Grüße, 東京!\n\n2 + 2 = 4;\u2028\tdone  "
    segment = await engine.encode(text, role="assistant", after=context)
    assert segment.text == text
    assert await engine.decode(segment.token_ids or ()) == text


@check(closes=True)
async def a_closed_engine_is_dead(engine: Engine) -> None:
    context = await question(engine)
    await engine.aclose()
    await engine.aclose()
    with pytest.raises(EngineDead):
        await engine.generate(context, GREEDY)


@check(closes=True)
async def closing_ends_what_runs(engine: Engine) -> None:
    context = await question(engine)

    async def close_in_the_middle() -> None:
        async with engine.stream(context, LONG) as chunks:
            async for _ in chunks:
                await engine.aclose()

    with pytest.raises(EngineDead):
        await close_in_the_middle()


async def _context_of(engine: Engine, tokens: int) -> Context:
    """A context of exactly so many tokens that no call has seen before."""
    segment = await engine.encode(f"{uuid.uuid4()} " + "word " * tokens, role="user")
    assert segment.token_ids is not None
    return Context(Segment("user", segment.text, segment.token_ids[:tokens]))


async def _constrained(engine: Engine, constraint: Constraint) -> str | None:
    """What is generated under a constraint; None where the engine says that it cannot."""
    context = await question(engine)
    sampling = Sampling(max_tokens=64, temperature=1.0, seed=3, constraint=constraint)
    if constraint.kind in engine.capabilities.constraints:
        completion = await engine.generate(context, sampling)
        assert completion.finish_reason == "stop"
        return completion.text
    with pytest.raises(CapabilityMissing):
        await engine.generate(context, sampling)
    return None


async def _in_flight(engine: Engine) -> int:
    statistics = await engine.statistics()
    return statistics.running + statistics.waiting


async def _wait_until_quiet(engine: Engine) -> EngineStatistics:
    with anyio.fail_after(60):
        while await _in_flight(engine) > 0:  # noqa: ASYNC110 -- an engine sends no events
            await anyio.sleep(0.05)
    return await engine.statistics()
