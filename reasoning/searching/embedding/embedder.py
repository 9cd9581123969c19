"""The interface of embedders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


class Embedder(Protocol):
    """Turns texts into vectors: what means the same points the same way.

    One that can be made before it is complete says in an attribute `problem` what it needs, as scorers do.
    """

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One row for each text, of length 1 (float32), off the event loop.

        Raises:
            EngineError: What embeds does not answer.
        """
        ...
