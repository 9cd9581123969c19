"""The table of a report: what stands in its columns, the same on a page and in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..estimates.estimate import Estimate
from .system_row import SystemRow
from .words import amount, interval, percent, points, probability

NOTHING, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in a cell.

    Attributes:
        text: The figure.
        beside: What is known of it beside, such as its interval; a line each.
        estimate: The share that it tells, to be drawn; None if it tells another thing.
        best: Whether it is the best of its column, told apart from all others.
    """

    text: str
    beside: Sequence[str] = ()
    estimate: Estimate | None = None
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    Attributes:
        title: Its head.
        about: What it is of, where the head does not say.
        cell: What stands in it.
    """

    title: str
    about: str = ""
    cell: Callable[[SystemRow], Cell]


def columns(rows: Sequence[SystemRow]) -> list[Column]:
    """The columns of a table of these rows: those in which nothing would stand are left out."""
    ks = {row.k for row in rows}
    k = str(ks.pop()) if len(ks) == 1 else "k"
    first = rows[0].system.letter
    return [
        Column(title="problems", about=f"{TIMES} k", cell=_problems),
        _share("average", f"avg@{k}"),
        *(
            [Column(title=f"against {first}", about=f"points of avg@{k}", cell=_against)]
            * _some(rows, "difference")
        ),
        _share("majority", f"maj@{k}"),
        *([_share("weighted", f"weighted maj@{k}")] * _some(rows, "weighted")),
        _share("passed", f"pass@{k}"),
        _share("oracle", "oracle"),
        Column(title="tokens", about="a sample", cell=lambda row: _mean(row.tokens)),
        Column(title="critical path", about="a sample", cell=lambda row: _mean(row.path)),
        Column(title="tokens in all", cell=lambda row: Cell(text=f"{row.total_tokens:,}")),
        Column(title="seconds", about="a sample", cell=lambda row: _mean(row.seconds)),
        Column(title="samples", cell=_samples),
    ]


def mark_best(rows: Sequence[SystemRow]) -> list[SystemRow]:
    """The rows of a task, of which one may be told apart from all others as the best."""
    measured = [row for row in rows if row.average is not None]
    best = max(measured, key=lambda row: row.share, default=None)
    others = [row for row in measured if row is not best]
    clear = bool(others) and all(row.to_best and row.to_best.apart for row in others)
    return [replace(row, best=clear and row is best) for row in rows]


def _some(rows: Sequence[SystemRow], name: str) -> bool:
    return any(getattr(row, name) is not None for row in rows)


def _share(name: str, title: str) -> Column:
    def cell(row: SystemRow) -> Cell:
        estimate: Estimate | None = getattr(row, name)
        if estimate is None:
            return Cell(text=NOTHING)
        return Cell(
            text=percent(estimate.value),
            beside=[*filter(None, [interval(estimate)])],
            estimate=estimate,
            # Of other figures nobody has tested it.
            best=row.best and name == "average",
        )

    return Column(title=title, cell=cell)


def _problems(row: SystemRow) -> Cell:
    """How many, with how many samples each; and how many have so many, where not all do."""
    with_k = row.at[-1].problems if row.at else 0
    fewer = [f"k of {with_k:,}"] if with_k < row.problems else []
    return Cell(text=f"{row.problems:,} {TIMES} {row.k:,}", beside=fewer)


def _samples(row: SystemRow) -> Cell:
    """How many, and with how many something is."""
    return Cell(text=f"{row.samples:,}", beside=row.warned)


def _against(row: SystemRow) -> Cell:
    difference = row.difference
    if difference is None:
        return Cell(text=NOTHING)
    share, told = difference.share, []
    if share.low is not None and share.high is not None:
        told.append(f"{points(share.low)} to {points(share.high)}")
    return Cell(text=points(share.value), beside=[*told, probability(difference.p)])


def _mean(estimate: Estimate | None) -> Cell:
    return Cell(text=NOTHING if estimate is None else amount(estimate.value))
