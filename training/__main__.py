"""`python -m training train` and `python -m training evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


def main(arguments: Sequence[str]) -> None:
    """Runs the command that is named first."""
    commands = {"train": _train, "evaluate": _evaluate}
    name, *rest = arguments or ("",)
    if name not in commands:
        sys.exit("usage: python -m training {train,evaluate} ...; each knows --help")
    command: Callable[[Sequence[str]], None] = commands[name]
    command(rest)


def _train(arguments: Sequence[str]) -> None:
    from .training_command import command

    command(arguments)


def _evaluate(arguments: Sequence[str]) -> None:
    from .evaluation.command import evaluate

    evaluate(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
