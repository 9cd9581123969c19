"""Pays for the calls of a run out of its budget: lets them wait, cuts waiting at the deadline, tells what was spent.

    reserve ─> wait while others may give back ─> call ─> commit ─┬─> wakes those that wait
                                                                  └─> spent(path, usage, calls, money)

The thin asynchronous shell around the accounts and the line of those that wait. It knows no engine.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import anyio

from engines import BudgetExhausted, Usage

from .account import Account, AccountStatistics, Reservation
from .amounts import NO_MONEY, Amount, Limits
from .budget import Budget
from .waiting_line import Grant, Request, WaitingLine, exhausted

WORK = "(work)"
"""The account of all that comes before the last reduction; no node can be called so."""

INSIDE = "(run)"
"""The account of a run inside a node; it is beneath that of the node."""

Clock = Callable[[], float]
"""The seconds that the run has taken, those before it was resumed included."""

SpentHook = Callable[[str, Usage, int, float], None]
"""Told at each commit: the account's path, what the call has cost, calls, money."""

_ONE_CALL = Amount(calls=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseStatistics:
    """Where a run's budget stands.

    Attributes:
        run: The whole run's account.
        waiting: How many calls wait for what others give back.
    """

    run: AccountStatistics
    waiting: int


class Purse:
    """The budget of one run while it runs.

    Args:
        budget: What the run may cost.
        clock: The seconds that the run has taken.
        spent: Told at each commit, for a journal to keep.

    Attributes:
        run: The account of the whole run; the last reduction is its child.
        work: The account of all that comes before; every other node is its child.
    """

    def __init__(
        self, budget: Budget | None = None, *, clock: Clock, spent: SpentHook | None = None
    ) -> None:
        budget = budget or Budget()
        self.run = Account(budget.limits)
        self.work = self.run.child(WORK, budget.work_limits)
        self._prices = budget.prices
        self._clock = clock
        self._spent = spent
        self._line = WaitingLine()

    def inside(self, account: Account, budget: Budget) -> Purse:
        """The budget of a run inside a node of this one: what it spends, the node spends too.

        Its seconds begin now, and where this run has prices, they are its prices.

        Args:
            account: The node's.
            budget: What the run inside may cost by itself.
        """
        inner = Purse(budget, clock=self._clock, spent=self._spent)
        inner.run = account.child(INSIDE, self._from_now(budget.limits))
        inner.work = inner.run.child(WORK, self._from_now(budget.work_limits))
        inner._prices = self._prices or budget.prices
        inner._line = self._line
        return inner

    def _from_now(self, limits: Limits) -> Limits:
        if limits.seconds is None:
            return limits
        return replace(limits, seconds=self._clock() + limits.seconds)

    async def reserve(self, account: Account, place: str, *, prompt: int, tokens: int) -> Grant:
        """Reserves what a call may cost; waits while calls that run may give back what is missing.

        Args:
            account: Who pays.
            place: Who asks, for a person.
            prompt: The tokens that the call sends.
            tokens: The most that it wants to generate.

        Returns:
            What it may spend, to be committed when the call has ended: less than it wants where nothing more can
            come back.

        Raises:
            BudgetExhausted: Not one token is left after the prompt, no call is left, or time is over.
        """
        request = Request(
            account=account, place=place, prompt=prompt, tokens=tokens, prices=self._prices
        )
        self._line.ask(request, self._clock())
        if request.verdict is None:
            await self._wait(request)
        if isinstance(request.verdict, Grant):
            return request.verdict
        raise request.verdict or self.over(account, place)

    async def _wait(self, request: Request) -> None:
        decided = anyio.Event()
        request.wake = decided.set
        try:
            with anyio.move_on_after(self.seconds_left(request.account)):
                await decided.wait()
        except BaseException:
            if isinstance(request.verdict, Grant):
                request.account.release(request.verdict.reservation)
                self._settle(request.account)
            raise
        finally:
            self._line.leave(request, self._clock())

    def _settle(self, account: Account) -> None:
        if len(self._line):
            self._line.settle(account, self._clock())

    def commit(self, reservation: Reservation, usage: Usage) -> None:
        """Books what a call has cost, and gives the rest of what was reserved to those that wait."""
        reservation.account.release(reservation)
        self.book(reservation.account, usage, reservation.amount.calls)

    def book(self, account: Account, usage: Usage, calls: int = 1) -> None:
        """Books what a call has cost for which nothing was reserved, since nothing limited its account."""
        money = NO_MONEY if self._prices is None else self._prices.of(usage)
        account.book(usage, calls, money)
        self._settle(account)
        if self._spent is not None:
            self._spent(account.path, usage, calls, float(money))

    @asynccontextmanager
    async def call(self, account: Account, place: str) -> AsyncIterator[None]:
        """Pays for one call of a tool, and cuts it when time is over.

        Raises:
            BudgetExhausted: No call is left, or time is over.
        """
        reservation = account.reserve(_ONE_CALL, at=self._clock())
        if not isinstance(reservation, Reservation):
            raise exhausted(reservation[0], place)
        # At once: a tool may call an engine, which must not wait for the tool's end.
        self.commit(reservation, Usage())
        with anyio.move_on_after(self.seconds_left(account)) as scope:
            yield
        if scope.cancelled_caught:
            raise self.over(account, place)

    def seconds_left(self, account: Account) -> float:
        """How long an account's calls may go on; infinite without a limit."""
        deadline = account.deadline
        return math.inf if deadline == math.inf else max(deadline - self._clock(), 0.0)

    def over(self, account: Account, place: str) -> BudgetExhausted:
        """The error of a call for which time is over."""
        return BudgetExhausted("seconds", account.deadline, account.deadline, place)

    def restore(self, path: str, usage: Usage, calls: int, money: float) -> None:
        """Books what was told to `spent` before the run was resumed."""
        self.run.beneath(path).book(usage, calls, Decimal(str(money)))

    def statistics(self) -> PurseStatistics:
        """Where the budget stands."""
        return PurseStatistics(run=self.run.statistics(), waiting=len(self._line))
