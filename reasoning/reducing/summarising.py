"""One call that reads many threads, each bounded to its last tokens so that all fit into the model's window.

    window  [ question │ what is written around the threads │ threads        │ summary ]
                                                              └─ cut to fit ─┘

It does not know how a prompt is laid out: it is given a function for that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from engines import Completion, Context, ContextTooLong, Engine, Sampling

from ..answer import Answer
from .excerpts import Excerpt, fair_bound, last_of

LayOut = Callable[[Sequence[Excerpt]], Awaitable[Context]]


async def summarise(
    excerpts: Sequence[Excerpt],
    lay_out: LayOut,
    engine: Engine,
    sampling: Sampling,
    tail_tokens: int | None,
) -> Answer:
    """Asks once for a summary.

    Where the window is known, the summary may take half of what the question leaves of it, if it may be that long.

    Args:
        excerpts: All that each thread said.
        lay_out: Makes the prompt of excerpts.
        engine: Writes the summary.
        sampling: How to sample; a seed is made the branch's own.
        tail_tokens: The most that is read of each thread, its last; None reads all.

    Raises:
        ContextTooLong: It does not fit even without the threads, or with what of them must not be cut.
    """

    async def prompt_of(tokens: int | None) -> Context:
        return await lay_out([await last_of(excerpt, tokens, engine) for excerpt in excerpts])

    lengths = [excerpt.length for excerpt in excerpts if not excerpt.fixed]
    bound, prompt = tail_tokens, await prompt_of(tail_tokens)
    window = engine.capabilities.window
    if window is not None and prompt.has_token_ids:
        read = sum(_bounded(lengths, bound))
        if read > _room(window, len(prompt.token_ids) - read, sampling.max_tokens):
            around = len((await prompt_of(0)).token_ids)
            bound = fair_bound(lengths, _room(window, around, sampling.max_tokens))
            prompt = await prompt_of(bound)
    while True:
        try:
            completion = await engine.generate(prompt, sampling.for_branch(prompt.path))
        except ContextTooLong:
            # Only an engine that does not tell its window, or counts no tokens, gets so far.
            longest = max(_bounded(lengths, bound), default=0)
            if not longest:
                raise
            bound = longest // 2
            prompt = await prompt_of(bound)
        else:
            return _answer(completion, None if bound == tail_tokens else bound)


def _room(window: int, around: int, most: int) -> int:
    """How many tokens of threads fit beside those around them and a summary of `most`, or of half of what is left."""
    left = max(window - around, 0)
    return left - max(min(most, left // 2), 1)


def _bounded(lengths: Sequence[int], bound: int | None) -> list[int]:
    return [length if bound is None else min(length, bound) for length in lengths]


def _answer(completion: Completion, bound: int | None) -> Answer:
    answer = Answer.from_completion(completion)
    if bound is None:
        return answer
    remark = (
        f"of each thread only the last {bound} tokens were read, so that all fit into the window"
    )
    return replace(answer, remark=remark)
