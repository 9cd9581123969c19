"""Runs branches side by side and waits for as many as a policy asks. The only place where methods race.

calls ─> task group ─> outcomes in the order of the calls
              └─ enough, or too late ─> the rest is cancelled, and its requests are aborted in the engine
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio

from .attempt import new_attempt
from .engine import Engine
from .error_groups import single_error
from .errors import ForkjoinError, RunError
from .join_policy import All, JoinPolicy
from .outcome import Outcome

T = TypeVar("T")

_NOT_NEEDED = "the others were enough"
_ONE_FAILED = "another one failed"
_TOO_LATE = "it did not end in time"


async def join(
    calls: Sequence[Callable[[], Awaitable[T]]],
    policy: JoinPolicy | None = None,
    *,
    engine: Engine | None = None,
    path: str = "",
    repeats: int = 0,
    fail_fast: bool = False,
    keep: Callable[[int], Any] | None = None,
) -> list[Outcome[T]]:
    """Runs the calls at the same time and waits for as many as the policy asks.

    Args:
        calls: The branches.
        policy: When to stop waiting; None waits for all.
        engine: Keeps who was in time, under `path`, so that a run that is resumed takes the same way. Needed where
            the policy can leave branches behind.
        path: The decision's name, unique in a run: the path of the context that the branches fork from.
        repeats: How often branches that gave nothing are run again, only these, while the policy has not enough.
        fail_fast: Whether the first failure cancels the rest, to be run again with what failed if there are repeats.
        keep: Tells what is there of the branch of this number when it is left behind, as JSON data. How far it was
            depends on time, so it is part of the decision. It becomes the value of the branch's outcome.

    Returns:
        The outcomes in the order of the calls, whatever the order in which they ended. An error of the
        forkjoin tree becomes a failed outcome; anything else is a bug, which cancels the siblings and is raised as
        itself. In a run that is resumed, branches that failed are tried again; those that were late or not needed are
        not.
    """
    policy = policy or All()
    race = _Race(calls, policy, repeats, fail_fast, keep or _nothing)
    if engine is None or (isinstance(policy, All) and not fail_fast):
        await race.run(range(len(calls)))
        return race.outcomes

    async def choose() -> list[list[Any]]:
        await race.run(range(len(calls)))
        return [_record(outcome) for outcome in race.outcomes]

    decided = await engine.decide(f"{path}#join", choose)
    if not race.ran:
        await race.follow(decided)
    return race.outcomes


async def outcome_of(call: Callable[[], Awaitable[T]]) -> Outcome[T]:
    """What becomes of one branch: an error of the forkjoin tree is a failure, anything else is raised.

    Raises:
        RunError: No branch can go on, whatever became of this one.
    """
    try:
        return Outcome("ok", await call())
    except RunError:
        raise
    except ForkjoinError as error:
        return Outcome("failed", reason=str(error))


class _Race:
    def __init__(
        self,
        calls: Sequence[Callable[[], Awaitable[T]]],
        policy: JoinPolicy,
        repeats: int,
        fail_fast: bool,
        keep: Callable[[int], Any],
    ) -> None:
        self._calls = calls
        self._policy = policy
        self._repeats = repeats
        self._fail_fast = fail_fast
        self._keep = keep
        self.outcomes: list[Outcome[Any]] = [
            Outcome("cancelled", reason=_NOT_NEEDED) for _ in calls
        ]
        self.ran = False
        self._usable = 0

    @property
    def enough(self) -> bool:
        return self._policy.enough(self._usable, len(self._calls))

    async def run(self, branches: Sequence[int]) -> None:
        self.ran = True
        with anyio.move_on_after(self._policy.seconds) as scope:
            await self._rounds(branches)
        reason = _NOT_NEEDED if self.enough else _ONE_FAILED
        if scope.cancelled_caught:
            reason = _TOO_LATE
        self.outcomes = [
            Outcome("cancelled", self._keep(i), reason)
            if outcome.status == "cancelled"
            else outcome
            for i, outcome in enumerate(self.outcomes)
        ]

    async def follow(self, decided: Sequence[Sequence[Any]]) -> None:
        """Runs the branches that ended, and what failures had cut; what became of the others stays."""
        self.outcomes = [Outcome("cancelled", kept, reason) for _, reason, kept in decided]
        ended = [i for i, (status, _, _) in enumerate(decided) if status != "cancelled"]
        cut = [i for i, (_, reason, _) in enumerate(decided) if reason == _ONE_FAILED]
        fail_fast = self._fail_fast
        # What was in time is so again, however late it is now and whatever fails beside it.
        self._policy, self._fail_fast = All(), False
        await self._rounds(ended)
        if all(self.outcomes[i].usable for i in ended):
            self._fail_fast = fail_fast
            await self._rounds(cut)

    async def _rounds(self, branches: Sequence[int]) -> None:
        await self._round(branches)
        for _ in range(self._repeats):
            branches = [i for i in branches if not self.outcomes[i].usable]
            if self.enough or not branches:
                break
            with new_attempt():
                await self._round(branches)

    async def _round(self, branches: Sequence[int]) -> None:
        with single_error():
            await self._side_by_side(branches)

    async def _side_by_side(self, branches: Sequence[int]) -> None:
        async with anyio.create_task_group() as group:

            async def run(index: int) -> None:
                outcome = self.outcomes[index] = await outcome_of(self._calls[index])
                # Counted here, since counting all at every end would take a time that grows with the square.
                self._usable += outcome.usable
                if self._fail_fast and not outcome.usable:
                    group.cancel_scope.cancel()
                if self.enough:
                    group.cancel_scope.cancel()

            for index in branches:
                group.start_soon(run, index)


def _record(outcome: Outcome[Any]) -> list[Any]:
    """What is decided of a branch: its end, its reason, and what is kept of it where it was left behind."""
    kept = outcome.value if outcome.status == "cancelled" else None
    return [outcome.status, outcome.reason, kept]


def _nothing(index: int) -> None:
    return None
