"""A journal to look at: the calls of a run that died, failed or goes on, with their texts. It needs no event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import Context, FinishReason, Passage, Sampling, Segment, Usage

from ..errors import JournalError
from .packing import unpack_ids, unpack_passages, unpack_stop, unpack_text, unpack_usage
from .schema import USAGE, connect_to_read

_CALLS = f"""
SELECT calls.id, context, sampling, seed, fingerprint, started, ended, finish_reason, stop_reason, limited_by,
    text, token_ids, passages, {USAGE}
FROM calls JOIN requests ON requests.id = request ORDER BY calls.id
"""
_CONTEXT = """
SELECT parent, name, role, text, token_ids FROM contexts WHERE id = :id
UNION ALL SELECT context, NULL, 'assistant', text, token_ids FROM calls WHERE id = :id
"""
_PARTS = f"SELECT text, token_ids, passages, {USAGE} FROM parts WHERE call = ? ORDER BY rowid"
_MOST_CONTEXTS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """A call of an engine, as a journal keeps it.

    Attributes:
        context: What it went on from.
        output: What was generated, so far if it did not end.
        sampling: How it sampled.
        fingerprint: The engine's.
        started: When it began, in seconds of the run.
        ended: When it ended, or when its first part came if it did not end.
        finish_reason: `stop` or `length`; None if it did not end.
        stop_reason: The stop text or id that was met.
        limited_by: What of a budget cut it.
        usage: What it cost, so far if it did not end.
        passages: Who wrote the output, where several workers did.
    """

    context: Context
    output: Segment
    sampling: Sampling
    fingerprint: str
    started: float
    ended: float
    finish_reason: FinishReason | None
    stop_reason: str | int | None
    limited_by: str | None
    usage: Usage
    passages: tuple[Passage, ...] = ()


class JournalReader:
    """A journal that is only read. Made by `read_journal`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._contexts: dict[int, Context] = {}

    def calls(self) -> Iterator[KeptCall]:
        """The calls in the order in which they came into the journal; those made again come again."""
        for row in self._connection.execute(_CALLS):
            yield self._call(row)

    def decisions(self) -> Mapping[str, str]:
        """What was decided, as JSON, by path."""
        rows = self._connection.execute("SELECT path, value FROM decisions ORDER BY rowid")
        return {unpack_text(path): value for path, value in rows}

    def _call(self, row: Any) -> KeptCall:
        id, before, sampling, seed, fingerprint, started, ended, finish, stop, limit, *generated = (
            row
        )
        context = self._context(before)
        rows = [generated]
        if finish is None:
            rows = self._connection.execute(_PARTS, (id,)).fetchall() or rows
        ids = tuple(id for _, packed, *_ in rows for id in unpack_ids(packed) or ())
        return KeptCall(
            context=context,
            output=Segment(
                "assistant",
                "".join(unpack_text(text or "") for text, *_ in rows),
                ids if context.has_token_ids else None,
            ),
            sampling=Sampling.model_validate_json(sampling).model_copy(update={"seed": seed}),
            fingerprint=fingerprint,
            started=started,
            ended=ended,
            finish_reason=finish,
            stop_reason=unpack_stop(stop),
            limited_by=limit,
            usage=unpack_usage(rows[-1][3:]),
            passages=tuple(passage for row in rows for passage in unpack_passages(row[2])),
        )

    def _context(self, id: int) -> Context:
        """Of contexts, the forks of one parent share it."""
        if len(self._contexts) > _MOST_CONTEXTS:
            self._contexts.clear()
        missing = []
        while id and id not in self._contexts:
            row = self._connection.execute(_CONTEXT, {"id": id}).fetchone()
            # Each came after its parent; in a damaged journal they may go round in a circle.
            if row is None or (row[0] or 0) >= id:
                raise JournalError(
                    f"the journal is damaged: its context {id} goes on from none that came before it; start a new run"
                )
            missing.append((id, row))
            id = row[0]
        context = self._contexts.get(id)
        for id, (_, name, role, text, ids) in reversed(missing):
            segment = Segment(role, unpack_text(text), unpack_ids(ids))
            context = Context(segment, context, None if name is None else unpack_text(name))
            self._contexts[id] = context
        assert context is not None
        return context


@contextmanager
def read_journal(path: str | Path) -> Iterator[JournalReader]:
    """Opens a journal to look at it, also one that is being written.

    Raises:
        JournalError: There is none, it cannot be read, or has another schema.
    """
    with connect_to_read(Path(path)) as connection:
        yield JournalReader(connection)
