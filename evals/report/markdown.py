"""A report as Markdown: its sentences and its table, for an issue, a pull request or a paper's draft. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .contents import Contents, TaskPart
from .figure_table import Cell, Column
from .report_file import MADE_BY
from .visible import visible

# What Markdown would take for a mark of its own, in names that people and models made.
_MARKS = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(contents: Contents) -> str:
    """The report as Markdown."""
    return "\n".join(_lines(contents)) + "\n"


def _lines(contents: Contents) -> Iterator[str]:
    yield f"<!-- {MADE_BY} -->"
    yield f"# {_plain(contents.title)}"
    yield ""
    yield _plain(contents.about)
    for name, sentence in contents.said:
        yield from ("", f"**{_plain(name)}:** {_plain(sentence)}")
    if contents.caveats:
        yield ""
        yield from (f"- {_plain(sentence)}" for sentence in contents.caveats)
    for task in contents.tables:
        if contents.pooled:
            yield from ("", f"## {_plain(task.name)}")
        yield ""
        yield from _table(task, contents.columns)
    yield ""
    yield from (_plain(note) for note in contents.notes)


def _table(task: TaskPart, columns: Sequence[Column]) -> Iterator[str]:
    yield _row(["system", *(_head(column) for column in columns)])
    yield _row([":--", *["--:"] * len(columns)])
    for row in task.rows:
        name = _plain(f"{row.system.letter} {row.system.name}")
        yield _row([name, *(_cell(column.cell(row)) for column in columns)])


def _head(column: Column) -> str:
    return f"{column.title} ({column.about})" if column.about else column.title


def _cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else cell.text
    return f"{text} ({', '.join(cell.beside)})" if cell.beside else text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(visible(text).split()))
