"""What a session asks of a model: blocks of one cache, into which tokens are put and from which the next are sampled.

    history | block 0 | block 1 | ...        a view: the history, then some of the blocks, the last one's own

What stands in a block keeps its keys and values wherever it is seen; only positions differ from view to view. A
decoder knows no steps and no names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from typing_extensions import NamedTuple

PIECE = 512
"""How many tokens of a prompt are read at once, so that a call can be left soon."""


class Sampled(NamedTuple):
    """A token that was sampled.

    Attributes:
        token_id: The token.
        likely: Where logprobs were asked for, ids with their log-probability: the token itself, then the likeliest.
    """

    token_id: int
    likely: tuple[tuple[int, float], ...] = ()


class Decoder(Protocol):
    """The blocks of one session. Not for two threads at once."""

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        """Puts tokens at the end of a block, the history if None, and samples nothing. No tokens change nothing.

        Raises:
            RequestRejected: There is no memory for them.
        """

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        """Puts tokens at the end of blocks, all in one pass, and samples what comes next in each of these.

        Every one of the tokens sees all the others' of the same pass, in blocks that its own sees, and those before it
        in its own.

        Args:
            feeds: For each block that goes on at least one token.
            greedy: Whether the likeliest token is taken, however the block samples else.

        Raises:
            RequestRejected: There is no memory for them.
        """

    def commit(self, block: int) -> None:
        """Moves what is in a block to the end of the history; the block is empty then."""
