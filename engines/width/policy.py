"""Where to search for the best width. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UsageError

_STEP = 2**0.125


@dataclass(frozen=True, kw_only=True)
class WidthPolicy:
    """Where to search, and how often.

    Attributes:
        narrowest: The smallest width.
        widest: The largest width.
        start: The first one.
        patience: Seconds of work at the best width before its neighbours are looked at again. Where that changes
            nothing, it doubles, up to four times as long.

    Raises:
        UsageError: The widths are out of order.
    """

    narrowest: int = 8
    widest: int = 1024
    start: int = 128
    patience: float = 30

    def __post_init__(self) -> None:
        """Refuses a start that is out of bounds."""
        if not 1 <= self.narrowest <= self.start <= self.widest:
            raise UsageError(f"{self} needs 1 <= narrowest <= start <= widest")

    @property
    def grid(self) -> tuple[int, ...]:
        """The widths to choose from: the start times or by powers of 1.09, and both bounds.

        >>> WidthPolicy(narrowest=50, start=64, widest=80).grid
        (50, 54, 59, 64, 70, 76, 80)
        """
        widths = {self.narrowest, self.start, self.widest}
        widths |= {round(self.start * _STEP**step) for step in range(-128, 129)}
        return tuple(sorted(w for w in widths if self.narrowest <= w <= self.widest))
