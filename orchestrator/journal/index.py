"""What a journal holds, by what it is known by. Read when the journal is opened and kept in memory.

Whoever asks has the answer at once, and rows refer to rows by small numbers. Texts are not in it.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from engines import Context, Usage

from .packing import Value, pack_ids, pack_text, unpack_text, unpack_usage
from .writer import Row

ToolState = Literal["started", "finished", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was taken from one account of a budget.

    Attributes:
        usage: Tokens.
        calls: Calls.
        money: In the currency of the prices.
    """

    usage: Usage
    calls: int
    money: float


class Index:
    """What a journal holds.

    Args:
        connection: To the journal.

    Attributes:
        finished: The ids of the calls that ended, by key.
        unfinished: The ids of the calls that received something and did not end, by key.
        tools: The ids and states of calls of tools, by key.
        decisions: What was decided, as JSON, by path.
        spent: What earlier processes took from each account.
        seconds: When the last of them wrote last, in seconds of the run.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._contexts: dict[bytes, int] = {}
        self._outputs: dict[tuple[int, int], int] = {}
        self.finished: dict[bytes, int] = {}
        self.unfinished: dict[bytes, int] = {}
        self.seconds = 0.0
        for digest, id in self._rows("contexts", "digest, id"):
            self._contexts[digest] = id
        self._load_calls()
        self._requests = {
            (sampling, fingerprint): id for id, sampling, fingerprint in self._rows("requests")
        }
        self.tools: dict[bytes, tuple[int, ToolState]] = {}
        for key, id, state, ended in self._rows("tools", "key, id, state, ended"):
            self.tools[key] = (id, state)
            self.seconds = max(self.seconds, ended or 0.0)
        self.decisions: dict[str, str] = {}
        for path, value, ended in self._rows("decisions"):
            self.decisions[unpack_text(path)] = value
            self.seconds = max(self.seconds, ended)
        self.spent = _spent(self._rows("spend"))
        # What a call generated is a context.
        contexts = max(self._last_id("contexts"), self._last_id("calls"))
        self._ids = {
            "contexts": itertools.count(1 + contexts),
            "requests": itertools.count(1 + self._last_id("requests")),
            "tools": itertools.count(1 + self._last_id("tools")),
        }

    def _load_calls(self) -> None:
        columns = "id, key, finish_reason, ended"
        for id, key, finish_reason, ended in self._rows("calls", columns):
            self.seconds = max(self.seconds, ended)
            if finish_reason is None:
                self.unfinished[key] = id
            else:
                self.finished[key] = id

    def _rows(self, table: str, columns: str = "*") -> Iterable[Any]:
        return self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY rowid")

    def _last_id(self, table: str) -> int:
        last: int | None
        ((last,),) = self._connection.execute(f"SELECT max(id) FROM {table}")
        return last or 0

    def new_id(self, table: str) -> int:
        """An id that no row of this table has."""
        return next(self._ids[table])

    def store_context(self, context: Context, record: list[Row]) -> int:
        """The id of a context; rows of its nodes that are not stored yet are added to the record."""
        missing: list[Context] = []
        id = 0
        node: Context | None = context
        while node is not None and not (id := self._contexts.get(node.digest, 0)):
            missing.append(node)
            node = node.parent
        while missing:
            node, parent = missing.pop(), id
            # Only what goes on without a name can be what a call generated.
            id = 0 if node.name is not None else self._output_after(parent, node.segment.text)
            if not id:
                id = self.new_id("contexts")
                record.append(("contexts", _row(id, parent, node)))
            self._contexts[node.digest] = id
        return id

    def add_output(self, parent: int, text: str, id: int) -> None:
        """Takes note of what a call generated after a context.

        Most of it nobody goes on from, so its digest is not taken: it is found again by its text.
        """
        self._outputs[parent, hash(text)] = id

    def _output_after(self, parent: int, text: str) -> int:
        return self._outputs.get((parent, hash(text)), 0)

    def store_request(self, request: str, fingerprint: str, record: list[Row]) -> int:
        """The id of a request; its row is added to the record if it is not stored yet."""
        id = self._requests.get((request, fingerprint))
        if id is None:
            self._requests[request, fingerprint] = id = self.new_id("requests")
            record.append(("requests", (id, request, fingerprint)))
        return id


def _row(id: int, parent: int, node: Context) -> tuple[Value, ...]:
    name, segment = pack_text(node.name), node.segment
    text, ids = pack_text(segment.text), pack_ids(segment.token_ids)
    return (id, bytearray(node.digest), parent, name, segment.role, text, ids)


def _spent(rows: Iterable[tuple[Any, ...]]) -> dict[str, Spent]:
    """The sums by account."""
    sums: dict[str, Spent] = {}
    nothing = Spent(usage=Usage(), calls=0, money=0.0)
    for account, calls, *usage, money in rows:
        name = unpack_text(account)
        before = sums.get(name, nothing)
        sums[name] = Spent(
            usage=before.usage + unpack_usage(usage),
            calls=before.calls + calls,
            money=before.money + money,
        )
    return sums
