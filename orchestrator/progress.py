"""Shows a run on stderr while it goes on: a live table on a terminal, a line an event elsewhere."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from planners import Call, Node, Reduce, Reference, Template, Think
from planners.plan import Argument

from .events import (
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    PlanText,
    RunFinished,
    RunStarted,
    TokensGenerated,
)

_MARKS = {"ok": "✓", "truncated": "✂", "failed": "✗", "cancelled": "·"}
_STYLES = {"ok": "green", "truncated": "yellow", "failed": "red", "cancelled": "dim"}
# More often costs more than it shows.
_FRAMES_PER_SECOND = 4
_WIDEST = 90
# What a terminal would obey instead of showing it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass
class _Row:
    what: str
    status: str = "waiting"
    tokens: int = 0
    started: float = 0.0
    began: float = 0.0
    seconds: float = 0.0
    result: str = ""

    @property
    def running_seconds(self) -> float:
        return time.monotonic() - self.began if self.status == "running" else self.seconds


class Progress:
    """Subscribe `show` to a run's events, inside a `with` block."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._rows: dict[str, _Row] = {}
        self._plan = ""
        self._printed = 0
        self._headline = ""
        self._busy = False
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._busy = False
        if kind is not None and not issubclass(kind, Exception):
            self._headline = "stopping"
            self._print(self._headline)
        if self._console.is_terminal:
            self._live.stop()

    def starting(self, engine: str, model: str | None) -> None:
        """Says that an engine is being opened."""
        if engine == "local":
            self._say(f"starting vLLM with {model or 'the embedded model'}; this takes a minute")
        else:
            self._headline, self._busy = f"connecting to {engine}", True

    def show(self, event: Event) -> None:
        """Takes note of an event."""
        match event:
            case RunStarted():
                self._say(f"running on {event.model}")
            case PlanText():
                self._headline = "planning"
                self._plan += event.delta
                self._print_plan(complete=False)
            case NodePlanned():
                self._rows[event.node.id] = _Row(describe(event.node))
            case PlanFinished():
                self._print_plan(complete=True)
                # From here on the table says it.
                self._plan, self._headline = "", "running"
            case NodeStarted():
                row = self._rows[event.node]
                row.status, row.started, row.began = "running", event.time, time.monotonic()
                self._print(f"▶ {event.node}  {row.what}")
            case TokensGenerated():
                if event.node in self._rows:
                    self._rows[event.node].tokens += event.tokens
            case GenerationStarted() | GenerationFinished():
                pass
            case CallNoticed():
                self._print(f"  {event.node}  {event.what}: {_short(event.reason)}")
            case NodeFinished():
                self._finish(event)
            case RunFinished():
                self._busy, self._headline = False, ""
            case _:
                assert_never(event)

    def _finish(self, event: NodeFinished) -> None:
        row = self._rows[event.node]
        if row.status == "running":
            row.seconds = event.time - row.started
        row.status = event.status
        row.result = event.reason if event.result is None else str(event.result)
        if event.status == "truncated":
            row.result = f"{row.result} ({event.reason})"
        self._print(
            f"{_MARKS[event.status]} {event.node}  {_short(row.result)}  "
            f"({row.tokens} tokens, {row.seconds:.1f} s)"
        )

    def _say(self, headline: str) -> None:
        self._headline, self._busy = headline, True
        self._print(headline)

    def _print(self, line: str) -> None:
        if not self._console.is_terminal:
            self._console.print(_text(line), soft_wrap=True, highlight=False)

    def _print_plan(self, *, complete: bool) -> None:
        """Prints the plan's lines that have become complete."""
        lines = self._plan.split("\n")
        ready = len(lines) if complete else len(lines) - 1
        for line in lines[self._printed : ready]:
            if line:
                self._print(f"  {line}")
        self._printed = max(ready, self._printed)

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._plan:
            parts.append(_text(self._plan.rstrip(), style="cyan"))
        if self._rows:
            parts.append(self._table())
        if self._busy:
            parts.append(Spinner("dots", _text(self._headline)))
        elif self._headline:
            parts.append(_text(self._headline))
        return Group(*parts)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for name in ("", "node", "what", "tokens", "seconds", "result"):
            right = name in ("tokens", "seconds")
            table.add_column(name, justify="right" if right else "left", no_wrap=name != "result")
        # The display has a thread of its own.
        for node, row in list(self._rows.items()):
            running = row.status == "running"
            table.add_row(
                Spinner("dots") if running else _text(_MARKS.get(row.status, "·")),
                _text(node),
                _text(_short(row.what, 48)),
                f"{row.tokens:,}",
                f"{row.running_seconds:.1f}" if row.status != "waiting" else "",
                _text(_short(row.result, 60), style=_STYLES.get(row.status, "")),
            )
        return table


def describe(node: Node) -> str:
    """A node in a few words.

    >>> describe(Call(id="3", tool="add", arguments={"a": Reference(node="1"), "b": 38}))
    'add($1, 38)'
    """
    match node:
        case Call():
            return f"{node.tool}({', '.join(_shown(value) for value in node.arguments.values())})"
        case Think():
            after = f" after {node.after}" if node.after else ""
            return f"think{after}: {_shown(node.prompt) or 'the question'}"
        case Reduce():
            return f"{node.reducer} of {', '.join(node.inputs)}"


def _shown(value: Argument) -> str:
    if isinstance(value, Reference):
        return f"${value.node}" + (f".{value.field}" if value.field else "")
    if isinstance(value, Template):
        return "".join(_shown(part) for part in value.parts)
    return str(value)


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _short(text: str, limit: int = _WIDEST) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
