"""The records of a budget: what is limited, asked for, missing and spent.

Money is decimal, so that what is refunded is exactly what was reserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engines import Usage

What = Literal["tokens", "calls", "money", "seconds"]

NO_MONEY = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that an account may spend; None is no limit.

    Attributes:
        tokens: Tokens sent and generated.
        calls: Calls of engines and tools.
        money: What these cost.
        seconds: When it has to end, in seconds of the run.
    """

    tokens: int | None = None
    calls: int | None = None
    money: Decimal | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What calls may cost at most."""

    tokens: int = 0
    calls: int = 0
    money: Decimal = NO_MONEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls have cost."""

    usage: Usage = Usage()
    calls: int = 0
    money: Decimal = NO_MONEY

    @property
    def tokens(self) -> int:
        """Tokens sent and generated."""
        return self.usage.prompt_tokens + self.usage.generated_tokens
