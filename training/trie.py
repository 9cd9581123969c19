"""The units of a lesson as one trie of tokens: what they have in common is computed, and learnt, once. Pure.

    units               q o 1 | q o 2 | q o 1 2 a
    trie, in preorder   q ─ o ─┬─ 1 ─ 2 ─ a            index   0 1 2 3 4 5
                               └─ 2                    end     6 6 5 5 5 6

A token sees its ancestors only: i is one of j where i <= j < end[i]. Its position is its depth. So each unit is
computed as if it stood alone, with ordinary positions (ThreadWeaver 2025, training on the trie).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .unit import Unit


@dataclass(frozen=True, slots=True)
class Trie:
    """Tokens in preorder.

    Attributes:
        tokens: Their ids.
        positions: How many tokens are before each in its unit.
        ends: Of each, the index after its last descendant.
        parents: The index of the token before each in its unit; -1 for the first.
        learned: Whether there is a loss on each.
    """

    tokens: Sequence[int]
    positions: Sequence[int]
    ends: Sequence[int]
    parents: Sequence[int]
    learned: Sequence[bool]

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(slots=True)
class _Node:
    token: int
    learned: bool = False
    children: dict[int, _Node] = field(default_factory=dict)


def trie_of(units: Iterable[Unit]) -> Trie:
    """The trie of these units; they have their first token in common."""
    root = _Node(-1)
    for unit in units:
        node = _walked(root, unit.context, learned=False)
        _walked(node, unit.completion, learned=unit.learned)
    return _in_preorder(root)


def _walked(node: _Node, tokens: Sequence[int], *, learned: bool) -> _Node:
    for token in tokens:
        node = node.children.setdefault(token, _Node(token))
        node.learned |= learned
    return node


def _in_preorder(root: _Node) -> Trie:
    tokens: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    parents: list[int] = []
    learned: list[bool] = []
    # An index in the place of a node says that all beneath that index has been listed.
    stack: list[tuple[_Node | int, int]] = [
        (child, -1) for child in reversed(root.children.values())
    ]
    while stack:
        node, parent = stack.pop()
        if isinstance(node, int):
            ends[node] = len(tokens)
            continue
        index = len(tokens)
        tokens.append(node.token)
        positions.append(positions[parent] + 1 if parent >= 0 else 0)
        parents.append(parent)
        learned.append(node.learned)
        ends.append(-1)
        stack.append((index, parent))
        stack.extend((child, index) for child in reversed(node.children.values()))
    return Trie(tokens, positions, ends, parents, learned)
