"""`python -m training train`, `evaluate` and `ship`, one after the other.

What goes wrong for a reason that a person can act on ends as one line on stderr, with the exit codes of `forkjoin`: 2
for a usage that cannot be, 1 for what failed, 130 for Ctrl-C. Those of a run that is to go on, the commands tell.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

_PROGRAM = "python -m training"
_USAGE, _INTERRUPTED = 2, 130
_STOPPED = "training: stopped\n"


class _Command(NamedTuple):
    """A command, which is imported only where it is asked for: some import torch."""

    load: Callable[[], Callable[[Sequence[str]], None]]
    doing: str
    summary: str


def _train() -> Callable[[Sequence[str]], None]:
    from .training_command import command

    return command


def _evaluate() -> Callable[[Sequence[str]], None]:
    from .evaluation.command import evaluate

    return evaluate


def _ship() -> Callable[[Sequence[str]], None]:
    from .ship_command import command

    return command


_COMMANDS: Mapping[str, _Command] = {
    "train": _Command(_train, "training", "train the adapter, in as many runs as it takes"),
    "evaluate": _Command(_evaluate, "evaluation", "measure the trained model on a real engine"),
    "ship": _Command(_ship, "shipping", "put the adapter where forkjoin takes it from"),
}


def main(arguments: Sequence[str]) -> int:
    """Runs the command that is named first, and returns the exit code."""
    name, *rest = arguments or ("",)
    if name in ("-h", "--help"):
        sys.stdout.write(_help())
        return 0
    if name not in _COMMANDS:
        sys.stderr.write(_unknown(name) if name else _help())
        return _USAGE
    command = _COMMANDS[name]
    try:
        with _ending_at_once():
            from engines import ForkjoinError

            run = command.load()
        try:
            run(rest)
        except ForkjoinError as error:
            sys.stderr.write(f"{command.doing}: {' '.join(str(error).split())}\n")
            return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(_STOPPED)
        return _INTERRUPTED
    return 0


def _help() -> str:
    lines = [f"  {name:9} {command.summary}\n" for name, command in _COMMANDS.items()]
    return f"usage: {_PROGRAM} COMMAND ...; each command knows --help\n\n{''.join(lines)}"


def _unknown(name: str) -> str:
    known = ", ".join(_COMMANDS)
    return f"{_PROGRAM}: there is no command {name!r}, but {known}; see {_PROGRAM} --help\n"


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Ctrl-C ends the process here: in the midst of an import, what it raises may come out as anything."""
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, _STOPPED.encode())
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
