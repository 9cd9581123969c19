"""Whether the blocks of a text are well formed, as ThreadWeaver counts it (section 4.1). Pure.

    a block     outlines with the labels 1, 2, ..., n
                a thread for each of them, in their order, with nothing in between
                a conclusion, where the dialect has one

It only judges; `balance.py` is what mends.
"""

from __future__ import annotations

from dataclasses import dataclass

from .dialect import Dialect, opening
from .tag_parser import Event, TagParser

_MOST_OUTLINES = 50


def format_problem(text: str, dialect: Dialect, *, nested: bool = False) -> str | None:
    """What is wrong with the blocks of a text, the first thing; None where all are well formed, or there are none.

    Args:
        text: What a model wrote.
        dialect: The tags.
        nested: Whether threads may hold blocks, as in Multiverse. Labels in these may go on from the thread's: 2.1.

    >>> from reasoning.forking.dialect import THREADWEAVER
    >>> format_problem("<Parallel><Outlines><Outline>2: a</Outline>", THREADWEAVER)
    'a label 2 where 1 should be'
    """
    parser = TagParser(dialect)
    check = _Check(dialect, nested)
    try:
        for event in (*parser.feed(text), *parser.close()):
            check.take(event)
        check.end()
    except _Malformed as problem:
        return str(problem)
    return None


class _Malformed(Exception):
    """Says what is wrong."""


@dataclass
class _Block:
    """What has been seen of a block.

    Attributes:
        within: The label of the thread that it stands in; empty outside of threads.
    """

    within: str
    outlines: int = 0
    threads: int = 0
    listed: bool = False
    concluded: bool = False


class _Check:
    """Follows the events of a text."""

    def __init__(self, dialect: Dialect, nested: bool) -> None:
        self._dialect = dialect
        block = dialect.parallel
        self._parents = {
            block: {"", dialect.thread} if nested else {""},
            dialect.goals: {block},
            dialect.outline: {dialect.goals},
            dialect.thread: {block},
            dialect.conclusion: {block},
        }
        self._open: list[str] = []
        self._blocks: list[_Block] = []
        # Of the threads that are open, and of an outline or a thread that has just been opened.
        self._labels: list[str] = []
        self._expected: int | None = None

    def take(self, event: Event) -> None:
        """Goes on by one piece.

        Raises:
            _Malformed: It does not fit.
        """
        if self._expected is not None:
            self._label(event, self._expected)
            self._expected = None
        elif event.kind == "open":
            _require(self._inside in self._parents[event.name], f"{event.text} in {self._where}")
            self._opened(event.name)
            self._open.append(event.name)
        elif event.kind == "close":
            _require(self._inside == event.name, f"{event.text} in {self._where}")
            self._open.pop()
            self._closed(event.name)
        elif event.text.strip():
            between = self._inside in (self._dialect.parallel, self._dialect.goals)
            _require(not between, f"text in {self._where}: {event.text.strip()[:20]!r}")

    def end(self) -> None:
        """There is no more."""
        _require(not self._open, f"{self._where} is not closed")

    @property
    def _inside(self) -> str:
        return self._open[-1] if self._open else ""

    @property
    def _where(self) -> str:
        return opening(self._inside) if self._open else "the text outside of blocks"

    def _label(self, event: Event, expected: int) -> None:
        within = self._blocks[-1].within
        fitting = {str(expected), f"{within}.{expected}" if within else ""}
        _require(event.kind == "label", f"{self._where} without a label")
        _require(event.name in fitting, f"a label {event.name} where {expected} should be")
        if self._inside == self._dialect.thread:
            self._labels.append(event.name)

    def _opened(self, element: str) -> None:
        dialect = self._dialect
        if element == dialect.parallel:
            self._blocks.append(_Block(self._labels[-1] if self._labels else ""))
            return
        block = self._blocks[-1]
        match element:
            case dialect.goals:
                _require(not block.listed, f"a second {opening(element)} in a block")
                block.listed = True
            case dialect.outline:
                block.outlines += 1
                _require(block.outlines <= _MOST_OUTLINES, f"more than {_MOST_OUTLINES} outlines")
                self._expected = block.outlines
            case dialect.thread:
                block.threads += 1
                _require(not block.concluded, f"{opening(element)} after the conclusion")
                _require(block.threads <= block.outlines, "more threads than outlines")
                self._expected = block.threads
            case dialect.conclusion:
                _require(not block.concluded, "a second conclusion in a block")
                _require_threads(block)
                block.concluded = True

    def _closed(self, element: str) -> None:
        if element == self._dialect.thread:
            self._labels.pop()
        elif element == self._dialect.parallel:
            block = self._blocks.pop()
            _require_threads(block)
            concluded = block.concluded or self._dialect.conclusion is None
            _require(concluded, "a block without a conclusion")


def _require_threads(block: _Block) -> None:
    _require(block.outlines > 0, "a block without outlines")
    equal = block.threads == block.outlines
    _require(equal, f"{block.threads} threads for {block.outlines} outlines")


def _require(fits: bool, problem: str) -> None:
    if not fits:
        raise _Malformed(problem)
