"""`forkjoin resume`: a run that ended early goes on; what it had finished is not done again."""

from __future__ import annotations

import argparse
from pathlib import Path

from engines import UsageError

from ..runs.run_record import RunReader, going_on, read_configuration
from ..runs.run_search import find_run
from .options import RAISABLE, add_raisable, check_options, kept_options
from .running import carry_out


class ResumeCommand:
    """Goes on with a run."""

    summary = "go on with a run that died, failed or was cut by its budget"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("name", metavar="RUN", help="its name or folder, or last")
        add_raisable(parser, default=False)
        add("--repeat", metavar="NODE", nargs="+", action="extend", default=[],
            help="call these nodes' tools again, though they had begun and may not be repeated")  # fmt: skip
        add("--out", metavar="DIR", default="runs", help="where run folders are (default: runs)")
        add("--json", action="store_true", help="one JSON object on stdout, the rest on stderr")

    def run(self, arguments: argparse.Namespace) -> int:
        """Runs the rest."""
        folder = find_run(arguments.out, arguments.name)
        _check_not_deferred(folder)
        known = _options_of(folder, arguments)
        check_options(known)
        repeat = frozenset(arguments.repeat)
        return carry_out(
            known,
            lambda agent, subscribers, live: agent.resume(
                folder,
                subscribers=subscribers,
                live=live,
                repeat=repeat,
                notes={"command": kept_options(known)},
            ),
        )


command = ResumeCommand()


def _check_not_deferred(folder: Path) -> None:
    record = RunReader(folder).read()
    if record.state == "deferred":
        raise UsageError(f"{folder}: {record.reason}: {record.going_on_with_results}")


def _options_of(folder: Path, arguments: argparse.Namespace) -> argparse.Namespace:
    """The options that the run was started with, and over them those that were given now."""
    configuration = read_configuration(folder)
    if configuration.get("kind") == "evaluation":
        raise UsageError(
            f"{folder} is an evaluation: go on with it by {going_on(folder, configuration)}"
        )
    kept = configuration.get("command")
    if not isinstance(kept, dict):
        raise UsageError(
            f"{folder} was not made by `forkjoin run`: resume it from Python, with agent.resume({str(folder)!r})"
        )
    given = {name: getattr(arguments, name) for name in RAISABLE}
    raised = {name: value for name, value in given.items() if value not in (None, False)}
    return argparse.Namespace(
        **{"journal_dir": None, "approve": "ask", "set": [], "mcp": [], **kept, **raised},
        out=str(folder.parent),
        json=arguments.json,
    )
