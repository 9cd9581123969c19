"""An engine that keeps account of its calls, also of those that fail or are cut, so that nothing they cost is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from ..completion import Chunk, Usage
from ..context import Context
from ..delivery import STREAMED, Delivery
from ..engine import Engine
from ..sampling import Sampling
from ..wrapper import EngineWrapper


@dataclass(slots=True)
class LedgerEntry:
    """One call, as far as it has come.

    Attributes:
        context: What it goes on from.
        usage: What it cost so far; a lower bound until it has ended.
    """

    context: Context
    usage: Usage = Usage(lower_bound=True)
    # Put together on demand: a long text comes in thousands of pieces.
    _texts: list[str] = field(default_factory=list, init=False, repr=False)
    _ids: list[int] = field(default_factory=list, init=False, repr=False)

    @property
    def text(self) -> str:
        """What was generated so far."""
        return "".join(self._texts)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The ids of that; empty on a text-only engine."""
        return tuple(self._ids)

    def add(self, chunk: Chunk) -> None:
        """Takes the next chunk of the call."""
        self._texts.append(chunk.text)
        self._ids.extend(chunk.token_ids)
        ended = chunk.finish_reason is not None
        self.usage = chunk.usage if ended else chunk.usage.model_copy(update={"lower_bound": True})


class LedgerEngine(EngineWrapper):
    """Writes down what every call generates and costs.

    Of a call that is read whole and cut nothing is known but that it was made, unless a `PartwiseEngine` is around.

    Attributes:
        entries: The calls in the order in which they began.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self._entries: list[LedgerEntry] = []

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """The calls in the order in which they began."""
        return self._entries

    @property
    def usage(self) -> Usage:
        """What all calls cost so far."""
        return sum((entry.usage for entry in self._entries), Usage())

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        entry = LedgerEntry(context)
        self._entries.append(entry)
        async with (
            self.inner.stream(context, sampling, delivery) as chunks,
            aclosing(_entered(entry, chunks)) as passing,
        ):
            yield passing


async def _entered(entry: LedgerEntry, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk]:
    async for chunk in chunks:
        entry.add(chunk)
        yield chunk
