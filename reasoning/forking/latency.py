"""What threads are worth, measured on a text with blocks as ThreadWeaver does (section 4). Pure.

    tokens of the text     outside of blocks, and of each block the sequential part and all threads
    token latency          outside of blocks, and of each block the sequential part and the longest thread
    acceleration           1 - latency / tokens

All tokens count, those of headers too, which nobody samples; what an engine did is in an answer's usage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .dialect import Dialect
from .positions import block_layout


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLatency:
    """How long a text is, and how long it takes.

    Attributes:
        total: Its tokens.
        longest: Those along its longest path: the token latency.
    """

    total: int
    longest: int

    @property
    def acceleration(self) -> float:
        """The part of the tokens that nobody waits for, from 0.

        >>> TokenLatency(total=10 + 10, longest=10).acceleration
        0.5
        """
        return 1 - self.longest / self.total if self.total else 0.0


def token_latency(tokens: Sequence[str], dialect: Dialect) -> TokenLatency:
    """Measures a text with blocks, which may be nested.

    Args:
        tokens: The texts of its tokens, tags included; those of a plain text are its characters.
        dialect: The tags.
    """
    return TokenLatency(total=len(tokens), longest=block_layout(tokens, dialect).longest)
