"""A table of texts: plain lines for pipes, a table of rich's for terminals. It does not know what it shows."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .words import printable

if TYPE_CHECKING:
    from rich.table import Table

_GAP = "  "


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """Rows of texts under a head.

    Attributes:
        head: The names of the columns; those of numbers end in a space, and stand to the right.
        rows: As many texts each. What a model says in them is shown and never obeyed.
        note: A line to stand below.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def lines(self, width: int) -> list[str]:
        """The table as lines; the last column is cut where the width ends.

        >>> table = TextTable(head=("node", "tokens ", "what"), rows=[("1", "12", "think"), ("10", "3", "add(1, 2)")])
        >>> for line in table.lines(width=20):
        ...     print(line)
        node  tokens  what
        1         12  think
        10         3  add(1…
        """
        rows = [tuple(map(_plain, row)) for row in (self.head, *self.rows)]
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
        return [cut(self._line(row, widths), width) for row in rows]

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        padded = (
            _padded(cell, width, right=name.endswith(" "))
            for cell, width, name in zip(row, widths, self.head, strict=True)
        )
        return _GAP.join(padded).rstrip()

    def to_rich(self) -> Table:
        """The table for a terminal."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for name in self.head:
            # Where the terminal is narrow, the last column becomes shorter.
            table.add_column(
                name.strip(),
                justify="right" if name.endswith(" ") else "left",
                no_wrap=name != self.head[-1],
            )
        for row in self.rows:
            table.add_row(*(Text(_plain(cell), no_wrap=True, overflow="ellipsis") for cell in row))
        return table


def _plain(cell: str) -> str:
    return " ".join(printable(cell).split())


def _padded(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cells(cell))
    return blank + cell if right else cell + blank


def cells(text: str) -> int:
    """The columns of a terminal that a text takes.

    >>> cells("née"), cells("数学")
    (3, 4)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text, shortened to so many columns.

    >>> cut("née", 3), cut("née", 2), cut("数学", 3)
    ('née', 'n…', '数…')
    """
    if cells(text) <= width:
        return text
    end = bisect_right(range(len(text)), width - 1, key=lambda end: cells(text[:end])) - 1
    return f"{text[:end]}…"


def cut_before(text: str, width: int) -> str:
    """The end of the text, in so many columns.

    >>> cut_before("née", 3), cut_before("née", 2), cut_before("数学", 3)
    ('née', '…e', '…学')
    """
    return cut(text[::-1], max(width, 1))[::-1]
