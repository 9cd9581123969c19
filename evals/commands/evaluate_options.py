"""The options of `forkjoin eval`: those of the command line, over those of a sweep's file or of an evaluation's folder.

What is left out has to be told from what is given, so that a resume can refuse what differs: so the parser has no
defaults, and they are put in here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator import RunUnreadable
from orchestrator.commands.call_options import add_calls, check_calls
from orchestrator.commands.engine_option import check_engine
from orchestrator.commands.thinking_options import add_thinking, check_thinking
from orchestrator.runs.run_files import check_journals
from orchestrator.runs.run_folder import check_runs, folder_errors
from orchestrator.runs.run_lock import check_free
from orchestrator.runs.run_record import read_configuration
from orchestrator.runs.run_search import find_run
from planners import PLANNERS

from ..evaluation.reading import evaluations_in, is_evaluation
from ..evaluation.settings import check_samples
from ..evaluation.sweep import Sweep, read_sweep

RUNS = Path("runs")
"""Where folders go that are given no place."""

_DEFAULTS: Mapping[str, Any] = {
    "tasks": [],
    "data": [],
    "problems": None,
    "limit": None,
    "k": 1,
    "method": "chain-of-thought",
    "planner": None,
    "tools": [],
    "set": [],
    "model": None,
    "max_tokens": 512,
    "seed": 0,
    "prices": None,
    "engine": "local",
    "judge": None,
    "judge_model": None,
    "budget": None,
    "width": "auto",
    "attempts": 5,
    "timeout": None,
    "idle_timeout": None,
    "hedge": False,
    "journal_dir": None,
}
# What may be another when an evaluation is gone on with; k may only grow.
_RAISABLE = frozenset(
    ("k", "engine", "judge", "judge_model", "budget", "width", "attempts", "timeout", "idle_timeout", "hedge")
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Order:
    """An evaluation that is asked for.

    Attributes:
        options: All of them, by the names that the parser has.
        name: What the system is called; None makes a name of its options.
        begun: The folder of the evaluation that is gone on with; None begins a new one.
        out: The folder of the new one; None makes a name of the time.
        own_k: Whether somebody chose k.
    """

    options: argparse.Namespace
    name: str | None = None
    begun: Path | None = None
    out: Path | None = None
    own_k: bool = True


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that describe what is measured, and what it may cost."""
    add = parser.add_argument
    add("-k", metavar="N", type=int, help="samples of each problem (default: 1)")
    add("--limit", metavar="N", type=int, help="only the first so many problems of each task")
    add("--problems", metavar="IDS", help="only these problems: their ids, with commas; one task")
    add("--data", metavar="FILE|TASK=FILE", action="append",
        help="JSON lines to read instead of the public dataset; with several tasks TASK=FILE, repeated")  # fmt: skip
    add("--planner", metavar="NAME",
        help=f"plan, call tools and reduce, instead of a method alone: {', '.join(PLANNERS)}")  # fmt: skip
    add("--tools", metavar="MODULE:NAME", nargs="+", action="extend",
        help="what plans may call; calculate is one that is ready to use")  # fmt: skip
    add_thinking(parser)
    add_calls(parser, default=False)
    add("--judge", metavar="ENGINE", help="asked about answers that the rules find wrong")
    add("--judge-model", metavar="NAME",
        help="its model (default: on the same engine the one that is measured, else the engine's own)")  # fmt: skip
    add(
        "--journal-dir",
        metavar="DIR",
        help="where journals go, if not into the folders: on a local disk",
    )
    parser.set_defaults(method=None, set=None, max_tokens=None)


def orders_of(arguments: argparse.Namespace) -> list[Order]:
    """What is asked for, checked as far as it can be without loading a problem.

    Raises:
        UsageError: With the option, and what to write.
    """
    options = {name: getattr(arguments, name, None) for name in _DEFAULTS}
    # A flag that is not there is False, and 0 is not: it has to be refused.
    given = {
        name: value for name, value in options.items() if value is not None and value is not False
    }
    what: str | None = arguments.what
    if arguments.resume is not None:
        orders = _resumed(arguments, given)
    elif what is None:
        raise UsageError("no task: write forkjoin eval TASK, or see forkjoin eval --list")
    elif is_sweep(what):
        orders = _swept(Path(what), arguments, given)
    else:
        options = {**given, "tasks": what.split(",")}
        orders = [_order(options, out=arguments.out and Path(arguments.out))]
    for order in orders:
        _check(order.options)
        if not arguments.dry_run:
            _check_folder(order)
    return orders


def is_sweep(what: str) -> bool:
    """Whether this is the file of a sweep, and no task."""
    return what.endswith((".yaml", ".yml"))


def kept_options(options: argparse.Namespace) -> dict[str, Any]:
    """What a folder keeps, so that it can be gone on with."""
    return dict(vars(options))


