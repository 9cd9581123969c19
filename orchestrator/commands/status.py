"""`forkjoin status`: what a run is doing and for how long, seen from another terminal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator

from ..runs.report import data, facts, tables
from ..runs.run_record import RunReader, RunRecord
from ..runs.run_search import find_run
from ..runs.words import duration, figures, in_states, printable
from .output import write
from .tables import write_table

# In each of its tables; --json gives all.
_ROWS = 20
# Seconds between two looks: on a terminal as often as it is drawn, elsewhere a line at most.
_DRAWN, _WRITTEN = 0.25, 1.0


class StatusCommand:
    """Shows a run, once or until it ends.

    Args:
        sleep: Waits so many seconds between two looks at a run that is watched.
    """

    summary = "show what a run is doing and for how long"

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("name", metavar="RUN", help="its name, its folder, or last")
        add("--out", metavar="DIR", default="runs", help="where run folders are (default: runs)")
        add("--watch", action="store_true", help="go on until the run ends; Ctrl-C leaves it alone")
        add("--json", action="store_true", help="one JSON object; with --watch one a line")

    def run(self, arguments: argparse.Namespace) -> int:
        """Shows the run."""
        reader = RunReader(find_run(arguments.out, arguments.name))
        try:
            if arguments.watch:
                self._watch(reader, as_json=arguments.json)
            else:
                _show(reader.read(), as_json=arguments.json)
        except KeyboardInterrupt:
            # Only the looking ends, so that there is nothing to say.
            return 130
        return 0

    def _watch(self, reader: RunReader, *, as_json: bool) -> None:
        record = reader.read()
        if not as_json and sys.stdout.isatty():
            record = self._draw(reader, record)
        else:
            for record in self._looks(reader):
                write(_as_json(record) if as_json else _line(record))
        if not as_json:
            _show(record, as_json=False)

    def _looks(self, reader: RunReader) -> Iterator[RunRecord]:
        """The run at every change of its events, and when it has ended."""
        seen = None
        while True:
            record = reader.read()
            now = (record.state, record.view.statistics())
            if now != seen:
                yield record
            if record.holder is None:
                return
            seen = now
            self._sleep(_WRITTEN)

    def _draw(self, reader: RunReader, record: RunRecord) -> RunRecord:
        from rich.console import Console

        from ..runs.screen import Screen

        screen = Screen(Console(), record.view, lambda: record.now)
        screen.say(record.path.name)
        screen.open()
        try:
            while record.holder is not None:
                self._sleep(_DRAWN)
                record = reader.read()
        finally:
            screen.close()
        return record


command = StatusCommand()


def _show(record: RunRecord, *, as_json: bool) -> None:
    if as_json:
        write(_as_json(record))
        return
    told = [f"{name:<10}{printable(what)}" for name, what in facts(record) if what]
    write("\n".join(told))
    for table in tables(record, _ROWS):
        if table.rows:
            write("")
            write_table(table)


def _as_json(record: RunRecord) -> str:
    return json.dumps(data(record), ensure_ascii=False)


def _line(record: RunRecord) -> str:
    """A watched run where there is no terminal."""
    statistics = record.view.statistics()
    told = [duration(record.seconds), in_states(statistics.nodes), figures(statistics)]
    return " · ".join(filter(None, told))
