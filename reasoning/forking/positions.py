"""Where tokens stand when threads are side by side, and which of them see which. Pure; it knows texts, not engines.

Multiverse puts all threads of a block at the same positions, blind to each other, and goes on after the longest:

    tokens      p <Parallel> <Goal> g </Goal>   <Path> a a </Path>   <Path> b b b b </Path>   <Conclusion> c ...
    positions   0     1        2    3    4        5    6 7    8        5    6 7 8 9    10          11      12

ParaThinker follows the same rule. ThreadWeaver has each thread go on from a context as any call does, so that a token's
position is its depth in the trie of the contexts, and it sees what leads to it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from .dialect import Dialect
from .tag_parser import Event, TagParser


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Thread:
    """One of the threads of a fork. It knows the one around it only, since a model may open thousands in each other.

    Attributes:
        fork: The number of its fork.
        depth: How many threads it stands in, itself included.
        within: The thread around it; None if there is none.
    """

    fork: int
    depth: int
    within: Thread | None

    @classmethod
    def of(cls, fork: int, within: Thread | None) -> Thread:
        """A thread of a fork in this thread; None for one that is in none."""
        return cls(fork, 1 if within is None else within.depth + 1, within)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where tokens stand, in the order of the text.

    Attributes:
        positions: The position of each token.
        threads: The innermost thread that each token is in; None if it is in none.
    """

    positions: tuple[int, ...]
    threads: tuple[Thread | None, ...]

    @property
    def longest(self) -> int:
        """Tokens along the longest path."""
        return max(self.positions, default=-1) + 1

    def sees(self, token: int, other: int) -> bool:
        """Whether a token attends to another: to itself and all before it, but for the threads beside its own.

        Args:
            token: The one that looks, counted from 0.
            other: The one that it sees or not.
        """
        here, there = self.threads[token], self.threads[other]
        # Outwards, until both are in one thread.
        while here is not there:
            if here and there and here.fork == there.fork:
                return False
            if here and (there is None or here.depth >= there.depth):
                here = here.within
            elif there:
                there = there.within
        return other <= token


def block_layout(tokens: Sequence[str], dialect: Dialect) -> Layout:
    """The layout of a text with blocks, as Multiverse trains and decodes it (section 2; ParaThinker, section 3).

    White space before a thread is its own, as it is part of its header. A thread that is not closed goes on.

    Args:
        tokens: The texts of the tokens, tags included; a tag may be one token or many.
        dialect: The tags.

    >>> from reasoning.forking.dialect import MULTIVERSE
    >>> tokens = ["<Path>", "a", "</Path>", "<Path>", "b", "b", "</Path>", "c"]
    >>> block_layout(tokens, MULTIVERSE).positions
    (0, 1, 2, 0, 1, 2, 3, 4)
    """
    # A token that ends one piece and begins the next counts where it begins.
    starts = list(accumulate(map(len, tokens), initial=0))[:-1]
    writer = _Writer(dialect.thread)
    for start, event in _pieces("".join(tokens), dialect):
        writer.take(event, bisect_left(starts, event.end) - bisect_left(starts, start))
    # What has no text, or white space only, at the end.
    writer.go_on(len(tokens) - len(writer.positions))
    return Layout(tuple(writer.positions), tuple(writer.threads))


def trie_layout(sequences: Iterable[Sequence[int]]) -> Layout:
    """The layout of the trie of sequences of ids, such as those of contexts: what they share is there once.

    So many tokens have a KV cache; ThreadWeaver trains on them (section 4). They come in preorder.

    >>> trie_layout([(7, 8, 1), (7, 8, 2, 3)]).positions
    (0, 1, 2, 2, 3)
    """
    children = _trie(sequences)
    positions: list[int] = []
    threads: list[Thread | None] = []
    waiting: list[tuple[int, int, Thread | None]] = [(0, -1, None)]
    while waiting:
        node, position, thread = waiting.pop()
        # All but the root are tokens.
        if position >= 0:
            positions.append(position)
            threads.append(thread)
        branches = children[node].values()
        for child in reversed(branches):
            inside = Thread.of(node, thread) if len(branches) > 1 else thread
            waiting.append((child, position + 1, inside))
    return Layout(tuple(positions), tuple(threads))


def _trie(sequences: Iterable[Sequence[int]]) -> list[dict[int, int]]:
    """For each node, the nodes that its next tokens lead to; the first is the root."""
    children: list[dict[int, int]] = [{}]
    for sequence in sequences:
        node = 0
        for token in sequence:
            node = children[node].setdefault(token, len(children))
            if node == len(children):
                children.append({})
    return children


def _pieces(text: str, dialect: Dialect) -> Iterator[tuple[int, Event]]:
    """The events of a text, each with where it starts, white space before it included."""
    parser = TagParser(dialect)
    start = 0
    for event in (*parser.feed(text), *parser.close()):
        if event.kind != "text" or event.text.strip():
            yield start, event
            start = event.end


@dataclass
class _Fork:
    number: int
    start: int
    end: int


@dataclass
class _Written:
    """What is being written: the whole, a thread in it, a thread in that."""

    at: int
    thread: Thread | None
    fork: _Fork | None = None


@dataclass
class _Writer:
    """Lays tokens out as they come."""

    element: str
    positions: list[int] = field(default_factory=list)
    threads: list[Thread | None] = field(default_factory=list)
    _open: list[_Written] = field(default_factory=lambda: [_Written(0, None)])
    _forks: int = 0

    def take(self, event: Event, tokens: int) -> None:
        """Adds so many tokens, which say this."""
        is_thread = event.name == self.element
        if is_thread and event.kind == "open":
            self._begin()
            self._put(tokens)
        elif is_thread and event.kind == "close" and len(self._open) > 1:
            self.go_on(tokens)
            self._end()
        else:
            self.go_on(tokens)

    def go_on(self, tokens: int) -> None:
        """Adds so many tokens after the threads that stand here, if there are any."""
        written = self._open[-1]
        if written.fork is not None:
            written.at = written.fork.end
            written.fork = None
        self._put(tokens)

    def _put(self, tokens: int) -> None:
        written = self._open[-1]
        self.positions.extend(range(written.at, written.at + tokens))
        self.threads.extend([written.thread] * tokens)
        written.at += tokens

    def _begin(self) -> None:
        written = self._open[-1]
        if written.fork is None:
            self._forks += 1
            written.fork = _Fork(self._forks, start=written.at, end=written.at)
        thread = Thread.of(written.fork.number, written.thread)
        self._open.append(_Written(written.fork.start, thread))

    def _end(self) -> None:
        at = self._open.pop().at
        fork = self._open[-1].fork
        assert fork is not None
        fork.end = max(fork.end, at)