def _order(given: Mapping[str, Any], **about: Any) -> Order:
    options = argparse.Namespace(**{**_DEFAULTS, **given})
    return Order(options=options, own_k="k" in given, **about)


def _resumed(arguments: argparse.Namespace, given: Mapping[str, Any]) -> list[Order]:
    if arguments.out is not None:
        raise UsageError("--out and --resume name two folders: give one of them")
    if arguments.what is not None:
        given = {**given, "tasks": arguments.what.split(",")}
    folders = evaluations_in(_found(arguments.resume))
    return [_reopened(folder, given) for folder in folders]


def _found(name: str) -> Path:
    """The folder that `--resume` names."""
    if Path(name).is_dir():
        return Path(name)
    try:
        return find_run(RUNS, name)
    except RunUnreadable as error:
        raise RunUnreadable(
            f"--resume {name}: there is no such folder, nor an evaluation of this name in {RUNS}: "
            f"give the folder that forkjoin eval made"
        ) from error


def _reopened(folder: Path, given: Mapping[str, Any], name: str | None = None) -> Order:
    """An evaluation that is gone on with: with its own options, and those that may be others."""
    configuration = read_configuration(folder)
    kept = configuration.get("options")
    if not isinstance(kept, dict):
        raise UsageError(
            f"{folder} was not made by forkjoin eval, and cannot be gone on with by it"
        )
    for option, value in given.items():
        before = kept.get(option, _DEFAULTS[option])
        if option not in _RAISABLE and value != before:
            raise UsageError(
                f"--{option.replace('_', '-')} {_shown(value)}: {folder} was begun "
                f"{_begun_with(option, before, configuration)}: go on with that, or begin a new one"
            )
    raised = {option: value for option, value in given.items() if option in _RAISABLE}
    return _order(
        {**kept, **raised}, name=name or str(configuration.get("system", "")), begun=folder
    )


def _swept(path: Path, arguments: argparse.Namespace, given: Mapping[str, Any]) -> list[Order]:
    sweep = read_sweep(path)
    out = Path(arguments.out or sweep.out or RUNS / path.stem)
    _check_place(out, [system.name for system in sweep.systems], path)
    return [_swept_system(sweep, number, out, given) for number in range(len(sweep.systems))]


def _check_place(out: Path, systems: Sequence[str], sweep: Path) -> None:
    """Refuses a folder that has evaluations of something else, which would be reported with the sweep's."""
    if not out.is_dir():
        return
    for other in (out, *sorted(filter(Path.is_dir, out.iterdir()))):
        if is_evaluation(other) and (other == out or other.name not in systems):
            raise UsageError(
                f"{other} is an evaluation, and no system of {sweep}: choose another folder with --out"
            )


def _swept_system(sweep: Sweep, number: int, out: Path, given: Mapping[str, Any]) -> Order:
    system = sweep.systems[number]
    options = {**sweep.options(system), **given}
    folder = out / system.name
    if folder.is_dir() and is_evaluation(folder):
        return _reopened(folder, {**_DEFAULTS, **options}, system.name)
    return _order(options, name=system.name, out=folder)


def _check(options: argparse.Namespace) -> None:
    check_samples(options.k)
    check_calls(options)
    check_thinking(options)
    if options.judge is not None:
        check_engine(options.judge)
    elif options.judge_model is not None:
        raise UsageError("--judge-model names the judge's model: give --judge too")
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit {options.limit} leaves no problems: give 1 or more")
    if len(set(options.tasks)) < len(options.tasks):
        raise UsageError(f"{','.join(options.tasks)}: a task is named twice")


def _check_folder(order: Order) -> None:
    """Refuses a folder that nothing can be written into, before an engine starts."""
    if order.begun is None:
        _check_out(order.out)
        if order.options.journal_dir is not None:
            check_journals(order.options.journal_dir)
    else:
        with folder_errors(order.begun):
            check_free(order.begun)


def _check_out(out: Path | None) -> None:
    """Refuses a folder that cannot be written, or that holds something already."""
    check_runs(RUNS if out is None else out)
    if out is not None and out.is_dir() and any(out.iterdir()):
        ours = is_evaluation(out)
        advice = f"go on with it by --resume {out}, or " if ours else ""
        raise UsageError(f"the folder {out} is not empty: {advice}choose another with --out")


def _begun_with(option: str, value: Any, configuration: Mapping[str, Any]) -> str:
    if not _is_left_out(value):
        return f"with {_shown(value)}"
    # Then the engine chose it, which says what it is once it is open.
    model = configuration.get("model") if option == "model" else None
    return f"without it, on {model}" if model else "without it"


def _shown(value: Any) -> str:
    if _is_left_out(value):
        return "left out"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _is_left_out(value: Any) -> bool:
    return value is None or value == []
