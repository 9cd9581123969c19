"""An embedder that knows what a step of the Game of 24 means: which numbers it leaves, whatever its words are.

It stands for a good model of sentences. Steps that leave the same numbers point nearly the same way: their wording
turns them by a cosine distance of some 0.02. All others are at right angles, or nearly so.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_SIZE = 256
# The share of the wording in a vector of length 1.
_WORDING = 0.14


@dataclass(frozen=True)
class Meaning:
    """Vectors of steps by what they leave."""

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row for each text, of length 1."""
        return np.stack(
            [worded(text.partition("(left: ")[2].partition(")")[0], text) for text in texts]
        )


@lru_cache(maxsize=20_000)
def worded(meaning: str, text: str) -> np.ndarray:
    """The vector, of length 1, of a text with this meaning."""
    vector = _direction(meaning) + _WORDING * _direction(text)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _direction(text: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).standard_normal(_SIZE)
    return vector / np.linalg.norm(vector)
