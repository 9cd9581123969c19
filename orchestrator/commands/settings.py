"""`--set planner.KEY=VALUE`: options of the planner, the method and the reducer that a run is given by name.

Where a part of one of these is a method, a reducer, a scorer or a stopping rule, the value is its name, and it has
options of its own: `method.scorer=verifier`, `method.scorer.votes=3`, in whatever order.
"""

from __future__ import annotations

import argparse
from typing import TypeVar

from engines import Sampling, UsageError, configured
from reasoning import choices

T = TypeVar("T")

_OPTION = "--set"
_THINGS = ("planner", "method", "reducer")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument(_OPTION, metavar="KEY=VALUE", action="append", default=[],
        help="an option of the planner, method or reducer; repeat it: planner.max_steps=9, "
        "method.samples=16, method.reducer=best, method.reducer.scorer=verifier")  # fmt: skip


class Settings:
    """What `--set` says.

    Raises:
        UsageError: It does not say `planner.KEY=VALUE`, or says a key twice.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._by_thing: dict[str, dict[str, str]] = {thing: {} for thing in _THINGS}
        for item in arguments.set:
            name, separator, value = item.partition("=")
            thing, dot, key = name.partition(".")
            if not separator or not dot or thing not in _THINGS:
                known = ", ".join(f"{thing}.KEY=VALUE" for thing in _THINGS)
                raise UsageError(f"{_OPTION} {item}: write one of {known}")
            if key in self._by_thing[thing]:
                raise UsageError(f"{_OPTION} {name} is given twice")
            self._by_thing[thing][key] = value

    def applied(self, thing: str, given: T, sampling: Sampling) -> T:
        """The planner, method or reducer with its options.

        Args:
            thing: Which of the three it is.
            given: It, as it is without them.
            sampling: For parts that are chosen by name, in place of such as sample nothing.

        Raises:
            UsageError: It has no such option, or the option does not take the value.
        """
        return configured(
            given, self._by_thing[thing], place=f"{_OPTION} {thing}.", named=choices(sampling)
        )

    def refuse(self, thing: str, reason: str) -> None:
        """Refuses options of what is not there to take them.

        Raises:
            UsageError: There are some.
        """
        for key in self._by_thing[thing]:
            raise UsageError(f"{_OPTION} {thing}.{key}: {reason}")
