"""Which row of a journal is which call of a run. Pure.

Events tell of calls by their paths, and so do a journal's rows, in which nothing else is the same: on one path the
first call that ended so, with as many tokens, is the first row that did. A run that is resumed tells again of calls
that the journal answers: they have the rows that they had in the life before.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A call as a journal knows it.

    Attributes:
        id: Of the row.
        path: Of its context.
        finish_reason: None where it did not end.
        generated_tokens: So far, where it did not end.
        preview: The beginning of what was generated.
    """

    id: int
    path: str
    finish_reason: str | None
    generated_tokens: int
    preview: str


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call as events know it.

    Attributes:
        id: Its number.
        path: Of its context.
        state: How it ended.
        generated_tokens: As many as were received.
        life: Of the run.
        replayed: Whether the journal answered it.
    """

    id: int
    path: str
    state: str
    generated_tokens: int
    life: int
    replayed: bool


class CallMatching:
    """Calls and rows as they come, in any order."""

    def __init__(self) -> None:
        self._alike: defaultdict[_Kind, _Alike] = defaultdict(_Alike)
        self._unfinished: dict[int, KeptRow] = {}

    def add_row(self, row: KeptRow) -> Iterator[tuple[EndedCall, KeptRow]]:
        """Takes a row, or what it has become; gives the calls that are now known to be rows."""
        before = self._unfinished.pop(row.id, None)
        if before is not None:
            self._alike[_kind_of(before)].remove(before)
        if row.finish_reason is None:
            self._unfinished[row.id] = row
        yield from self._alike[_kind_of(row)].add(row)

    def add_call(self, call: EndedCall) -> Iterator[tuple[EndedCall, KeptRow]]:
        """Takes a call that ended; gives the calls that are now known to be rows."""
        ended = call.state if call.state in ("stop", "length") else None
        alike = self._alike[call.path, ended, call.generated_tokens]
        turn = call.life if call.replayed else 0
        alike.waiting.setdefault(turn, deque()).append(call)
        yield from alike.settle(turn)


_Kind = tuple[str, str | None, int]


def _kind_of(row: KeptRow) -> _Kind:
    return row.path, row.finish_reason, row.generated_tokens


# The life of a row that no call is known to be.
_NONE = -1


class _Alike:
    """Calls and rows that nothing but their order tells apart.

    In their turn, 0 for new calls and their life for those that the journal answered, calls go through the rows once.

    Attributes:
        waiting: Calls without a row, by their turn.
    """

    __slots__ = ("_lives", "_places", "_rows", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, deque[EndedCall]] = {}
        self._rows: list[KeptRow | None] = []
        # The last life in which a call was the row.
        self._lives: list[int] = []
        self._places: dict[int, int] = {}

    def add(self, row: KeptRow) -> Iterator[tuple[EndedCall, KeptRow]]:
        self._rows.append(row)
        self._lives.append(_NONE)
        for turn in sorted(self.waiting):
            yield from self.settle(turn)

    def remove(self, row: KeptRow) -> None:
        """The row has become another one."""
        self._rows[self._rows.index(row)] = None

    def settle(self, turn: int) -> Iterator[tuple[EndedCall, KeptRow]]:
        waiting = self.waiting[turn]
        while waiting and (place := self._next(turn)) < len(self._rows):
            row = self._rows[place]
            assert row is not None
            self._lives[place] = waiting[0].life
            yield waiting.popleft(), row
        # Most are alone of their kind, and there are very many kinds.
        if not waiting:
            del self.waiting[turn]

    def _next(self, turn: int) -> int:
        place = self._places.get(turn, 0)
        while place < len(self._rows) and (self._rows[place] is None or self._lives[place] >= turn):
            place += 1
        self._places[turn] = place
        return place
