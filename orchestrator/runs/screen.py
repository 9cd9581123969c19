"""A run on a terminal: a table of its nodes that always fits, and its figures below. Importing it loads rich.

It looks at a `RunView` and draws it, at most four times a second, in a thread of its own. It lays the table out
itself: one of rich's takes ten times as long, in a process whose time belongs to the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.segment import Segment, Segments

from ..events import Event
from .run_view import NodeView, RunView
from .text_table import TextTable, cut, cut_before
from .token_rate import TokenRate
from .words import MARKS, figures, in_states, printable, short

_STYLES = {"truncated": "yellow", "failed": "red", "cancelled": "dim", "waiting": "dim"}
_HEAD = ("", "node", "what", "tokens ", "seconds ", "result")
_TURNING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
# More often costs more than it shows.
_FRAMES_PER_SECOND = 4
# More rows than a person reads at once, and each one costs time.
_MOST_ROWS = 40
# The table's head, the rest in a line, the figures, and the line that the cursor is in.
_OTHER_LINES = 4
# What the columns beside `what` and `result` need.
_OTHER_COLUMNS = 32


class _Line(NamedTuple):
    text: str
    style: str = ""


class Screen:
    """A live picture of a run.

    Args:
        console: Where to draw.
        view: What to draw.
        now: Tells how many seconds ago the run began.
    """

    def __init__(self, console: Console, view: RunView, now: Callable[[], float]) -> None:
        self._console = console
        self._view = view
        self._now = now
        self._headline = ""
        self._busy = False
        self._plan: list[str] = []
        self._rate = TokenRate()
        self._frame = 0
        self._live = Live(
            get_renderable=self.draw,
            console=console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def open(self) -> None:
        """Begins to draw."""
        self._live.start()

    def close(self) -> None:
        """Draws a last time; what is drawn stays."""
        self._busy = False
        self._live.stop()

    def say(self, headline: str, *, lasting: bool = True) -> None:
        """Shows what is going on, until something else is said."""
        self._headline, self._busy = headline, True

    def add_to_plan(self, text: str) -> None:
        """Shows the end of what the planner has written."""
        first, *others = text.split("\n")
        before = self._plan[-1] if self._plan else ""
        # A new list, since the thread that draws may read the old one.
        self._plan = [*self._plan[-_MOST_ROWS:-1], before + first, *others]
        self._headline = "planning"

    def end_plan(self) -> None:
        """From here on the table says what the plan says."""
        self._plan, self._headline = [], "running"

    def tell(self, event: Event) -> None:
        """The view says it."""

    def end(self) -> None:
        """Nothing goes on any more."""
        self._headline, self._busy = "", False

    def draw(self) -> Segments:
        """The picture as it is now."""
        self._frame += 1
        width = self._console.width
        segments: list[Segment] = []
        for line in self._lines(self._now(), width):
            style = self._console.get_style(line.style) if line.style else None
            text = cut(printable(line.text).expandtabs(4), width)
            segments += Segment(text, style), Segment.line()
        return Segments(segments)

    def _lines(self, now: float, width: int) -> Iterator[_Line]:
        rows = min(_MOST_ROWS, max(1, self._console.height - _OTHER_LINES))
        plan = self._plan[-max(1, rows // 2) :]
        nodes = self._view.shown(rows - len(plan))
        for line in plan:
            yield _Line(line, "cyan")
        if nodes:
            yield from self._table(nodes, now, width, rows - len(plan) - len(nodes))
        if rest := _rest(self._view, nodes):
            yield _Line(rest, "dim")
        yield _Line(self._footer(now))

    def _table(
        self, nodes: Sequence[NodeView], now: float, width: int, room: int
    ) -> Iterator[_Line]:
        """A row a node; below it what workers are writing in it, as far as there is room for so many lines."""
        widest = max(12, (width - _OTHER_COLUMNS) // 2)
        rows = [self._row(node, now, widest) for node in nodes]
        head, *lines = TextTable(head=_HEAD, rows=rows).lines(width)
        yield _Line(head, "bold")
        for line, node in zip(lines, nodes, strict=True):
            yield _Line(line, _STYLES.get(node.state, ""))
            # Copied at once, since they go on writing.
            for (_, worker), text in list(node.writing.items())[:room]:
                room -= 1
                told = f"    {worker}  "
                yield _Line(
                    f"{told}{cut_before(' '.join(text.split()), width - len(told))}", "cyan"
                )

    def _row(self, node: NodeView, now: float, widest: int) -> tuple[str, ...]:
        return (
            self._turning if node.state == "running" else MARKS.get(node.state, "·"),
            node.id,
            short(node.what, widest),
            f"{node.tokens + node.streamed:,}",
            "" if node.state == "waiting" else f"{node.age(now):.1f}",
            short(node.outcome) or node.progress,
        )

    def _footer(self, now: float) -> str:
        statistics = self._view.statistics()
        rate = self._rate.look(now=now, tokens=statistics.new_tokens)
        # A start that takes a minute is seen to go on.
        waits = self._busy and not self._view.model and now >= 1
        waited = f"{now:.0f} s" if waits else ""
        told = " · ".join(filter(None, (short(self._headline), waited, figures(statistics, rate))))
        return f"{self._turning} {told}" if self._busy else told

    @property
    def _turning(self) -> str:
        return _TURNING[self._frame % len(_TURNING)]


def _rest(view: RunView, shown: Sequence[NodeView]) -> str:
    """The nodes that found no row."""
    hidden = Counter(view.statistics().nodes)
    hidden.subtract(Counter(node.state for node in shown))
    words = in_states(+hidden)
    return f"… and {words}" if words else ""
