"""Options of the planner, the method and the reducer that somebody gave by name: `method.samples=8`.

Where a part of one of these is a method, a reducer, a scorer or a stopping rule, the value is its name, and it has
options of its own: `method.scorer=verifier`, `method.scorer.votes=3`, in whatever order.

It does not know where they were written: a command line has them in `--set`, a request in its model's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from engines import Sampling, UsageError, configured
from reasoning import choices

T = TypeVar("T")

THINGS = ("planner", "method", "reducer")
"""What can have options."""


class PartSettings:
    """The options of a planner, a method and a reducer.

    Args:
        items: Names and values, such as `("method.samples", "8")`.
        place: What stands before a name where people write it, for messages.

    Raises:
        UsageError: A name is of none of these three, or is given twice.
    """

    def __init__(self, items: Iterable[tuple[str, str]], *, place: str = "") -> None:
        self.by_thing: Mapping[str, dict[str, str]] = {thing: {} for thing in THINGS}
        self._place = place
        for name, value in items:
            thing, dot, key = name.partition(".")
            if not dot or thing not in THINGS:
                known = ", ".join(f"{thing}.KEY=VALUE" for thing in THINGS)
                raise UsageError(f"{place}{name}={value}: write one of {known}")
            if key in self.by_thing[thing]:
                raise UsageError(f"{place}{name} is given twice")
            self.by_thing[thing][key] = value

    def applied(self, thing: str, given: T, sampling: Sampling) -> T:
        """The planner, method or reducer with its options.

        Args:
            thing: Which of the three it is.
            given: It, as it is without them.
            sampling: For parts that are chosen by name, in place of such as sample nothing.

        Raises:
            UsageError: It has no such option, or the option does not take the value.
        """
        place = f"{self._place}{thing}."
        return configured(given, self.by_thing[thing], place=place, named=choices(sampling))

    def refuse(self, thing: str, reason: str) -> None:
        """Refuses options of what is not there to take them.

        Raises:
            UsageError: There are some.
        """
        for key in self.by_thing[thing]:
            raise UsageError(f"{self._place}{thing}.{key}: {reason}")
