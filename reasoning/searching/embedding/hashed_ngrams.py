r"""Embeds texts by the words and the pairs of characters in them: no model, no download, the same everywhere.

"So x=4" ─> words so x = 4;  pairs " s", "so", "o ", " x", ... ─> places in a vector, by a hash ─> counts, of length 1

It takes texts for similar that are written alike. What says the same in other words is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import anyio.to_thread

from engines import UsageError

from .distinct import embedded_once

if TYPE_CHECKING:
    import numpy as np

_WORD = re.compile(r"\w+|[^\w\s]")
# Spreads the pairs, whose numbers are near each other (Knuth's multiplicative hash).
_SPREAD = 2_654_435_761
_MOST = 65_536


@dataclass(frozen=True, kw_only=True)
class HashedNgrams:
    """Hashed counts of words and of pairs of characters.

    Of steps of mathematics that all-MiniLM-L6-v2 takes for the same at a cosine distance of 0.05, it takes most for the
    same at that distance too, and few others.

    Attributes:
        dimensions: The length of a vector, 1 to 65,536. What is hashed to the same place looks the same.
    """

    dimensions: int = 512

    def __post_init__(self) -> None:
        """Refuses vectors of nothing, and those that no memory holds."""
        if not 1 <= self.dimensions <= _MOST:
            raise UsageError(f"vectors of dimensions={self.dimensions}: give 1 to {_MOST}")

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Counts, in a worker thread. Case and blank space do not count."""

        async def embed(distinct: Sequence[str]) -> np.ndarray:
            return await anyio.to_thread.run_sync(_vectors, distinct, self.dimensions)

        return await embedded_once(texts, embed)


def _vectors(texts: Sequence[str], dimensions: int) -> np.ndarray:
    import numpy as np

    rows = np.zeros((len(texts), dimensions), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        # Blanks at both ends, so that an empty text has a pair too.
        normal = f" {' '.join(text.casefold().split())} "
        words = [crc32(_bytes(word)) for word in _WORD.findall(normal)]
        characters = np.frombuffer(_bytes(normal), dtype=np.uint8).astype(np.uint32)
        pairs = (characters[:-1] * 256 + characters[1:]) * np.uint32(_SPREAD)
        hashes = np.concatenate([pairs, np.array(words, dtype=np.uint32)])
        # With signs, what meets in one place mostly cancels out.
        signs = np.where(hashes >> 31, 1.0, -1.0)
        places = (hashes >> 7) % dimensions
        row[:] = np.bincount(places, weights=signs, minlength=dimensions)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths > 0, lengths, 1)
    return rows


def _bytes(text: str) -> bytes:
    # Half a character is what a model may write.
    return text.encode(errors="surrogatepass")
