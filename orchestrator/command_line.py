"""The command `forkjoin`. Its subcommands are entry points, so that upper packages can add theirs.

A command is an object with `summary`, `configure(parser)` and `run(arguments)`, which returns the exit code. What
goes wrong for a reason that a person can act on ends as one line on stderr: exit code 2 for a usage that cannot
be, 1 for a run that failed, 130 for an interrupt.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any, NoReturn, Protocol

from engines import ForkjoinError, UsageError

GROUP = "forkjoin.commands"


class Command(Protocol):
    """A subcommand of `forkjoin`."""

    summary: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Does the work and returns the exit code."""
        ...


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # A later option would change what an abbreviation means.
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        # A command's own parser says it: that of all commands would name its own help.
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _entries(arguments: Sequence[str]) -> Sequence[EntryPoint]:
    """The command that is asked for, or all: importing those that are not would cost everyone time."""
    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    asked = [entry for entry in entries if arguments and entry.name == arguments[0]]
    return asked or entries


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _Parser(prog="forkjoin", description="Parallel reasoning on vLLM.")
    parser.add_argument("--version", action="version", version=f"forkjoin {version('forkjoin')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.set_defaults(command=None)
    for entry in _entries(sys.argv[1:] if arguments is None else arguments):
        command: Command = entry.load()
        subparser = subparsers.add_parser(
            entry.name, help=command.summary, description=command.summary
        )
        command.configure(subparser)
        subparser.set_defaults(command=command)
    # A console script does not have the current folder on its path, but people's tools are there.
    sys.path.insert(0, os.getcwd())
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    try:
        exit_code: int = parsed.command.run(parsed)
    except ForkjoinError as error:
        # Who needs no error does not pay for loading it.
        from .runs.words import printable

        # What tools and servers say may have several lines.
        sys.stderr.write(f"forkjoin: {printable(' '.join(str(error).split()))}\n")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the answer has gone; closing the stream at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("forkjoin: cancelled\n")
        sys.stderr.flush()
        # Threads that import vLLM cannot be interrupted, and nothing is left to do for them.
        os._exit(130)
    return exit_code
