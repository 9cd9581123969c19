"""Embeds each text once, however often it occurs: branches of a search often say the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


async def embedded_once(
    texts: Sequence[str], embed: Callable[[Sequence[str]], Awaitable[np.ndarray]]
) -> np.ndarray:
    """A row for each text.

    Args:
        texts: May be equal.
        embed: Embeds texts that are not.
    """
    rows: dict[str, int] = {}
    for text in texts:
        rows.setdefault(text, len(rows))
    vectors = await embed(list(rows))
    return vectors[[rows[text] for text in texts]]
