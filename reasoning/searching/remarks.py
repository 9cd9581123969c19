"""What a reader should know of a search, said once: each wave may have the same to say. Pure."""

from __future__ import annotations

# A search of thousands of waves would tell thousands.
_MOST = 5


class Remarks:
    """Remarks in their order, each once; the first ones are told, and how many more there were."""

    def __init__(self) -> None:
        self._all: dict[str, None] = {}

    def add(self, remark: str) -> None:
        """Takes a remark; an empty one is none."""
        if remark:
            self._all[remark] = None

    def __str__(self) -> str:
        told = list(self._all)
        more = len(told) - _MOST
        return "; ".join(told[:_MOST] + ([f"{more} more remarks"] if more > 0 else []))
