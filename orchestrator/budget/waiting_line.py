"""Who gets what of a budget, and who waits: in the order in which they came. Pure: it knows no clock and no task.

A call that finds too little waits at the account where it is short, as long as calls that run may give something
back; whoever comes later and needs the same account waits behind it, and others pass. When nothing can come back
any more, it gets what is left, or learns that the budget is exhausted. So it never waits for ever: at the head of
every line stands a call for which a call that runs may still give something back.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from engines import BudgetExhausted

from .account import Account, Reservation, Shortage
from .amounts import NO_MONEY, Amount, What
from .budget import Prices


class Grant(NamedTuple):
    """What a call may spend.

    Attributes:
        reservation: What was reserved for it.
        tokens: How many it may generate.
        clamped_by: What there was too little of, if it wanted to generate more; else None.
    """

    reservation: Reservation
    tokens: int
    clamped_by: What | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Request:
    """A call that asks for its budget.

    Attributes:
        account: Who pays.
        place: Who asks, for a person.
        prompt: The tokens that it sends.
        tokens: The most that it wants to generate.
        prices: What tokens cost.
        wake: Called when there is a verdict.
        verdict: What came of it; None while it waits.
    """

    account: Account
    place: str
    prompt: int
    tokens: int
    prices: Prices | None = None
    wake: Callable[[], None] = lambda: None
    verdict: Grant | BudgetExhausted | None = None
    _left: bool = field(default=False, init=False)

    def cost(self, tokens: int) -> Amount:
        """What it costs at most to generate so many tokens."""
        money = NO_MONEY
        if self.prices is not None:
            money = self.prices.before(self.prompt) + tokens * self.prices.token
        return Amount(tokens=self.prompt + tokens, calls=1, money=money)

    def affordable(self, what: What, available: int | Decimal) -> int:
        """How many of the tokens can be generated with what is available of one thing; below 1 if none."""
        if what == "tokens":
            return min(self.tokens, int(available) - self.prompt)
        if what == "money" and self.prices is not None:
            rest = available - self.prices.before(self.prompt)
            if self.prices.token:
                return min(self.tokens, int(rest // self.prices.token))
            return self.tokens if rest >= 0 else 0
        return 0


class WaitingLine:
    """All calls of a run that wait for budget."""

    def __init__(self) -> None:
        self._lines: dict[Account, list[tuple[int, Request]]] = {}
        self._numbers = itertools.count()
        self._length = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._length

    def ask(self, request: Request, at: float) -> None:
        """Decides about a request at once, or lets it wait.

        Args:
            request: Gets its verdict now or later.
            at: The time, in seconds of the run.
        """
        number = next(self._numbers)
        place = self._ahead(request, number) or self._decide(request, at)
        if place is not None:
            self._join(place, number, request)
            self._length += 1

    def leave(self, request: Request, at: float) -> None:
        """Takes back a request that waits."""
        if request.verdict is None:
            request._left = True
            self._length -= 1
            self.settle(request.account, at)

    def settle(self, account: Account, at: float) -> None:
        """Serves those that wait at an account or above it, since something was given back there."""
        places = set(account.lineage) & self._lines.keys()
        while places:
            place = min(places, key=self._turn)
            if not self._serve(place, at):
                places.remove(place)
            places &= self._lines.keys()

    def _serve(self, place: Account, at: float) -> bool:
        """Serves the first in a line; returns whether it has left it."""
        line = self._lines[place]
        number, request = line[0]
        where = None
        if not request._left:
            where = self._ahead(request, number) or self._decide(request, at)
        if where is place:
            return False
        heapq.heappop(line)
        if not line:
            del self._lines[place]
        if where is not None:
            self._join(where, number, request)
        elif not request._left:
            self._length -= 1
            request.wake()
        return True

    def _ahead(self, request: Request, number: int) -> Account | None:
        """Where one that came earlier waits for the same."""
        for place in request.account.lineage:
            if place in self._lines and self._turn(place) < number:
                return place
        return None

    def _turn(self, place: Account) -> int:
        """When the first one in a line came."""
        return self._lines[place][0][0]

    def _join(self, place: Account, number: int, request: Request) -> None:
        heapq.heappush(self._lines.setdefault(place, []), (number, request))

    def _decide(self, request: Request, at: float) -> Account | None:
        """Gives a verdict, or says at which account to wait for one."""
        tokens, clamped_by = request.tokens, None
        while True:
            answer = request.account.reserve(request.cost(tokens), at=at)
            if isinstance(answer, Reservation):
                request.verdict = Grant(reservation=answer, tokens=tokens, clamped_by=clamped_by)
                return None
            tightest = min(answer, key=lambda shortage: _most(request, shortage))
            most = _most(request, tightest)
            if most < 1:
                request.verdict = exhausted(tightest, request.place, request.prompt + 1)
                return None
            if most >= tokens:
                return answer[0].account
            tokens, clamped_by = most, tightest.what


def _most(request: Request, shortage: Shortage) -> int:
    """How many tokens could be generated if all came back that may."""
    return request.affordable(shortage.what, shortage.available + shortage.refundable)


def exhausted(shortage: Shortage, place: str, tokens: int | None = None) -> BudgetExhausted:
    """The error of a call at `place` for which there is too little; with so many tokens it could have begun."""
    limit = getattr(shortage.account.limits, shortage.what)
    used = limit if shortage.what == "seconds" else shortage.account.used(shortage.what)
    least = None
    if tokens is not None and shortage.what == "tokens":
        least = limit + tokens - shortage.available - shortage.refundable
    return BudgetExhausted(shortage.what, float(used), float(limit), place, least=least)
