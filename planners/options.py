"""Checks of what planners are configured with."""

from __future__ import annotations

from engines import UsageError


def check_least(planner: object, **least: int) -> None:
    """Refuses options of a planner that are below their least value.

    Raises:
        UsageError: With the first such option.
    """
    for name, bound in least.items():
        value = getattr(planner, name)
        if value < bound:
            raise UsageError(
                f"{type(planner).__name__} with {name}={value}: at least {bound} is needed"
            )
