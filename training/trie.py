"""The units of a lesson as one trie of tokens: what they have in common is computed, and learnt, once. Pure.

    units               q o 1 | q o 2 | q o 1 2 a
    trie, in preorder   q ─ o ─┬─ 1 ─ 2 ─ a            index   0 1 2 3 4 5
                               └─ 2                    end     6 6 5 5 5 6

A token sees its ancestors only: i is one of j where i <= j < end[i]. Its position is its depth. So each unit is
computed as if it stood alone, with ordinary positions (ThreadWeaver 2025, training on the trie).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .unit import Unit


@dataclass(frozen=True, slots=True)
class Trie:
    """Tokens in preorder, those after the same one by their ids.

    Attributes:
        tokens: Their ids.
        positions: How many tokens are before each in its unit.
        ends: Of each, the index after its last descendant.
        parents: The index of the token before each in its unit; -1 for the first.
        learned: Whether there is a loss on each.
    """

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    ends: NDArray[np.int32]
    parents: NDArray[np.int32]
    learned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)


def trie_of(units: Iterable[Unit]) -> Trie:
    """The trie of these units; they have their first token in common."""
    # In this order each unit has most in common with the one before it.
    ordered = sorted(units, key=lambda unit: (*unit.context, *unit.completion))
    room = sum(len(unit.context) + len(unit.completion) for unit in ordered)
    tokens, positions, ends, parents = np.full((4, room), -1, np.int32)
    learned = np.zeros(room, np.bool_)
    # The ids and the indices of the unit before.
    ids = path = np.zeros(0, np.int32)
    size = 0
    for unit in ordered:
        before, ids = ids, np.array((*unit.context, *unit.completion), np.int32)
        common = _in_common(before, ids)
        # What the unit before has alone ends here.
        ends[path[common:]] = size
        start, size = size, size + len(ids) - common
        path = np.concatenate((path[:common], np.arange(start, size, dtype=np.int32)))
        tokens[start:size] = ids[common:]
        positions[start:size] = np.arange(common, len(ids))
        parents[path[1:]] = path[:-1]
        if unit.learned:
            learned[path[len(unit.context) :]] = True
    ends[path] = size
    return Trie(tokens[:size], positions[:size], ends[:size], parents[:size], learned[:size])


def _in_common(first: NDArray[np.int32], second: NDArray[np.int32]) -> int:
    """How many ids both begin with."""
    length = min(len(first), len(second))
    (other,) = np.nonzero(first[:length] != second[:length])
    return int(other[0]) if len(other) else length
