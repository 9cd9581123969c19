"""A node of a budget's tree: what may be spent beneath it, what is promised, and what has been spent.

    root ─┬─ (work) ─┬─ (planner)
          │          ├─ node 1
          │          └─ node 2
          └─ the last reduction

What is spent counts at every node up to the root, and what is reserved at every one that has a limit. Pure: it
knows no clock, no task and no engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from engines import Usage

from .amounts import NO_MONEY, Amount, Limits, Spent, What

_COUNTED: tuple[What, ...] = ("tokens", "calls", "money")


@dataclass(slots=True, eq=False)
class Reservation:
    """A promise of an account to a call that runs.

    Attributes:
        account: Whose.
        amount: The most that the call may cost.
        counted: The accounts with limits at which it counts.
        open: Whether the call still runs.
    """

    account: Account
    amount: Amount
    counted: tuple[Account, ...]
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What an account lacks for a call.

    Attributes:
        what: Of what there is too little.
        account: Where.
        available: How much there is now.
        refundable: How much the calls that run may give back of what was reserved for them.
    """

    what: What
    account: Account
    available: int | Decimal
    refundable: int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatistics:
    """Where an account stands.

    Attributes:
        path: The names from below the root, joined by slashes.
        limits: What it may spend.
        spent: What the calls that have ended have cost.
        reserved: What the calls that run may cost; nothing where there is no limit.
    """

    path: str
    limits: Limits
    spent: Spent
    reserved: Amount


