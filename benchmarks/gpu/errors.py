"""What makes a part of the headline table fail: a wrong figure is worse than none.

ForkjoinError
└── Mismeasured     something else was measured than what the figure says
"""

from __future__ import annotations

from engines import ForkjoinError


class Mismeasured(ForkjoinError):
    """Something else was measured than what the figure says, such as fewer tokens."""


def require(holds: bool, problem: str) -> None:
    """Refuses to go on where something does not hold.

    Args:
        holds: Whether it does.
        problem: What is the case instead.

    Raises:
        Mismeasured: It does not.
    """
    if not holds:
        raise Mismeasured(problem)
