"""What wrappers tell about a call while it goes on, for people to see. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NoticeKind = Literal["retried", "hedged", "failed-over", "clamped", "cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a wrapper did with a call.

    Attributes:
        kind: `retried` after an error, `hedged` by a second try, `failed-over` to another replica, `clamped` to
            fewer tokens by a budget, `cut` in the middle by one.
        path: The path of the call's context.
        reason: Why, in a line.
    """

    kind: NoticeKind
    path: str
    reason: str


Notify = Callable[[Notice], None]


def ignore(notice: Notice) -> None:
    """Tells nobody."""
