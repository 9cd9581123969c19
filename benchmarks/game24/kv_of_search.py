"""How many KV blocks the waves of a search took, from the tree in its answer. Pure.

    question ─┬─ a ─┬─ a1 ─ ...     kept when a1 and b1 were chosen: a, a1, b, b1
              │     └─ a2           grown when that wave ended: a2 too
              └─ b ─── b1 ─ ...

Blocks of equal prefixes count once, and those of the question, which all share, not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines import Context
from engines.block_trie import BlockTrie
from reasoning import Branch


@dataclass(frozen=True)
class Waves:
    """Blocks, wave by wave, of a search that took all of its steps of a wave side by side.

    Attributes:
        kept: Of the thoughts that the next wave went on from.
        grown: Of all thoughts of the wave, those that ended or were passed over included.
    """

    kept: Sequence[int]
    grown: Sequence[int]


def waves_of(branches: Sequence[Branch], question: Context, block_size: int) -> Waves:
    """The waves of a search.

    Args:
        branches: Those of its answer.
        question: What all thoughts follow.
        block_size: Tokens in a block.
    """
    kept, grown = [], []
    while branches:
        children = [child for branch in branches for child in _children(branch)]
        grown.append(_blocks(branches, question, block_size))
        if children:
            kept.append(_blocks([b for b in branches if _children(b)], question, block_size))
        branches = children
    return Waves(kept, grown)


def _children(branch: Branch) -> Sequence[Branch]:
    return branch.answer.branches if branch.answer is not None else ()


def _blocks(branches: Sequence[Branch], question: Context, block_size: int) -> int:
    trie = BlockTrie(block_size, without=question)
    for context in _contexts(branches):
        trie.add(context)
    return trie.blocks


def _contexts(branches: Sequence[Branch]) -> Iterator[Context]:
    for branch in branches:
        if branch.answer is not None and branch.answer.context is not None:
            yield branch.answer.context
