"""The plots of a task: accuracy against what it costs, and what more samples bring. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..estimates.estimate import Estimate
from .axis import amount_axis, count_axis, share_axis
from .plot import Plot, Point, Series
from .system_row import AtK, SystemRow
from .words import amount, interval, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """What accuracy is set against.

    Attributes:
        name: In a title.
        across: On the axis.
        of_sample: What a sample costs.
        of_votes: What the samples of a vote cost.
    """

    name: str
    across: str
    of_sample: Callable[[SystemRow], Estimate | None]
    of_votes: Callable[[AtK], float]


_COSTS = (
    _Cost(
        name="total tokens",
        across="tokens generated for an answer, in all calls",
        of_sample=lambda row: row.tokens,
        of_votes=lambda at: at.tokens,
    ),
    _Cost(
        name="the critical path",
        across="tokens generated one after another for an answer",
        of_sample=lambda row: row.path,
        of_votes=lambda at: at.path,
    ),
    _Cost(
        name="latency",
        across="seconds until an answer",
        of_sample=lambda row: row.seconds,
        of_votes=lambda at: at.seconds,
    ),
)


def plots_of(rows: Sequence[SystemRow]) -> list[Plot]:
    """The plots of a task's systems; none where nothing is measured."""
    measured = [row for row in rows if row.average is not None]
    if not measured:
        return []
    costs = [_cost_plot(measured, cost) for cost in _COSTS]
    return [*costs, _more_samples(measured)] if any(row.k > 1 for row in measured) else costs


def _cost_plot(rows: Sequence[SystemRow], cost: _Cost) -> Plot:
    single = [_single(row, cost) for row in rows]
    votes = [_votes(row, cost) for row in rows if row.k > 1]
    series = [*single, *votes]
    return Plot(
        title=f"Accuracy against {cost.name}",
        note="a line goes on to majority votes of more samples" if votes else "",
        across=cost.across,
        up="right answers",
        x=amount_axis(point.x for one in series for point in one.points),
        y=share_axis(_heights(series)),
        series=series,
    )


def _single(row: SystemRow, cost: _Cost) -> Series:
    average, spent = row.average, cost.of_sample(row)
    assert average is not None
    assert spent is not None
    name, number = row.system.name, row.system.number
    told = ", ".join(filter(None, (percent(average.value), interval(average))))
    point = Point(
        x=spent.value,
        y=average.value,
        low=average.low,
        high=average.high,
        about=f"{row.system.letter} {name}: {told}, at {amount(spent.value)}",
    )
    return Series(letter=row.system.letter, number=number, points=[point])


def _votes(row: SystemRow, cost: _Cost) -> Series:
    points = [
        Point(
            x=cost.of_votes(at),
            y=at.majority.value,
            about=f"{row.system.letter} maj@{at.k}: {percent(at.majority.value)}, at {amount(cost.of_votes(at))}",
        )
        for at in row.at
    ]
    return Series(number=row.system.number, points=points, line="thin")


def _more_samples(rows: Sequence[SystemRow]) -> Plot:
    several = [row for row in rows if row.k > 1]
    series = [one for row in several for one in _by_k(row)]
    return Plot(
        title="What more samples bring",
        note="pass@k, and broken maj@k",
        across="samples of a problem, k",
        up="right answers",
        x=count_axis(max(row.k for row in several)),
        y=share_axis(_heights(series)),
        series=series,
    )


def _by_k(row: SystemRow) -> Iterator[Series]:
    shares: Sequence[tuple[str, str, Callable[[AtK], Estimate]]] = (
        ("pass", "whole", lambda at: at.passed),
        ("maj", "broken", lambda at: at.majority),
    )
    for name, line, of in shares:
        points = [
            Point(
                x=at.k,
                y=of(at).value,
                about=f"{row.system.letter} {name}@{at.k}: {percent(of(at).value)}",
            )
            for at in row.at
        ]
        letter = row.system.letter if name == "pass" else ""
        yield Series(letter=letter, number=row.system.number, points=points, line=line)


def _heights(series: Sequence[Series]) -> Iterator[float]:
    for one in series:
        for point in one.points:
            yield from (known for known in (point.y, point.low, point.high) if known is not None)
