"""What `forkjoin batch` would do, without an engine: the settings, the rows, and the first prompt."""

from __future__ import annotations

import argparse
import json

from ..batch.batch_settings import BatchSettings
from ..batch.input_file import InputFile
from ..batch.row import Finished, Row
from ..batch.row_reader import read_rows
from ..batch.seen_ids import SeenIds
from ..batch.worker import first_prompt
from ..runs.words import printable
from .dry_run import write_prompt, write_shown
from .output import write

_MOST_TOLD = 5


async def dry_run(
    arguments: argparse.Namespace, settings: BatchSettings, source: InputFile, lines: range
) -> None:
    """Prints what would be answered, and which lines are no rows; calls no engine."""
    first: Row | None = None
    reasons: list[str] = []
    malformed = 0

    def refused(line: Finished) -> None:
        nonlocal malformed
        malformed += 1
        if len(reasons) < _MOST_TOLD:
            reasons.append(f"line {line.line}: {json.loads(line.text)['error']['message']}")

    for row in read_rows(source, lines, SeenIds(source.lines), lambda line: False, refused):
        first = first or row
    write_shown(
        {
            "input": str(source.path),
            "rows": f"{len(lines):,}",
            "malformed": f"{malformed:,}",
            "shards": arguments.shards,
            "method": arguments.method,
            "settings": arguments.set,
            "engine": arguments.engine,
            "backend": arguments.backend,
            "model": arguments.model,
            "max_tokens": arguments.max_tokens,
            "seed": arguments.seed,
            "budget": arguments.budget,
        }
    )
    if reasons:
        write("\nmalformed" + (f", the first {len(reasons)}" if malformed > len(reasons) else ""))
    for reason in reasons:
        write(printable(reason))
    turns = [] if first is None else await first_prompt(settings, first)
    write_prompt(turns, otherwise="there is no row" if first is None else "the row is refused")
