"""Keeps the tags of a sequence balanced, whatever a model writes. Pure.

A block is an element inside another, and each has its one place:

    sequence, thread or conclusion
    └── Parallel
        ├── Goal
        │   └── Outline
        ├── Path
        └── Conclusion

A tag out of place is taken out; what is left open within an element that ends is closed before it. In a thread, what
can only come after it ends it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..token_ids.span import Piece, Span
from .dialect import Dialect, closing
from .tag_parser import Event, TagParser

# No tag holds white space, so that what is before and after a blank never makes one.
_BLANK = " "


@dataclass(frozen=True, slots=True)
class Mended:
    """A text as it goes into the sequence.

    Attributes:
        pieces: Spans of the text, and what is written in between and after them.
        labels: Those of the outlines that end with the text, each once and in their order; empty where it ends
            otherwise.
        closed: Whether the thread has ended within the text.
        repaired: Whether it had to be closed there, since it went on with what comes after threads.
        stray: How many tags were taken out.
        missing: How many were put in to close what was left open, the thread's own not counted.
    """

    pieces: tuple[Piece, ...]
    labels: tuple[str, ...] = ()
    closed: bool = False
    repaired: bool = False
    stray: int = 0
    missing: int = 0


class Balance:
    """The elements that are open in one sequence.

    Args:
        dialect: The tags.
        in_thread: Whether the sequence is the text of a thread, after its header.

    Attributes:
        blocks: How many blocks have begun. A second list of outlines in one counts as one more, since it can fork too.
    """

    def __init__(self, dialect: Dialect, *, in_thread: bool = False) -> None:
        self._dialect = dialect
        self._in_thread = in_thread
        self.blocks = 0
        self._open: list[str] = []
        # Whether each block that is open has a list of outlines.
        self._listed: list[bool] = []
        # A model that repeats itself opens thousands, and closes thousands that are not open.
        self._count: Counter[str] = Counter()
        self._parents = {
            dialect.goals: dialect.parallel,
            dialect.outline: dialect.goals,
            dialect.thread: dialect.parallel,
            dialect.conclusion: dialect.parallel,
        }

    def mend(self, text: str) -> Mended:
        """Takes the next text of the sequence, which ends at no tag's middle."""
        return _Mending(self, self._dialect).over(text)

    def close_all(self) -> tuple[str, ...]:
        """Closes what is open; the tags to write for it."""
        return tuple(self._closed_until(None))

    def opens(self, element: str) -> bool:
        """Opens an element, if its place is here."""
        parent = self._parents.get(element)
        fits = parent is None or self._open[-1:] == [parent]
        if fits:
            self._open.append(element)
            self._count[element] += 1
            self._count_block(element)
        return fits

    def closes(self, element: str) -> Iterator[str] | None:
        """Closes an element; gives the tags to write first, or None if it is not open."""
        return self._closed_until(element) if self._count[element] else None

    def is_end(self, event: Event) -> bool:
        """Whether a tag that has no place here ends the thread: its own end, or what comes after it in a block."""
        if not self._in_thread or self._count[self._dialect.parallel]:
            return event.kind == "close" and self._in_thread and event.name == self._dialect.thread
        after = (self._dialect.thread, self._dialect.conclusion)
        ends = (self._dialect.thread, self._dialect.parallel)
        return event.name in (ends if event.kind == "close" else after)

    def in_outlines(self) -> bool:
        """Whether a label here is that of an outline."""
        return self._open[-1:] in ([self._dialect.goals], [self._dialect.outline])

    def _count_block(self, element: str) -> None:
        if element == self._dialect.parallel:
            self.blocks += 1
            self._listed.append(False)
        elif element == self._dialect.goals:
            self.blocks += self._listed[-1]
            self._listed[-1] = True

    def _closed_until(self, element: str | None) -> Iterator[str]:
        while self._open:
            innermost = self._open.pop()
            self._count[innermost] -= 1
            if innermost == self._dialect.parallel:
                self._listed.pop()
            if innermost == element:
                return
            yield closing(innermost)


class _Mending:
    def __init__(self, balance: Balance, dialect: Dialect) -> None:
        self._balance = balance
        self._dialect = dialect
        self._pieces: list[Piece] = []
        self._labels: dict[str, None] = {}
        self._stray = self._missing = 0
        self._closed = self._repaired = self._at_fork = False

    def over(self, text: str) -> Mended:
        parser = TagParser(self._dialect)
        for event in (*parser.feed(text), *parser.close()):
            self._at_fork = False
            self._take(event)
            if self._closed:
                break
        return Mended(
            pieces=tuple(self._pieces),
            labels=tuple(self._labels) if self._at_fork else (),
            closed=self._closed,
            repaired=self._repaired,
            stray=self._stray,
            missing=self._missing,
        )

    def _take(self, event: Event) -> None:
        match event.kind:
            case "open":
                self._open(event)
            case "close":
                self._close(event)
            case "label":
                self._label(event)
            case "text":
                self._keep(event)

    def _label(self, event: Event) -> None:
        if self._balance.in_outlines():
            self._labels[event.name] = None
        self._keep(event)

    def _open(self, event: Event) -> None:
        if self._balance.opens(event.name):
            if event.name == self._dialect.goals:
                self._labels.clear()
            self._keep(event)
        else:
            self._out_of_place(event)

    def _close(self, event: Event) -> None:
        inner = self._balance.closes(event.name)
        if inner is None:
            self._out_of_place(event)
            return
        self._put_in(inner)
        self._keep(event)
        if event.name == self._dialect.goals:
            self._at_fork = True

    def _out_of_place(self, event: Event) -> None:
        if self._balance.is_end(event):
            self._end(event)
        else:
            self._pieces.append(_BLANK)
            self._stray += 1

    def _end(self, event: Event) -> None:
        self._closed = True
        self._put_in(self._balance.close_all())
        if event.text == self._dialect.thread_end:
            self._keep(event)
        else:
            self._pieces.append(self._dialect.repair)
            self._repaired = True

    def _put_in(self, tags: Iterable[str]) -> None:
        before = len(self._pieces)
        self._pieces.extend(tags)
        self._missing += len(self._pieces) - before

    def _keep(self, event: Event) -> None:
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Span) and last.end == event.start:
            self._pieces[-1] = Span(last.start, event.end)
        else:
            self._pieces.append(Span(event.start, event.end))


def written(text: str, pieces: Sequence[Piece]) -> str:
    """The text that the pieces make."""
    return "".join(
        piece if isinstance(piece, str) else text[piece.start : piece.end] for piece in pieces
    )
