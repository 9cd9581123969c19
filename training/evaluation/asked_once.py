"""An engine that is asked the same once: searches of a puzzle by several rules take many of the same steps.

    rule A ─> 10 - 4, with seed 7 ─┬─> the engine
    rule B ─> 10 - 4, with seed 7 ─┘   said, and paid, as if it had been asked again

So rules are compared on the same luck, with a third of the calls. How long one search takes alone, nobody sees.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engines import STREAMED, Chunk, Context, Delivery, Engine, Sampling
from engines.completion import alone, merged
from engines.wrapper import EngineWrapper


class AskedOnce(EngineWrapper):
    """Says again what was said to the same tokens where sampling leaves nothing to chance: greedy, or with a seed.

    It says it in one chunk, and does not see that two of the same run at the same time.

    Args:
        inner: The engine.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self._said: dict[bytes, Chunk] = {}

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """What was said, or else what the inner engine says."""
        key = _key(context, sampling)
        said = self._said.get(key)
        if said is None:
            async with self.inner.stream(context, sampling, delivery) as chunks:
                said = await merged(chunks)
        if sampling.seed is not None or sampling.temperature == 0:
            self._said[key] = said
        yield alone(said)


def _key(context: Context, sampling: Sampling) -> bytes:
    said = hashlib.blake2b(array("q", context.token_ids).tobytes(), digest_size=16)
    said.update(sampling.model_dump_json().encode())
    return said.digest()
