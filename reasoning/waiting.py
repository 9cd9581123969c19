"""How many threads a method waits for, in the words of the papers. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engines import All, Deadline, First, Fraction, JoinPolicy, KOfN, UsageError

Wait = Literal["last", "first", "half"] | Annotated[int, Field(ge=1)]


def wait_policy(wait: Wait, deadline: float | None = None) -> JoinPolicy:
    """The policy of a wait: for the last thread, the first, half of them rounded up, or for so many.

    Args:
        wait: What to wait for (last-finish, first-finish and half-finish in ParaThinker, section 3).
        deadline: The most seconds to wait; None waits as long as it takes.

    Raises:
        UsageError: It waits for no thread, for no time, or for what is none of these.

    >>> wait_policy("half").enough(2, 4), wait_policy(3).enough(2, 4)
    (True, False)
    """
    named: dict[Wait, JoinPolicy] = {"last": All(), "first": First(), "half": Fraction(0.5)}
    policy = named.get(wait)
    if policy is None:
        # True and 1.5 would be counted as well.
        if not isinstance(wait, int) or isinstance(wait, bool):
            raise UsageError(
                f"there is no wait {wait!r}: choose {', '.join(map(str, named))}, or a whole number"
            )
        policy = KOfN(wait)
    return policy if deadline is None else Deadline(deadline, policy)
