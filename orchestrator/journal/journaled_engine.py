"""An engine whose finished calls answer from a journal, and whose other calls go into it.

The outermost of what changes calls, so that budgets, retries and replicas inside change no key; only what tells of
calls goes around it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from engines import (
    STREAMED,
    CallTimedOut,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    Sampling,
)
from engines.completion import alone

from .journal import Journal
from .recorded_call import RecordedCall

T = TypeVar("T")


class JournaledEngine(EngineWrapper):
    """Does every call once, however often its run is begun again.

    Args:
        inner: Does the calls that the journal does not know.
        journal: Knows the others. Several engines may share it: their fingerprints tell them apart.
    """

    def __init__(self, inner: Engine, journal: Journal) -> None:
        super().__init__(inner)
        self._journal = journal

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The call's answer from the journal, as one chunk that is `replayed`, or the inner engine's stream.

        The last chunk is passed on when the call is in the journal; each chunk, if the delivery is durable.

        Raises:
            CallTimedOut: It did so when the run came here first, and that stands.
            RepeatedName: The run has made this call already.
            JournalError: The journal cannot be written.
        """
        call = RecordedCall(self._journal, context, sampling, self.fingerprint)
        with call:
            if call.is_finished:
                # A reader may have seen enough before it comes to the end.
                async with aclosing(alone(await call.answer())) as answer:
                    yield answer
                return
            if call.timeout is not None:
                raise CallTimedOut(call.timeout)
            try:
                async with self.inner.stream(context, sampling, delivery) as chunks:
                    yield _Recorded(chunks, call, delivery.durable)
            except CallTimedOut as error:
                await call.keep_timeout(str(error))
                raise

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        """What was decided when the run came here first."""
        return await self._journal.decide(path, choose)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the journal holds of a call that did not end; none of a call that did."""
        return await RecordedCall(self._journal, context, sampling, self.fingerprint).parts()


class _Recorded(AsyncIterator[Chunk]):
    """Passes chunks on once the call has received them. No generator, whose upkeep every call would pay."""

    def __init__(self, chunks: AsyncIterator[Chunk], call: RecordedCall, durable: bool) -> None:
        self._chunks = chunks
        self._call = call
        self._durable = durable

    async def __anext__(self) -> Chunk:
        chunk = await self._chunks.__anext__()
        await self._call.receive(chunk, durable=self._durable)
        return chunk
