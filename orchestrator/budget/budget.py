"""What a run may cost at most, as a person says it. It knows nothing of what has been spent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from engines import Usage, UsageError

from .amounts import Limits

_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a million tokens cost, in any currency.

    Attributes:
        prompt: Tokens of the contexts sent.
        cached: Of these, the ones that the engine took from its prefix cache; None if they cost the same.
        generated: Tokens sampled.

    Raises:
        UsageError: A price is negative, or no number.

    >>> prices = Prices(prompt=0.25, generated=2)
    >>> float(prices.of(Usage(prompt_tokens=1000, generated_tokens=500)))
    0.00125
    """

    prompt: float
    generated: float
    cached: float | None = None

    def __post_init__(self) -> None:
        """Refuses what is no price."""
        for name, price in vars(self).items():
            if price is not None and not 0 <= price < math.inf:
                raise UsageError(
                    f"a price of {price} for {name} tokens: give the price of a million, at least 0"
                )

    def of(self, usage: Usage) -> Decimal:
        """What a call has cost. Where the engine does not say what was cached, nothing was."""
        cached = usage.cached_tokens or 0
        return (
            (usage.prompt_tokens - cached) * self._prompt
            + cached * self._cached
            + usage.generated_tokens * self.token
        )

    def before(self, prompt_tokens: int) -> Decimal:
        """What a prompt costs at most."""
        return prompt_tokens * max(self._prompt, self._cached)

    @cached_property
    def token(self) -> Decimal:
        """What a generated token costs."""
        return _exact(self.generated) / _MILLION

    @cached_property
    def _prompt(self) -> Decimal:
        return _exact(self.prompt) / _MILLION

    @cached_property
    def _cached(self) -> Decimal:
        return self._prompt if self.cached is None else _exact(self.cached) / _MILLION


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a run may cost at most; None sets no limit.

    Attributes:
        tokens: Tokens sent and generated, cached ones included.
        calls: Calls of engines, each try counted, and of tools.
        seconds: How long it may take; what runs then is cut.
        money: What all calls may cost at these prices.
        prices: What tokens cost; needed for a limit on money, and counted without one.
        final_share: The share of tokens, calls, seconds and money that is kept back for the node that gives the answer.

    Raises:
        UsageError: A limit that allows nothing, money without prices, or a share outside of [0, 1).
    """

    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    money: float | None = None
    prices: Prices | None = None
    final_share: float = 0.1

    def __post_init__(self) -> None:
        """Refuses what is no budget."""
        for name in ("tokens", "calls", "seconds", "money"):
            limit = getattr(self, name)
            if limit is not None and not 0 < limit < math.inf:
                raise UsageError(
                    f"a budget of {limit} {name} is none: give more than 0, or leave it out for no limit"
                )
        if self.money is not None and self.prices is None:
            raise UsageError(f"a budget of {self.money} money says nothing: give the prices too")
        if not 0 <= self.final_share < 1:
            raise UsageError(
                f"a share of {self.final_share} for the last reduction: choose one from 0 to below 1"
            )

    @property
    def limits(self) -> Limits:
        """The limits of the whole run."""
        return Limits(
            tokens=self.tokens,
            calls=self.calls,
            seconds=self.seconds,
            money=None if self.money is None else _exact(self.money),
        )

    @property
    def work_limits(self) -> Limits:
        """The limits of all that comes before the last reduction. Where something is left, it is at least one."""
        whole, work = self.limits, 1 - _exact(self.final_share)

        def less(limit: int | None) -> int | None:
            return None if limit is None else max(math.floor(limit * work), 1)

        return Limits(
            tokens=less(whole.tokens),
            calls=less(whole.calls),
            seconds=None if whole.seconds is None else whole.seconds * float(work),
            money=None if whole.money is None else whole.money * work,
        )


def _exact(number: float) -> Decimal:
    """The number that a person wrote, not the binary fraction next to it."""
    return Decimal(str(number))