class Account:
    """A node of the tree.

    Args:
        limits: What may be spent at it and beneath it.

    Attributes:
        path: The names from below the root, joined by slashes; empty for the root.
        lineage: The nodes from the root to this one.
        limits: What may be spent; None is anything.

    >>> root = Account(Limits(tokens=100))
    >>> call = root.child("a").reserve(Amount(tokens=70, calls=1))
    >>> root.reserve(Amount(tokens=40))[0].available
    30
    >>> call.account.commit(call, Usage(prompt_tokens=20, generated_tokens=5))
    >>> root.reserved.tokens, root.spent.tokens
    (0, 25)
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.path = ""
        self.limits = _real(limits)
        self.lineage: tuple[Account, ...] = (self,)
        self._children: dict[str, Account] = {}
        self._spent = _Spending()
        self._reserved = _Promise()

    def child(self, name: str, limits: Limits | None = None) -> Account:
        """The account beneath this one that is called so: the same each time.

        Limits that are given take the place of those it had.
        """
        child = self._children.get(name)
        if child is None:
            if "/" in name:
                raise ValueError(f"{name!r} has a slash, which parts the names in a path")
            child = self._children[name] = Account()
            child.path = f"{self.path}/{name}" if self.path else name
            child.lineage = (*self.lineage, child)
        if limits is not None:
            child.limits = _real(limits)
        return child

    def unlisted(self) -> Account:
        """An account beneath this one that nobody finds again: its own record goes with whoever holds it.

        What it spends is told as this one's, so that thousands of them leave one record.
        """
        child = Account()
        child.path, child.lineage = self.path, (*self.lineage, child)
        return child

    def beneath(self, path: str) -> Account:
        """The account whose path from here is `path`."""
        account = self
        for name in filter(None, path.split("/")):
            account = account.child(name)
        return account

    def of(self, name: str) -> Spent:
        """What the account beneath this one that is called so has spent; nothing where there is none."""
        child = self._children.get(name)
        return Spent() if child is None else child.spent

    @property
    def limited(self) -> bool:
        """Whether it has a limit, or an account above it has."""
        return any(account.limits is not None for account in self.lineage)

    @property
    def metered(self) -> bool:
        """Whether a limit counts what a call receives, so that this has to be known of a call that is cut."""
        return any(
            limit is not None
            for account in self.lineage
            if (limits := account.limits) is not None
            for limit in (limits.tokens, limits.money, limits.seconds)
        )

    @property
    def deadline(self) -> float:
        """When its calls have to end, in seconds of the run."""
        end = math.inf
        for account in self.lineage:
            if account.limits is not None and account.limits.seconds is not None:
                end = min(end, account.limits.seconds)
        return end

    @property
    def spent(self) -> Spent:
        """What the calls that have ended have cost."""
        return self._spent.record()

    @property
    def reserved(self) -> Amount:
        """What the calls that run may cost; nothing where there is no limit."""
        return Amount(
            tokens=self._reserved.tokens, calls=self._reserved.calls, money=self._reserved.money
        )

    def used(self, what: What) -> int | Decimal:
        """How much of it is spent or reserved."""
        used: int | Decimal = getattr(self._spent, what) + getattr(self._reserved, what)
        return used

    def reserve(self, amount: Amount, *, at: float = 0) -> Reservation | list[Shortage]:
        """Promises an amount to a call, or says what is missing for it, what is missing at the root first.

        Args:
            amount: The most that the call may cost.
            at: The time, in seconds of the run.
        """
        shortages = []
        counted = []
        for account in self.lineage:
            if account.limits is not None:
                shortages += account._shortages(account.limits, amount, at)
                counted.append(account)
        if shortages:
            return shortages
        for account in counted:
            account._reserved.add(amount)
        return Reservation(self, amount, tuple(counted))

    def _shortages(self, limits: Limits, amount: Amount, at: float) -> list[Shortage]:
        short = []
        for what in _COUNTED:
            limit = getattr(limits, what)
            if limit is not None and (asked := getattr(amount, what)):
                available = max(limit - self.used(what), 0)
                if asked > available:
                    # A call counts from its start, whatever becomes of it.
                    refundable = 0 if what == "calls" else getattr(self._reserved, what)
                    short.append(
                        Shortage(
                            what=what, account=self, available=available, refundable=refundable
                        )
                    )
        end = limits.seconds
        if end is not None and at >= end:
            short.append(Shortage(what="seconds", account=self, available=0, refundable=0))
        return short

    def commit(self, reservation: Reservation, usage: Usage, money: Decimal = NO_MONEY) -> None:
        """Books what a call has cost, and refunds the rest of what was reserved for it.

        A call may cost more than was reserved where its prompt could only be estimated; it then counts in full.
        """
        self.release(reservation)
        self.book(usage, reservation.amount.calls, money)

    def release(self, reservation: Reservation) -> None:
        """Refunds all that was reserved for a call that is not made."""
        if reservation.account is not self or not reservation.open:
            raise ValueError(f"nothing is reserved at {self.path!r} for this call")
        reservation.open = False
        for account in reservation.counted:
            account._reserved.remove(reservation.amount)

    def book(self, usage: Usage, calls: int = 1, money: Decimal = NO_MONEY) -> None:
        """Counts what calls have cost for which nothing was reserved, such as those of an earlier process.

        It counts in full, if need be above the limits.
        """
        for account in self.lineage:
            account._spent.add(usage, calls, money)

    def statistics(self) -> AccountStatistics:
        """Where it stands."""
        return AccountStatistics(
            path=self.path, limits=self.limits or Limits(), spent=self.spent, reserved=self.reserved
        )


def _real(limits: Limits | None) -> Limits | None:
    return None if limits == Limits() else limits


@dataclass(slots=True)
class _Promise:
    """The sum of what is reserved: changed in place, since it changes at every call."""

    tokens: int = 0
    calls: int = 0
    money: Decimal = NO_MONEY

    def add(self, amount: Amount) -> None:
        self.tokens += amount.tokens
        self.calls += amount.calls
        self.money += amount.money

    def remove(self, amount: Amount) -> None:
        self.tokens -= amount.tokens
        self.calls -= amount.calls
        self.money -= amount.money


@dataclass(slots=True)
class _Spending:
    """The sum of what is spent: adding usages up one by one would cost ten times as much."""

    prompt: int = 0
    cached: int | None = 0
    generated: int = 0
    lower_bound: bool = False
    calls: int = 0
    money: Decimal = NO_MONEY

    @property
    def tokens(self) -> int:
        return self.prompt + self.generated

    def add(self, usage: Usage, calls: int, money: Decimal) -> None:
        self.prompt += usage.prompt_tokens
        self.generated += usage.generated_tokens
        if self.cached is not None:
            cached = usage.cached_tokens
            self.cached = None if cached is None else self.cached + cached
        self.lower_bound = self.lower_bound or usage.lower_bound
        self.calls += calls
        self.money += money

    def record(self) -> Spent:
        usage = Usage(
            prompt_tokens=self.prompt,
            cached_tokens=self.cached,
            generated_tokens=self.generated,
            lower_bound=self.lower_bound,
        )
        return Spent(usage=usage, calls=self.calls, money=self.money)
