"""What a replica's prefix cache probably holds: a bounded memory of the contexts that it has served. Pure.

Contexts are a trie, so a prefix is known by the digest of its last node and the longest one by a walk to the root.
It knows neither blocks nor what the engine has evicted since.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from ..context import Context, Segment

# Where there are no ids; English has about four characters to a token.
_CHARACTERS_IN_A_TOKEN = 4


class Prefix(NamedTuple):
    """A node on the way from the root to a context.

    Attributes:
        digest: What it is known by, in every process the same.
        tokens: Tokens from the root to here; an estimate where the context is text only.
    """

    digest: bytes
    tokens: int


def prefixes_of(context: Context) -> list[Prefix]:
    """The context and what it goes on from, the longest first; nodes that add no token are left out.

    >>> root = Context(Segment("user", "abc", (1, 2, 3)))
    >>> [prefix.tokens for prefix in prefixes_of(root.fork("a").extend(Segment("assistant", "d", (4,))))]
    [4, 3]
    """
    prefixes = []
    tokens = 0
    for node in context.lineage:
        added = _tokens_of(node.segment)
        if added:
            tokens += added
            prefixes.append(Prefix(node.digest, tokens))
    prefixes.reverse()
    return prefixes


class PrefixMemory:
    """The prefixes that one replica has served last.

    Args:
        size: How many are remembered; those that were not used for the longest time go first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def tokens_of(self, prefixes: Sequence[Prefix]) -> int:
        """How many tokens of a prompt the replica has seen before."""
        return next((p.tokens for p in prefixes if p.digest in self._digests), 0)

    def remember(self, prefixes: Sequence[Prefix]) -> None:
        """Notes a prompt that the replica serves now."""
        digests = self._digests
        # The longest first, so that it is also the first to be forgotten, as in an engine.
        for prefix in prefixes:
            digests[prefix.digest] = None
            digests.move_to_end(prefix.digest)
        while len(digests) > self._size:
            digests.popitem(last=False)

    def clear(self) -> None:
        """The replica lost its cache."""
        self._digests.clear()

    def __len__(self) -> int:
        return len(self._digests)


def _tokens_of(segment: Segment) -> int:
    if segment.token_ids is not None:
        return len(segment.token_ids)
    return -(-len(segment.text) // _CHARACTERS_IN_A_TOKEN)
