"""What has come into a journal since the last look: calls by their paths, calls of tools, decisions. No texts.

A journal that is written meanwhile is read as it is at one moment. Rows are only added, except that a call that has not
ended, or a tool that has begun, is written again under its id when it ends: those are read again until they have.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..journal.packing import unpack_text
from ..journal.schema import connect_to_read, journal_errors
from .call_matching import KeptRow

LONGEST_PREVIEW = 200

_CALLS = f"""
SELECT id, context, finish_reason, generated_tokens, substr(text, 1, {LONGEST_PREVIEW}) FROM calls WHERE
"""
_CONTEXTS = "SELECT id, parent, name FROM contexts WHERE id > ? ORDER BY id"
_TOOLS = "SELECT id, node, state FROM tools WHERE"
_DECISIONS = "SELECT rowid, path, value FROM decisions WHERE rowid > ? ORDER BY rowid"
_MOST_VARIABLES = 500


@dataclass(slots=True, kw_only=True)
class News:
    """What is new in a journal.

    Attributes:
        rows: Calls, and what those have become that had not ended.
        tools: Calls of tools: the id and the node.
        decisions: Paths and values, which are JSON.
    """

    rows: list[KeptRow] = field(default_factory=list)
    tools: list[tuple[int, str]] = field(default_factory=list)
    decisions: list[tuple[str, str]] = field(default_factory=list)


class JournalWatch:
    """Looks at a journal, again and again.

    Args:
        path: Where it is, once it is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._paths: dict[int, str] = {}
        self._last_context = self._last_call = self._last_tool = self._last_decision = 0
        self._open_calls: set[int] = set()
        self._open_tools: set[int] = set()

    def look(self) -> News | None:
        """What has come since the last look; None where there is no journal.

        Raises:
            JournalError: It cannot be read, or has another schema.
        """
        if not self._path.is_file():
            return None
        with (
            closing(connect_to_read(self._path)) as connection,
            journal_errors(self._path, "read"),
        ):
            connection.execute("BEGIN")
            self._read_paths(connection)
            return News(
                rows=list(self._rows(connection)),
                tools=list(self._tools(connection)),
                decisions=list(self._decisions(connection)),
            )

    def _read_paths(self, connection: sqlite3.Connection) -> None:
        for id, parent, name in connection.execute(_CONTEXTS, (self._last_context,)):
            self._last_context = id
            self._paths[id] = self._beneath(connection, parent, name)

    def _beneath(self, connection: sqlite3.Connection, parent: int, name: Any) -> str:
        """A context's path; what a call generated, which is a context too, is on the call's."""
        before = self._paths.get(parent, "") if parent else ""
        if parent and parent not in self._paths:
            found = connection.execute("SELECT context FROM calls WHERE id = ?", (parent,))
            before = self._paths[parent] = self._paths.get(next(iter(found), (0,))[0], "")
        own = "" if name is None else unpack_text(name)
        return f"{before}/{own}" if before and own else before or own

    def _rows(self, connection: sqlite3.Connection) -> Iterator[KeptRow]:
        last, unfinished = self._last_call, self._open_calls
        self._open_calls = set()
        for row in _new_and(connection, _CALLS, last, unfinished):
            id, context, finish, tokens, preview = row
            self._last_call = max(self._last_call, id)
            path = self._paths[id] = self._paths.get(context, "")
            if finish is None:
                self._open_calls.add(id)
            yield KeptRow(id, path, finish, tokens or 0, _text(preview))

    def _tools(self, connection: sqlite3.Connection) -> Iterator[tuple[int, str]]:
        last, begun = self._last_tool, self._open_tools
        self._open_tools = set()
        for id, node, state in _new_and(connection, _TOOLS, last, begun):
            self._last_tool = max(self._last_tool, id)
            if state == "started":
                self._open_tools.add(id)
            yield id, unpack_text(node)

    def _decisions(self, connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
        for id, path, value in connection.execute(_DECISIONS, (self._last_decision,)):
            self._last_decision = id
            told = _text(path)
            # Timeouts of calls are kept among them, under keys that say nothing.
            if not told.endswith("#timeout"):
                yield told, value


def _new_and(
    connection: sqlite3.Connection, query: str, last: int, again: set[int]
) -> Iterator[Any]:
    left = sorted(again)
    for start in range(0, len(left), _MOST_VARIABLES):
        ids = left[start : start + _MOST_VARIABLES]
        marks = ",".join("?" * len(ids))
        yield from connection.execute(f"{query} id IN ({marks})", ids)
    yield from connection.execute(f"{query} id > ? ORDER BY id", (last,))


def _text(packed: str | bytes | None) -> str:
    """A text, of which a part may be cut in the middle of a character where it is a blob."""
    if isinstance(packed, bytes):
        return packed.decode("utf-8", "replace")
    return packed or ""
