"""Which blocks of tokens a prefix cache would hold, so that calls can say what they would take from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# Of 16 tokens each, 4 million tokens, about what a large GPU holds.
_BLOCKS = 2**18


class PrefixCache:
    """Remembers the blocks that were used last.

    Args:
        block_size: Tokens in a block.
        blocks: The most blocks.
    """

    def __init__(self, block_size: int, blocks: int = _BLOCKS) -> None:
        self._size = block_size
        self._most = blocks
        # From the one that was not used for longest.
        self._known: dict[int, None] = {}

    def add(self, sequence: Sequence[int]) -> int:
        """Puts in the full blocks of a sequence; returns how many of its tokens were there already."""
        cached, prefix, size = 0, 0, self._size
        for end in range(size, len(sequence) + 1, size):
            prefix = hash((prefix, tuple(sequence[end - size : end])))
            # The last token is always computed: its logits are the next token's.
            if prefix in self._known and cached == end - size and end < len(sequence):
                cached = end
            self._known.pop(prefix, None)
            self._known[prefix] = None
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return cached
