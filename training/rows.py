"""Tries side by side in rows of one length, so that every step of training computes the same shapes. Pure.

row    trie ─ trie ─ trie ─ padding
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    ends: NDArray[np.int32]
    parents: NDArray[np.int32]
    learned: NDArray[np.bool_]


class TooLong(ValueError):
    """A lesson that fits into no row."""


def packed(tries: Iterator[Trie], rows: int, length: int) -> Rows:
    """Puts each trie into the first row that has room for it, until there is none.

    Args:
        tries: As many as are needed are taken.
        rows: How many.
        length: Tokens of each.

    Raises:
        TooLong: A trie is longer than a row.
    """
    places = np.arange(length, dtype=np.int32)
    filled = Rows(
        tokens=np.zeros((rows, length), np.int32),
        positions=np.zeros((rows, length), np.int32),
        # What is left over is seen by nothing but itself.
        ends=np.tile(places + 1, (rows, 1)),
        parents=np.full((rows, length), -1, np.int32),
        learned=np.zeros((rows, length), np.bool_),
    )
    used = [0] * rows
    for trie in tries:
        size = len(trie)
        if size > length:
            raise TooLong(
                f"a lesson of {size} tokens does not fit into a row of {length}: make rows longer"
            )
        row = next((row for row in range(rows) if used[row] + size <= length), None)
        if row is None:
            break
        _put(filled, row, used[row], trie)
        used[row] += size
    return filled


def _put(rows: Rows, row: int, start: int, trie: Trie) -> None:
    place = np.s_[row, start : start + len(trie)]
    parents = np.asarray(trie.parents, np.int32)
    rows.tokens[place] = trie.tokens
    rows.positions[place] = trie.positions
    rows.ends[place] = np.asarray(trie.ends, np.int32) + start
    rows.parents[place] = np.where(parents < 0, -1, parents + start)
    rows.learned[place] = trie.learned
