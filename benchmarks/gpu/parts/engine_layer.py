"""To be written."""

from __future__ import annotations

from ..figure import Figure
from ..part import Setting


async def measure(setting: Setting) -> list[Figure]:
    """Nothing yet."""
    return []
