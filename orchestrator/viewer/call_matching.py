"""Which row of a journal is which call of a run. Pure.

Events tell of calls by their paths, and so do a journal's rows, in which nothing else is the same: on one path the
first call that ended so, with as many tokens, is the first row that did. A run that is resumed tells again of calls
that the journal answers: they have the rows that they had in the life before.
"""

from __future__ import annotations

from collections import defaultdict
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
        self._rows: defaultdict[str, list[KeptRow]] = defaultdict(list)
        self._places: dict[int, int] = {}
        self._waiting: defaultdict[str, list[EndedCall]] = defaultdict(list)
        # The last life in which a call was a row, by the row's id.
        self._lives: dict[int, int] = {}

    def add_row(self, row: KeptRow) -> Iterator[tuple[EndedCall, KeptRow]]:
        """Takes a row, or what it has become; gives the calls that are now known to be rows."""
        rows = self._rows[row.path]
        place = self._places.setdefault(row.id, len(rows))
        rows[place:] = [row, *rows[place + 1 :]]
        yield from self._settle(row.path)

    def add_call(self, call: EndedCall) -> Iterator[tuple[EndedCall, KeptRow]]:
        """Takes a call that ended; gives the calls that are now known to be rows."""
        self._waiting[call.path].append(call)
        yield from self._settle(call.path)

    def _settle(self, path: str) -> Iterator[tuple[EndedCall, KeptRow]]:
        waiting = self._waiting.pop(path, [])
        for call in waiting:
            row = next((row for row in self._rows[path] if self._fits(call, row)), None)
            if row is None:
                self._waiting[path].append(call)
            else:
                self._lives[row.id] = call.life
                yield call, row

    def _fits(self, call: EndedCall, row: KeptRow) -> bool:
        life = self._lives.get(row.id)
        if life is not None and (not call.replayed or life >= call.life):
            return False
        ended = call.state if call.state in ("stop", "length") else None
        return (row.finish_reason, row.generated_tokens) == (ended, call.generated_tokens)
