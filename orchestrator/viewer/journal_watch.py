"""What has come into a journal since the last look: calls by their paths, calls of tools, decisions. No texts.

A journal that is written meanwhile is read as it is at one moment, and nobody waits for that: the connection is closed
again, so that the journal's log can begin anew. Rows are only added, with two exceptions. A call that has not ended, or
a tool that has begun, is written again under its id when it ends; and a tool that may be repeated is written when it
ends, under an id that it got when it began. Both are looked up again until they are there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..journal.packing import unpack_text
from ..journal.schema import connect_to_read
from .picture.call_matching import KeptRow

LONGEST_PREVIEW = 200

_CALLS = f"""
SELECT id, context, finish_reason, generated_tokens, substr(text, 1, {LONGEST_PREVIEW}) FROM calls WHERE
"""
_TOOLS = "SELECT id, node, state FROM tools WHERE"
_CONTEXTS = "SELECT id, parent, name FROM contexts WHERE id > ? ORDER BY id"
_DECISIONS = "SELECT rowid, path, value FROM decisions WHERE rowid > ? ORDER BY rowid"
_MOST_VARIABLES = 500
# More tools than run at once.
_MOST_MISSING = 10_000

_Row = tuple[Any, ...]


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
        self.path = path
        self._paths: dict[int, str] = {}
        self._last_context = self._last_call = self._last_tool = self._last_decision = 0
        # Rows that may become others, as they were, and ids whose rows may yet come.
        self._open_calls: dict[int, _Row] = {}
        self._open_tools: dict[int, _Row] = {}

    def look(self) -> News | None:
        """What has come since the last look; None where there is no journal.

        Raises:
            JournalError: It cannot be read, or has another schema.
        """
        if not self.path.is_file():
            return None
        with connect_to_read(self.path) as connection:
            connection.execute("BEGIN")
            contexts = connection.execute(_CONTEXTS, (self._last_context,)).fetchall()
            calls = _new_and(connection, _CALLS, self._last_call, self._open_calls)
            tools = _new_and(connection, _TOOLS, self._last_tool, self._open_tools)
            decisions = connection.execute(_DECISIONS, (self._last_decision,)).fetchall()
        # What could not be read is read by the next look.
        self._take_paths(contexts, calls)
        return News(
            rows=list(self._rows(calls)),
            tools=list(self._tools(tools)),
            decisions=list(self._decisions(decisions)),
        )

    def _take_paths(self, contexts: Iterable[_Row], calls: Iterable[_Row]) -> None:
        """Contexts and calls share their ids; what a call generated is a context on the call's path."""
        unnamed = ((id, context, None) for id, context, *_ in calls)
        # Each after its parent.
        for id, parent, name in sorted([*contexts, *unnamed], key=itemgetter(0)):
            before, own = self._paths.get(parent, ""), "" if name is None else unpack_text(name)
            self._paths[id] = f"{before}/{own}" if before and own else before or own
        self._last_context = max([self._last_context, *(id for id, *_ in contexts)])

    def _rows(self, calls: Iterable[_Row]) -> Iterator[KeptRow]:
        for row in calls:
            id, _, finish, tokens, preview = row
            self._last_call = max(self._last_call, id)
            if row == self._open_calls.pop(id, None):
                self._open_calls[id] = row
                continue
            if finish is None:
                self._open_calls[id] = row
            yield KeptRow(id, self._paths[id], finish, tokens or 0, _text(preview))

    def _tools(self, tools: Iterable[_Row]) -> Iterator[tuple[int, str]]:
        for row in tools:
            id, node, state = row
            for missing in range(max(self._last_tool + 1, id - _MOST_MISSING), id):
                self._open_tools[missing] = ()
            self._last_tool = max(self._last_tool, id)
            if row == self._open_tools.pop(id, None):
                self._open_tools[id] = row
                continue
            if state == "started":
                self._open_tools[id] = row
            yield id, unpack_text(node)

    def _decisions(self, decisions: Iterable[_Row]) -> Iterator[tuple[str, str]]:
        for id, path, value in decisions:
            self._last_decision = id
            told = _text(path)
            # Timeouts of calls are kept among them, under keys that say nothing.
            if not told.endswith("#timeout"):
                yield told, value


def _new_and(
    connection: sqlite3.Connection, query: str, last: int, again: Iterable[int]
) -> list[_Row]:
    ids = sorted(again)
    rows: list[_Row] = []
    for start in range(0, len(ids), _MOST_VARIABLES):
        some = ids[start : start + _MOST_VARIABLES]
        marks = ",".join("?" * len(some))
        rows += connection.execute(f"{query} id IN ({marks})", some)
    rows += connection.execute(f"{query} id > ? ORDER BY id", (last,))
    return rows


def _text(packed: str | bytes | None) -> str:
    """A text, of which a part may be cut in the middle of a character where it is a blob."""
    if isinstance(packed, bytes):
        return packed.decode("utf-8", "replace")
    return packed or ""
