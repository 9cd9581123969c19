"""How many of some branches a join waits for. Pure: counts in, a decision out.

    All          every branch
    First        one that is usable
    KOfN         k that are usable
    Fraction     a share that is usable, rounded up
    Deadline     another policy, but no longer than some seconds

A branch that failed counts as ended, not as usable; where a policy cannot be met any more, a join waits for all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction as Exact
from typing import ClassVar, Protocol

from .errors import UsageError


class JoinPolicy(Protocol):
    """Says when a join has waited enough."""

    @property
    def seconds(self) -> float:
        """How long to wait at most."""
        ...

    def enough(self, usable: int, total: int) -> bool:
        """Whether `usable` of `total` branches will do."""
        ...


@dataclass(frozen=True)
class All:
    """Every branch, also where some fail."""

    seconds: ClassVar[float] = math.inf

    def enough(self, usable: int, total: int) -> bool:
        """Whether all are there."""
        return usable >= total


@dataclass(frozen=True)
class KOfN:
    """The first `k` usable branches; all of them where there are no more than `k`.

    Raises:
        UsageError: `k` is below 1.
    """

    seconds: ClassVar[float] = math.inf

    k: int

    def __post_init__(self) -> None:
        """Refuses to wait for nothing."""
        if self.k < 1:
            raise UsageError(f"a join of {self.k} branches waits for nothing: at least 1 is needed")

    def enough(self, usable: int, total: int) -> bool:
        """Whether `k` are there."""
        return usable >= min(self.k, total)


@dataclass(frozen=True)
class First(KOfN):
    """The first usable branch."""

    k: int = 1


@dataclass(frozen=True)
class Fraction:
    """The first usable branches that make up a share of all, rounded up.

    Raises:
        UsageError: The share is not in (0, 1].

    >>> Fraction(0.5).enough(2, 5), Fraction(0.5).enough(3, 5)
    (False, True)
    """

    seconds: ClassVar[float] = math.inf

    share: float

    def __post_init__(self) -> None:
        """Refuses what is no share."""
        if not 0 < self.share <= 1:
            raise UsageError(f"a join of a share of {self.share}: choose one above 0, 1 at most")

    def enough(self, usable: int, total: int) -> bool:
        """Whether the share is there."""
        # 0.1 of 30 are 3 branches, not the 4 that binary fractions make of it.
        return usable >= math.ceil(Exact(str(self.share)) * total)


@dataclass(frozen=True)
class Deadline:
    """Another policy, but no longer than some seconds: what has not ended by then is cancelled.

    Of deadlines within each other the shortest counts.

    Raises:
        UsageError: There is no time.
    """

    seconds: float
    within: JoinPolicy = All()

    def __post_init__(self) -> None:
        """Refuses a deadline that is over already."""
        if self.seconds <= 0:
            raise UsageError(f"a deadline of {self.seconds:g} s is over already: give some time")
        object.__setattr__(self, "seconds", min(self.seconds, self.within.seconds))

    def enough(self, usable: int, total: int) -> bool:
        """Whether the other policy has enough."""
        return self.within.enough(usable, total)
