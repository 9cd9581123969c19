"""Calls with prompts that are in no cache, each of exactly so many tokens."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from engines import WHOLE, Completion, Context, Delivery, Engine, Sampling

from .errors import require
from .timing import together

# Ids of ordinary tokens in every vocabulary that is measured.
_IDS = range(1000, 40_000)


def fresh_ids(name: str, tokens: int) -> tuple[int, ...]:
    """So many token ids that no other name has."""
    return tuple(Random(name).choices(_IDS, k=tokens))


async def exactly(
    engine: Engine, context: Context, tokens: int, delivery: Delivery = WHOLE
) -> Completion:
    """Generates so many tokens, whatever the model would say.

    Raises:
        Mismeasured: The engine generated more or fewer.
    """
    sampling = Sampling(max_tokens=tokens, ignore_eos=True)
    completion = await engine.generate(context, sampling, delivery)
    found = completion.usage.generated_tokens, len(completion.token_ids)
    require(found == (tokens, tokens), f"{found} tokens came back instead of {tokens}")
    return completion


async def in_flight(
    engine: Engine,
    contexts: Iterable[Context],
    width: int,
    tokens: int,
    delivery: Delivery = WHOLE,
) -> None:
    """Generates after all contexts, so many calls at any time."""
    left = iter(contexts)

    async def work() -> None:
        for context in left:
            await exactly(engine, context, tokens, delivery)

    await together([work] * width)
