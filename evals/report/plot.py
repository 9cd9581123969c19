"""Draws a plot as SVG: points with interval bars, and lines. Pure.

It knows no colours: a series has the class `cN` of its number, which a style sheet colours, and a shape beside it, so
that nothing depends on colours alone. Up to 36 series differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .axis import Axis
from .visible import visible

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 18, 12, 48
COLOURS = 6
_CAP = 4
_HALF_LETTER = 7
# Where a letter may stand beside its point, the best first.
_BESIDE = ((11, -9), (-11, -9), (11, 13), (-11, 13), (0, -13), (0, 19), (22, 0), (-22, 0))
_SHAPES = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",  # a disc
    "M-4.5 -4.5h9v9h-9z",  # a square
    "M0 -6L5.6 4.4H-5.6z",  # a triangle
    "M0 -6.2L6.2 0L0 6.2L-6.2 0z",  # a diamond
    "M0 6L5.6 -4.4H-5.6z",  # a triangle on its tip
    "M-5.5 -2h3.5v-3.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5z",  # a cross
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value, with what is known of how far off it may be.

    Attributes:
        x: Across.
        y: Up.
        low: Where its interval begins; None without an interval.
        high: Where its interval ends.
        about: What it says, in words.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What belongs together.

    Attributes:
        number: Chooses colour and shape.
        points: In the order in which a line joins them.
        letter: Stands beside its last point.
        line: How they are joined: not at all, or by a line that is `whole`, `thin` or `broken`.
    """

    number: int
    points: Sequence[Point]
    letter: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot.

    Attributes:
        title: What it shows.
        note: How it is to be read.
        across: What the horizontal axis is of.
        up: What the vertical axis is of.
        x: The horizontal axis.
        y: The vertical axis.
        series: What is drawn, the first on top.
    """

    title: str
    note: str = ""
    across: str
    up: str
    x: Axis
    y: Axis
    series: Sequence[Series]


def draw(plot: Plot) -> str:
    """The plot as an SVG element."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(plot.title)}">'
        f"{''.join(_frame(plot))}{''.join(_marks(plot))}</svg>"
    )


def draw_mark(number: int) -> str:
    """The mark of a series alone, for a legend."""
    return (
        f'<svg class="mark c{number % COLOURS}" viewBox="-8 -8 16 16" aria-hidden="true">'
        f'<path d="{_shape(number)}"/></svg>'
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _shape(number: int) -> str:
    return _SHAPES[(number + number // COLOURS) % len(_SHAPES)]


def _frame(plot: Plot) -> Iterator[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    for tick in plot.y.ticks:
        at = _up(plot.y, tick)
        yield f'<path class="grid" d="M{_LEFT} {at}H{right}"/>'
        yield f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{plot.y.say(tick)}</text>'
    yield f'<path class="axis" d="M{_LEFT} {bottom}H{right}"/>'
    for tick in plot.x.ticks:
        at = _across(plot.x, tick)
        yield f'<path class="axis" d="M{at} {bottom}v5"/>'
        yield f'<text x="{at}" y="{bottom + 19}" text-anchor="middle">{plot.x.say(tick)}</text>'
    middle = (_LEFT + right) / 2
    yield f'<text class="name" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">'
    yield f"{_text(plot.across)}{' (log scale)' * plot.x.logarithmic}</text>"
    height = (_TOP + bottom) / 2
    yield f'<text class="name" transform="translate(12 {height}) rotate(-90)" text-anchor="middle">'
    yield f"{_text(plot.up)}</text>"


def _marks(plot: Plot) -> Iterator[str]:
    taken = [
        (_across(plot.x, point.x), _up(plot.y, point.y))
        for series in plot.series
        if series.letter
        for point in series.points[-1:]
    ]
    letters = []
    for series in reversed(plot.series):
        yield f'<g class="c{series.number % COLOURS}">'
        if series.line:
            yield _line(plot, series)
        for point in series.points:
            yield _mark(plot, series, point)
        yield "</g>"
        if series.letter:
            last = series.points[-1]
            place = _free(_across(plot.x, last.x), _up(plot.y, last.y), taken)
            taken.append(place)
            letters.append(_letter(series, *place))
    # On top of everything, so that no line goes through one.
    yield from letters


def _line(plot: Plot, series: Series) -> str:
    steps = [f"{_across(plot.x, p.x)} {_up(plot.y, p.y)}" for p in series.points]
    return f'<path class="line {series.line}" d="M{"L".join(steps)}"/>'


def _mark(plot: Plot, series: Series, point: Point) -> str:
    x, y = _across(plot.x, point.x), _up(plot.y, point.y)
    # What a line joins is many points.
    small = " scale(.6)" if series.line else ""
    return (
        f"<g><title>{_text(point.about)}</title>{_bar(plot, point, x)}"
        f'<path class="point" transform="translate({x} {y}){small}" d="{_shape(series.number)}"/></g>'
    )


def _bar(plot: Plot, point: Point, x: float) -> str:
    if point.low is None or point.high is None:
        return ""
    low, high = _up(plot.y, point.low), _up(plot.y, point.high)
    left, wide = round(x - _CAP, 1), 2 * _CAP
    return f'<path class="bar" d="M{x} {low}V{high}M{left} {low}h{wide}M{left} {high}h{wide}"/>'


def _letter(series: Series, x: float, y: float) -> str:
    return (
        f'<text class="letter c{series.number % COLOURS}" x="{x}" y="{y + 4}" text-anchor="middle">'
        f"{_text(series.letter)}</text>"
    )


def _free(x: float, y: float, taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """A place beside a point that is in the plot and far from what is there already, as far as there is one."""
    places = [(round(x + across, 1), round(y + up, 1)) for across, up in _BESIDE]
    inside = [
        place
        for place in places
        if _LEFT < place[0] < WIDTH - _HALF_LETTER and _HALF_LETTER < place[1] < HEIGHT - _BOTTOM
    ]
    others = [other for other in taken if other != (x, y)]

    def room(place: tuple[float, float]) -> float:
        return min((_distance(place, other) for other in others), default=99.0)

    roomy = [place for place in inside if room(place) > 2 * _HALF_LETTER]
    return roomy[0] if roomy else max(inside or places, key=room)


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(max(abs(one[0] - other[0]), abs(one[1] - other[1])))


def _across(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(value) * (WIDTH - _LEFT - _RIGHT), 1)


def _up(axis: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - axis.place(value) * (HEIGHT - _TOP - _BOTTOM), 1)


def draw_interval(value: float, low: float | None, high: float | None) -> str:
    """A share and its interval between 0 and 1, for a cell of a table."""
    track = '<path class="track" d="M0 4H100"/>'
    span = "" if low is None or high is None else _span(low, high)
    return (
        '<svg class="interval" viewBox="-4 0 108 8" preserveAspectRatio="none" aria-hidden="true">'
        f'{track}{span}<path class="value" d="M{value * 100:.1f} 0v8"/></svg>'
    )


def _span(low: float, high: float) -> str:
    return f'<path class="span" d="M{low * 100:.1f} 4H{high * 100:.1f}"/>'
