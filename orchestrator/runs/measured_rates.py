"""Measured rates: what earlier runs, in their folders, tell of an engine, of tools and of methods."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import RunUnreadable
from ..events import Event, RunStarted
from ..forecasting.rates import Rates
from .measurements import Measurements
from .run_record import RunReader, read_configuration

# The last runs tell most, and reading takes time: about two seconds for so many bytes.
_MOST_RUNS = 20
_MOST_BYTES = 32 * 2**20


def measured_rates(
    folders: Iterable[Path],
    model: str | None = None,
    *,
    options: Collection[str] | None = None,
    max_tokens: int | None = None,
) -> Rates:
    """What the newest runs on one model took.

    What is not known from them is guessed, all of it where there are no runs.

    Args:
        folders: Of runs, the newest first. Those that cannot be read are passed over.
        model: The engine's model; None is that of the newest run.
        options: What `--set` says now. Runs with other options of their method tell nothing of it, such as how many
            threads it has. None takes all.
        max_tokens: The most that a call generates now. Runs with another limit tell of the pace, and not how long
            anything gets. None takes all.
    """
    measurements = Measurements()
    runs = bytes_read = 0
    for folder in folders:
        events = _events(folder)
        first = next(events, None)
        if not isinstance(first, RunStarted) or model not in (None, first.model):
            continue
        model = first.model
        bytes_read += (folder / "events.jsonl").stat().st_size
        if runs and (runs == _MOST_RUNS or bytes_read > _MOST_BYTES):
            break
        runs += 1
        command = _command(folder)
        measurements.begin_run(
            method=_method(command, options),
            reducer=command.get("reducer") or "",
            lengths=max_tokens is None or command.get("max_tokens", max_tokens) == max_tokens,
        )
        for event in chain([first], events):
            measurements.apply(event)
    if not runs:
        return Rates()
    many = "1 earlier run" if runs == 1 else f"{runs} earlier runs"
    return measurements.rates(f"measured in {many} on {model}")


def _method(command: Mapping[str, Any], options: Collection[str] | None) -> str:
    """The method of a run; empty where its options were others."""
    then = command.get("set") or ()
    same = options is None or _of_methods(then) == _of_methods(options)
    return (command.get("method") or "") if same else ""


def _of_methods(options: Iterable[str]) -> set[str]:
    return {option for option in options if option.startswith("method.")}


def _command(folder: Path) -> Mapping[str, Any]:
    """The options of the command line; empty for runs from Python."""
    try:
        command = read_configuration(folder).get("command")
    except (RunUnreadable, OSError):
        return {}
    return command if isinstance(command, dict) else {}


def _events(folder: Path) -> Iterator[Event]:
    try:
        yield from RunReader(folder).new_events()
    except (RunUnreadable, OSError):
        return
