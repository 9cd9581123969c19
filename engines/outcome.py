"""What became of a branch. A failed branch is data; a bug is an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Status = Literal["ok", "truncated", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a branch.

    Attributes:
        status: `ok`; `truncated` (a limit cut it, the value is what there was); `failed`; `cancelled` (it was not
            needed, or what it needed failed).
        value: What the branch gave. Of one that failed or was left behind, what was kept of it; None if nothing was.
        reason: Why it is not ok, for a person; empty if it is.
    """

    status: Status
    value: T | None = None
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Whether there is a value to go on with."""
        return self.status in ("ok", "truncated")
