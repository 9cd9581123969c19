"""`forkjoin runs`: the runs that left a folder, the newest first."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..errors import RunUnreadable
from ..runs.report import outline
from ..runs.run_record import RunReader, RunRecord
from ..runs.run_search import run_folders
from ..runs.text_table import TextTable
from ..runs.words import duration, short
from .output import write
from .tables import write_table

_WIDEST = 200


class RunsCommand:
    """Lists runs."""

    summary = "list runs, the newest first: state, age, nodes, tokens, question"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("--out", metavar="DIR", default="runs", help="where run folders are (default: runs)")
        add("--json", action="store_true", help="one JSON array of objects")

    def run(self, arguments: argparse.Namespace) -> int:
        """Writes the list; what cannot be read is named on stderr."""
        records = _readable(run_folders(arguments.out))
        if arguments.json:
            write(json.dumps([outline(record) for record in records], ensure_ascii=False))
            return 0
        rows = [_row(record) for record in records]
        if rows:
            write_table(TextTable(head=_HEAD, rows=rows))
        else:
            sys.stderr.write(f"there are no runs in {arguments.out}\n")
        return 0


command = RunsCommand()

_HEAD = ("run", "state", "age ", "worked ", "nodes ", "tokens ", "question")


def _readable(folders: list[Path]) -> Iterator[RunRecord]:
    for folder in folders:
        try:
            yield RunReader(folder).read()
        except RunUnreadable as error:
            sys.stderr.write(f"{' '.join(str(error).split())}\n")


def _row(record: RunRecord) -> tuple[str, ...]:
    statistics = record.view.statistics()
    age = (datetime.now().astimezone() - record.started).total_seconds()
    return (
        record.path.name,
        record.state,
        duration(max(0.0, age)),
        duration(record.seconds),
        f"{statistics.nodes_ended:,}/{len(record.view.nodes):,}",
        f"{statistics.generated_tokens:,}",
        short(record.question, _WIDEST),
    )
