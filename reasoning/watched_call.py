"""A call that a method watches while it comes, and ends as soon as it has seen enough.

    prompt ─> chunk ─> chunk ─> chunk ─ enough ─> the request is aborted in the engine, what was said is kept
                 └───────┴────────┴──> watch

How much has come when it is aborted depends on time, so a cut is a decision that a journal keeps, with what was said.
It does not know what is watched for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from engines import Chunk, Completion, Context, Delivery, Engine, Sampling
from engines.completion import collect

from .answer import Answer
from .cut_thread import cut_answer, cut_data

Watch = Callable[[Chunk], str]

# What comes after the token that was enough is in vain; what is sent in smaller parts costs the engine more.
_INTERVAL = 16


async def think_watched(
    prompt: Context,
    sampling: Sampling,
    engine: Engine,
    watch: Watch,
    read: Callable[[Completion], Answer] = Answer.from_completion,
) -> Answer:
    """Generates after `prompt` until the model ends, or until `watch` says so.

    In a run that is resumed a call that was cut is not made again, and one that came to its end is a finished call.

    Args:
        prompt: With a path that no other watched call has.
        sampling: How to sample.
        engine: Generates.
        watch: Gets each chunk but the last, in their order, and says why to end here; empty to go on.
        read: Makes an answer of what was generated.

    Returns:
        The answer. Of a call that was cut it is `truncated`, its `remark` is what `watch` said, its usage is a lower
        bound, and nothing can go on from it.

    Raises:
        EngineError: As the engine does.
    """
    ended: Answer | None = None

    async def choose() -> Any:
        nonlocal ended
        completion, reason = await _generate(prompt, sampling, engine, watch)
        answer = read(completion)
        if reason:
            return cut_data(replace(answer, remark=reason))
        ended = answer
        return None

    cut = await engine.decide(f"{prompt.path}#watched", choose)
    if cut is not None:
        return cut_answer(cut)
    return ended or read(await engine.generate(prompt, sampling))


async def _generate(
    prompt: Context, sampling: Sampling, engine: Engine, watch: Watch
) -> tuple[Completion, str]:
    reason = ""

    async def watched(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
        nonlocal reason
        async for chunk in chunks:
            # One that has ended cannot be cut, also where it comes whole, out of a journal.
            if chunk.finish_reason is None and (reason := watch(chunk)):
                usage = chunk.usage.model_copy(update={"lower_bound": True})
                yield replace(chunk, finish_reason="length", usage=usage)
                return
            yield chunk

    async with (
        engine.stream(prompt, sampling, Delivery(interval=_INTERVAL)) as chunks,
        aclosing(watched(chunks)) as passing,
    ):
        return await collect(prompt, passing), reason
