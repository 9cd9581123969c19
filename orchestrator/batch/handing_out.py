"""Which rows are with which actor, and which of them is to blame when actors die. Pure.

    rows ──> take ──> with an actor ──> done
               ^             │
               │        give_back, lost ──> a row that is to blame
               └── again <───┘

An actor may die of a row, or with its node: nobody is told. Its rows are given to others, since most often the node
is gone. Those that saw a second actor die are tried alone, each on an actor that has no other; one that is alone with
the actor that dies is to blame, and the rest is given out as before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .row import Row

_DEATHS_OF_ONE = 2
"""So many actors may die of a row."""


class HandingOut:
    """Gives out rows, and knows where those are that nothing is known of yet.

    Args:
        rows: All rows; pulled only when somebody takes them.
    """

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._again: deque[Row] = deque()
        self._suspects: deque[Row] = deque()
        self._trying: int | None = None
        self._with: dict[int, dict[int, Row]] = {}
        self._deaths: dict[int, int] = {}
        self._pulled_all = False
        self._stopped = False

    @property
    def ended(self) -> bool:
        """Whether no row is left, nor may come back."""
        return self._pulled_all and not (self._again or self._suspects or any(self._with.values()))

    def count(self, actor: int) -> int:
        """How many rows an actor has."""
        return len(self._with.get(actor, ()))

    def take(self, actor: int, most: int) -> list[Row]:
        """Gives an actor more rows, so that it has `most`; fewer, where there are no more or some have to be alone."""
        own = self._with.setdefault(actor, {})
        if self._is_trying(actor):
            rows = [] if own else [self._suspects.popleft()]
        else:
            rows = []
            while len(own) + len(rows) < most and (row := self._next()) is not None:
                rows.append(row)
        own.update((row.line, row) for row in rows)
        return rows

    def done(self, actor: int, line: int) -> None:
        """A row has come back."""
        del self._with[actor][line]
        self._deaths.pop(line, None)

    def give_back(self, actor: int, line: int) -> None:
        """A row has come back for others to answer."""
        row = self._with[actor].pop(line)
        self._deaths.pop(line, None)
        if not self._stopped:
            self._again.append(row)

    def stop(self) -> None:
        """Gives out nothing more."""
        self._stopped = True
        self._rows = iter(())
        self._pulled_all = True
        self._again.clear()
        self._suspects.clear()

    def pause(self, actor: int) -> None:
        """An actor takes no more for now: another one tries what has to be tried alone."""
        if self._trying == actor:
            self._trying = None

    def lost(self, actor: int) -> Row | None:
        """An actor has died: its rows are given to others. If one of them is to blame, it is not, and is returned."""
        own = list(self._with.pop(actor, {}).values())
        if self._trying == actor:
            self._trying = None
        if self._stopped:
            return None
        for row in own:
            self._deaths[row.line] = self._deaths.get(row.line, 0) + 1
        if len(own) == 1 and self._deaths[own[0].line] >= _DEATHS_OF_ONE:
            del self._deaths[own[0].line]
            self._acquit()
            return own[0]
        for row in own:
            seen = self._deaths[row.line]
            (self._suspects if seen >= _DEATHS_OF_ONE else self._again).append(row)
        return None

    def _is_trying(self, actor: int) -> bool:
        """Whether this actor is the one that tries suspects; it is until the last has come back."""
        if self._trying == actor and not self._suspects and not self._with[actor]:
            self._trying = None
        elif self._trying is None and self._suspects:
            self._trying = actor
        return self._trying == actor

    def _acquit(self) -> None:
        """Who is to blame is known, so the others are as good as any row that saw one actor die."""
        for row in self._suspects:
            self._deaths[row.line] = 1
        self._again.extend(self._suspects)
        self._suspects.clear()

    def _next(self) -> Row | None:
        if self._again:
            return self._again.popleft()
        row = next(self._rows, None)
        self._pulled_all |= row is None
        return row
