"""An engine that counts the KV blocks which its calls take while they run: of a method, a search or a whole run.

call begins: its prompt ─> tokens as they come ─> call ends            blocks in use
                     └─────── BlockTrie ───────┴──────── Timeline ────────┘

It stands next to the engine, where calls are those that the engine serves. It does not know what the engine keeps after
a call has ended, which is evicted when something needs the room.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio

from ..block_trie import BlockTrie, LiveSequence
from ..completion import Chunk
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..timeline import Span, Timeline
from ..wrapper import EngineWrapper
from .parts import COARSE_INTERVAL, as_asked, in_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class KvUse:
    """KV blocks in use by calls that run, each counted once however many calls share it.

    Attributes:
        calls: Calls that run now.
        blocks: In use now.
        peak: The most in use.
        mean: In use on average over `seconds`.
        unshared_mean: What the mean would be if every call had blocks of its own.
        seconds: How long calls were running, side by side counted once.
    """

    calls: int
    blocks: int
    peak: int
    mean: float
    unshared_mean: float
    seconds: float

    @property
    def sharing(self) -> float:
        """How many blocks each one stands for."""
        return self.unshared_mean / self.mean if self.mean else 1.0


class MeteredEngine(EngineWrapper):
    """Counts the KV blocks of the calls that run.

    A call takes the blocks of its prompt, and those of its tokens as parts tell of them, until its last part: so a call
    that is read whole is streamed inside, and the count is late by a part a call at most. vLLM's own `kv_usage`, which
    it tells after each step, is a step later: there each token counts one step after it was sampled, and what waits in
    its queue does not count. What calls side by side happen to generate alike counts once here; vLLM keeps it for each.

    Args:
        inner: The engine.
        block_size: Tokens in a block; None takes the engine's own.
        without: The full blocks of this context are not counted, such as those of the question that all calls share.
        interval: Tokens in a part of a call that its caller reads whole, where the engine can choose.
    """

    def __init__(
        self,
        inner: Engine,
        *,
        block_size: int | None = None,
        without: Context | None = None,
        interval: int = COARSE_INTERVAL,
    ) -> None:
        super().__init__(inner)
        self._block_size = block_size
        self._without = without
        self._interval = interval
        self._trie: BlockTrie | None = None
        self._busy = Timeline()
        self._blocks = Timeline()
        self._unshared = Timeline()

    @property
    def problem(self) -> str:
        """Why nothing is counted on this engine; empty where it is."""
        if not self.capabilities.token_ids:
            return f"{self.model} works on text only: KV blocks are counted by token ids"
        if self._size is None:
            return f"{self.model} does not tell the size of its KV blocks: give block_size"
        return ""

    @property
    def use(self) -> KvUse | None:
        """What the calls have taken so far, up to the last part of one; None where there is a `problem`."""
        if self.problem:
            return None
        seconds = self._busy.area
        return KvUse(
            calls=self._trie.sequences if self._trie else 0,
            blocks=self._blocks.value,
            peak=self._blocks.peak,
            mean=self._blocks.area / seconds if seconds else 0.0,
            unshared_mean=self._unshared.area / seconds if seconds else 0.0,
            seconds=seconds,
        )

    @property
    def spans(self) -> tuple[Span, ...]:
        """Blocks in use over time, since the first call began; empty where there is a `problem`."""
        return self._blocks.spans

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        if self.problem:
            return self.inner.stream(context, sampling, delivery)
        return self._metered(context, sampling, delivery)

    @asynccontextmanager
    async def _metered(
        self, context: Context, sampling: Sampling, delivery: Delivery
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        inside = in_parts(delivery, self._interval)
        async with self.inner.stream(context, sampling, inside) as chunks:
            sequence = self._begin(context)
            try:
                async with aclosing(as_asked(self._counted(sequence, chunks), delivery)) as passing:
                    yield passing
            finally:
                self._end(sequence)

    async def _counted(
        self, sequence: LiveSequence, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk]:
        async for chunk in chunks:
            sequence.extend(chunk.token_ids)
            self._note()
            if chunk.finish_reason is not None:
                # Its reader may take its time; the engine has freed the blocks.
                self._end(sequence)
            yield chunk

    def _begin(self, context: Context) -> LiveSequence:
        if self._trie is None:
            # Now, since an engine that is not open yet cannot tell its size.
            assert self._size is not None
            self._trie = BlockTrie(self._size, self._without)
        sequence = self._trie.add(context)
        self._note()
        return sequence

    def _end(self, sequence: LiveSequence) -> None:
        sequence.remove()
        self._note()

    def _note(self) -> None:
        assert self._trie is not None
        now = anyio.current_time()
        self._busy.set(min(self._trie.sequences, 1), now)
        self._blocks.set(self._trie.blocks, now)
        self._unshared.set(self._trie.unshared, now)

    @property
    def _size(self) -> int | None:
        return self._block_size or self.capabilities.block_size
