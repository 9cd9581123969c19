"""`python -m training train`, `evaluate` and `ship`, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


def main(arguments: Sequence[str]) -> None:
    """Runs the command that is named first."""
    commands = {"train": _train, "evaluate": _evaluate, "ship": _ship}
    name, *rest = arguments or ("",)
    if name not in commands:
        sys.exit(f"usage: python -m training {{{','.join(commands)}}} ...; each knows --help")
    command: Callable[[Sequence[str]], None] = commands[name]
    command(rest)


# Training imports torch, and only where it is asked for.
def _train(arguments: Sequence[str]) -> None:
    from .training_command import command

    command(arguments)


def _evaluate(arguments: Sequence[str]) -> None:
    from .evaluation.command import evaluate

    evaluate(arguments)


def _ship(arguments: Sequence[str]) -> None:
    from .ship_command import command

    command(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
