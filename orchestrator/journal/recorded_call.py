"""One call of an engine on its way into a journal, or out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engines import Chunk, Context, Sampling
from engines.completion import joined

from .keys import call_key, request_of
from .packing import (
    Value,
    pack_ids,
    pack_logprobs,
    pack_passages,
    pack_stop,
    pack_text,
    pack_usage,
    unpack_ids,
    unpack_logprobs,
    unpack_passages,
    unpack_stop,
    unpack_text,
    unpack_usage,
)
from .schema import USAGE
from .writer import Row, Statement

if TYPE_CHECKING:
    from .journal import Journal

_GENERATED = f"text, token_ids, logprobs, passages, {USAGE}"
_ANSWER = (
    f"SELECT context, finish_reason, stop_reason, limited_by, {_GENERATED} FROM calls WHERE id = ?"
)
_WHOLE = f"SELECT {_GENERATED} FROM calls WHERE id = ? AND text IS NOT NULL"
_PARTS = f"SELECT {_GENERATED} FROM parts WHERE call = ? ORDER BY rowid"
_FORGET_PARTS = "DELETE FROM parts WHERE call = ?"


class RecordedCall:
    """A call, by its key. As a context manager, what a call that is left early had received is kept.

    Args:
        journal: Keeps it.
        context: What it goes on from.
        sampling: How it samples.
        fingerprint: The engine's.
    """

    def __init__(
        self, journal: Journal, context: Context, sampling: Sampling, fingerprint: str
    ) -> None:
        self._journal = journal
        self._context = context
        self._seed = sampling.seed
        self._fingerprint = fingerprint
        self._request = request_of(sampling)
        self._key = call_key(context, self._request, sampling.seed, fingerprint)
        self._started = journal.seconds
        self._received: list[Chunk] = []
        self._id: int | None = None
        self._ended = False

    def __enter__(self) -> Self:
        self._journal.calls.begin(self._key, lambda: self._context.path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._journal.calls.end(self._key, well=self._ended)
        # Nobody waits for what only people will look at; the parts of a durable call are there already.
        if self._received and not self._ended and self._id is None:
            self._journal.writer.write_soon(self._part(joined(self._received)))

    @property
    def is_finished(self) -> bool:
        """Whether the journal has the answer."""
        return self._key in self._journal.index.finished

    @property
    def timeout(self) -> str | None:
        """Why it timed out, if that stands."""
        return self._journal.timeout_of(self._key)

    async def keep_timeout(self, reason: str) -> None:
        """Keeps that it timed out."""
        await self._journal.keep_timeout(self._key, reason)

    async def answer(self) -> Chunk:
        """The answer that the journal has."""
        journal = self._journal
        id = journal.index.finished[self._key]
        ((before, finish, stop, limit, *generated),) = await journal.writer.read(_ANSWER, (id,))
        chunk = _kept(*generated)
        journal.index.add_output(before, chunk.text, id)
        journal.replayed += 1
        self._ended = True
        return replace(chunk, finish_reason=finish, stop_reason=unpack_stop(stop), limited_by=limit)

    async def parts(self) -> Sequence[Chunk]:
        """What the journal has of it, if it did not end."""
        id = self._journal.index.unfinished.get(self._key)
        if id is None or self.is_finished:
            return ()
        # Of a call that a budget cut, the parts are in its text.
        read = self._journal.writer.read
        rows = await read(_PARTS, (id,)) or await read(_WHOLE, (id,))
        return [_kept(*row) for row in rows]

    async def receive(self, chunk: Chunk, *, durable: bool) -> None:
        """Takes a chunk, and returns when it is in the journal: the last one, and each one of a durable call."""
        self._received.append(chunk)
        if chunk.finish_reason is not None:
            # Of a call that has ended the parts are in its text.
            forget = None if self._id is None else Statement(_FORGET_PARTS, (self._id,))
            await self._journal.writer.write(self._end(joined(self._received)), forget)
        elif durable:
            await self._journal.writer.write(self._part(chunk))

    def _end(self, whole: Chunk) -> list[Row]:
        record: list[Row] = []
        self._journal.index.finished[self._key] = self._store(whole, record)
        self._journal.recorded += 1
        self._ended = True
        return record

    def _part(self, chunk: Chunk) -> list[Row]:
        record: list[Row] = []
        if self._id is None:
            self._journal.index.unfinished[self._key] = self._store(chunk, record)
        record.append(("parts", (self._id, *pack_usage(chunk.usage), *self._generated(chunk))))
        return record

    def _store(self, chunk: Chunk, record: list[Row]) -> int:
        """Adds the call's row, and those that it refers to, to a record."""
        index = self._journal.index
        before = index.store_context(self._context, record)
        request = index.store_request(self._request, self._fingerprint, record)
        self._id = self._id or index.new_id("contexts")
        generated: tuple[Value, ...] = (None, None, 0, 0)
        if chunk.finish_reason is not None:
            generated = self._generated(chunk)
            index.add_output(before, chunk.text, self._id)
        values: tuple[Value, ...] = (
            self._id,
            bytearray(self._key),
            chunk.finish_reason,
            chunk.limited_by,
            self._journal.seconds,
            before,
            request,
            self._seed,
            self._started,
            pack_stop(chunk.stop_reason),
            *pack_usage(chunk.usage),
            *generated,
        )
        record.append(("calls", values))
        return self._id

    def _generated(self, chunk: Chunk) -> tuple[Value, ...]:
        ids = pack_ids(chunk.token_ids) if self._context.has_token_ids else None
        logprobs, passages = pack_logprobs(chunk.logprobs), pack_passages(chunk.passages)
        return pack_text(chunk.text), ids, logprobs, passages


def _kept(
    text: str | bytes,
    ids: bytes | None,
    logprobs: bytes | int,
    passages: bytes | int,
    *usage: int | None,
) -> Chunk:
    return Chunk(
        text=unpack_text(text),
        token_ids=unpack_ids(ids) or (),
        usage=unpack_usage(usage),
        replayed=True,
        logprobs=unpack_logprobs(logprobs),
        passages=unpack_passages(passages),
    )
