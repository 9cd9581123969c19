"""`forkjoin eval`: measures systems on problems with known answers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import anyio

from orchestrator.commands.output import write
from orchestrator.commands.running import until_signal
from orchestrator.commands.tables import write_table
from orchestrator.runs.text_table import TextTable
from orchestrator.runs.words import short

from ..evaluation.display import Display
from ..evaluation.evaluating import Evaluated
from ..evaluation.result_table import result_table
from ..tasks.catalogue import TASKS
from .evaluate_dry_run import dry_run
from .evaluate_options import add_options, is_sweep, orders_of
from .evaluate_run import carry_out, keep_order, prepare

# What to do stands at the end of a reason.
_REASON = 300


class EvaluateCommand:
    """Measures a system on tasks, or the systems of a sweep."""

    summary = "measure a method or a planner on problems with known answers"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("what", metavar="TASK[,TASK]|SWEEP.yaml", nargs="?",
            help="tasks, by name or as MODULE:NAME; or the file of a sweep, which has several systems")  # fmt: skip
        add_options(parser)
        add("--out", metavar="RUN", help="its folder (default: one in runs)")
        add("--resume", metavar="RUN",
            help="go on with an evaluation: its folder, or its name in runs; -k may be higher now")  # fmt: skip
        add("--list", action="store_true", help="the tasks that have names")
        add("--json", action="store_true", help="figures, a list or a dry run as JSON lines")
        add("--dry-run", action="store_true",
            help="show what would be measured and the first prompt, without an engine")  # fmt: skip

    def run(self, arguments: argparse.Namespace) -> int:
        """Makes samples, grades them, and prints the figures; 1 where samples are missing."""
        if arguments.list:
            _list(as_json=arguments.json)
            return 0
        orders = orders_of(arguments)
        if arguments.dry_run:
            with redirect_stdout(sys.stderr):
                anyio.run(dry_run, orders, arguments.json)
            return 0
        done: list[Evaluated] = []

        def tell(evaluated: Evaluated) -> None:
            done.append(evaluated)
            if len(done) == len(orders):
                # Closing an engine takes some seconds, which nobody has to wait for.
                _write(done, as_json=arguments.json)

        async def work() -> None:
            with Display(_again(arguments)) as display:
                prepared = await prepare(orders, display)
                if _is_sweep(arguments):
                    keep_order(orders)
                await carry_out(prepared, display, tell)

        # What tools print must not get between the figures and who reads them.
        with redirect_stdout(sys.stderr) as stderr:
            try:
                anyio.run(until_signal, work)
            except KeyboardInterrupt:
                if len(done) < len(orders):
                    raise
                # Only the engine was still closing; threads of its start may linger.
                stderr.flush()
                os._exit(_exit_code(done))
        return _exit_code(done)


command = EvaluateCommand()


def _is_sweep(arguments: argparse.Namespace) -> bool:
    return arguments.what is not None and is_sweep(arguments.what)


def _again(arguments: argparse.Namespace) -> str | None:
    """How one goes on with a sweep: as it was begun."""
    if not _is_sweep(arguments):
        return None
    return f"forkjoin eval {arguments.what}" + (f" --out {arguments.out}" if arguments.out else "")


def _write(done: Sequence[Evaluated], *, as_json: bool) -> None:
    if as_json:
        for one in done:
            write(json.dumps({**one.metrics, "folder": str(one.path)}, ensure_ascii=False))
    else:
        write_table(result_table([one.metrics for one in done]))
        # Those of a sweep have one folder around them, and that is reported as all of them.
        folder = done[0].path if len(done) == 1 else done[0].path.parent
        write(f"folder: {folder}\nnext: forkjoin report {folder}")
    for one in done:
        if one.there < one.total:
            sys.stderr.write(f"forkjoin: {_missing(one)}\n")
            for told in one.metrics["pooled"]["reasons"]:
                sys.stderr.write(
                    f"  {told['samples']:,} failed: {short(told['reason'], _REASON)}\n"
                )


def _missing(one: Evaluated) -> str:
    missing = f"{one.total - one.there:,} of {one.total:,} samples are missing"
    if one.limited_by is None:
        return f"{missing}, since calls failed: forkjoin eval --resume {one.path} makes them"
    return (
        f"{missing}, since the budget ran out of {one.limited_by}: forkjoin eval --resume {one.path} --budget "
        f"{one.limited_by}=MORE makes them"
    )


def _exit_code(done: Sequence[Evaluated]) -> int:
    return 0 if all(one.there == one.total for one in done) else 1


def _list(*, as_json: bool) -> None:
    """Writes the tasks that have names."""
    rows = [(task.name, task.dataset and task.dataset.id, task.about) for task in TASKS.values()]
    if as_json:
        for name, dataset, about in rows:
            write(json.dumps({"task": name, "dataset": dataset, "about": about}))
        return
    shown = [(name, dataset or "-", about) for name, dataset, about in rows]
    write_table(TextTable(head=("task", "dataset", "what it is"), rows=shown))
