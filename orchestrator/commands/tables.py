"""Writes tables on standard output: rich's on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys

from ..runs.text_table import TextTable
from .output import write

_NO_TERMINAL = (160, 24)


def write_table(table: TextTable) -> None:
    """Writes the table and its note."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(table.to_rich())
    else:
        width = shutil.get_terminal_size(_NO_TERMINAL).columns
        write("\n".join(table.lines(width)))
    if table.note:
        write(table.note)
