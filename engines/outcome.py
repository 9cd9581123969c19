"""What became of a branch, and how branches are waited for. A failed branch is data; a bug is an exception."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import anyio

from .errors import ForkjoinError

T = TypeVar("T")

Status = Literal["ok", "truncated", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a branch.

    Attributes:
        status: `ok`; `truncated` (a limit cut it, the value is what there was); `failed`; `cancelled` (it was not
            needed, or what it needed failed).
        value: What the branch gave; None unless it is usable.
        reason: Why it is not ok, for a person; empty if it is.
    """

    status: Status
    value: T | None = None
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Whether there is a value to go on with."""
        return self.status in ("ok", "truncated")


async def join(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[Outcome[T]]:
    """Runs the calls at the same time and waits for all.

    Returns:
        The outcomes in the order of the calls, whatever the order in which they ended. An error of the
        forkjoin tree becomes a failed outcome; anything else is a bug and cancels the siblings.
    """
    outcomes: list[Outcome[T]] = [Outcome("cancelled", reason="not started")] * len(calls)

    async def run(index: int) -> None:
        try:
            outcomes[index] = Outcome("ok", await calls[index]())
        except ForkjoinError as error:
            outcomes[index] = Outcome("failed", reason=str(error))

    async with anyio.create_task_group() as group:
        for index in range(len(calls)):
            group.start_soon(run, index)
    return outcomes
