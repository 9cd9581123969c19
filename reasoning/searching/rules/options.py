"""Refuses options of rules that mean nothing. Pure."""

from __future__ import annotations

import math
from typing import Any, get_args

from engines import UsageError


def require_positive(rule: object, option: str) -> None:
    """Refuses a number that is not finite or not above 0.

    Raises:
        UsageError: It is neither.
    """
    value = getattr(rule, option)
    if not 0 < value < math.inf:
        raise UsageError(f"{_named(rule, option)}: give a number above 0")


def require_from_zero(rule: object, option: str) -> None:
    """Refuses a number that is not finite or below 0.

    Raises:
        UsageError: It is either.
    """
    if not 0 <= getattr(rule, option) < math.inf:
        raise UsageError(f"{_named(rule, option)}: give 0 or more")


def require_count(rule: object, option: str) -> None:
    """Refuses a count below 1.

    Raises:
        UsageError: It is below.
    """
    if getattr(rule, option) < 1:
        raise UsageError(f"{_named(rule, option)}: at least 1 is needed")


def require_choice(rule: object, option: str, choices: Any) -> None:
    """Refuses what is not one of some literals.

    Args:
        rule: Has the option.
        option: Its name.
        choices: The type of the literals.

    Raises:
        UsageError: It is none of them.
    """
    known = get_args(choices)
    if getattr(rule, option) not in known:
        raise UsageError(f"{_named(rule, option)}: choose from {', '.join(known)}")


def _named(rule: object, option: str) -> str:
    return f"{type(rule).__name__} with {option}={getattr(rule, option)!r}"
