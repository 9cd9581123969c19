"""`--set planner.KEY=VALUE`: options of the planner, the method and the reducer that a run is given by name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from engines import UsageError

from ..part_settings import THINGS, PartSettings

_OPTION = "--set"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument(_OPTION, metavar="KEY=VALUE", action="append", default=[],
        help="an option of the planner, method or reducer; repeat it: planner.max_steps=9, "
        "method.samples=16, method.reducer=best, method.reducer.scorer=verifier")  # fmt: skip


class Settings(PartSettings):
    """What `--set` says.

    Raises:
        UsageError: It does not say `planner.KEY=VALUE`, or says a key twice.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(_items(arguments.set), place=f"{_OPTION} ")


def _items(given: list[str]) -> Iterator[tuple[str, str]]:
    for item in given:
        name, separator, value = item.partition("=")
        if not separator:
            known = ", ".join(f"{thing}.KEY=VALUE" for thing in THINGS)
            raise UsageError(f"{_OPTION} {item}: write one of {known}")
        yield name, value
