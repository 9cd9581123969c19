"""Shows a run on stderr while it goes on: a live table on a terminal, a line an event elsewhere.

It stands in the run's event loop, so an event only changes what is known; a table is drawn in a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from engines import Notice

from .events import Event, PlanFinished, PlanText, RunFinished, RunStarted
from .runs.lines import Lines
from .runs.run_view import RunView

if TYPE_CHECKING:
    from rich.console import Console


class Display(Protocol):
    """What shows a run."""

    def say(self, headline: str, *, lasting: bool = True) -> None:
        """Says what is going on; what does not last is shown where it goes away again."""
        ...

    def add_to_plan(self, text: str) -> None:
        """Shows what the planner writes."""
        ...

    def end_plan(self) -> None:
        """The plan is complete."""
        ...

    def tell(self, event: Event) -> None:
        """Shows what happened to a node or a call."""
        ...

    def end(self) -> None:
        """The run has ended."""
        ...

    def open(self) -> None:
        """Begins to show."""
        ...

    def close(self) -> None:
        """Leaves what is shown as it is."""
        ...


class Progress:
    """Subscribe `show` to a run's events, inside a `with` block.

    Args:
        console: Where to show it; None is stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._view = RunView()
        self._zero = time.monotonic()
        self._display = self._choose(console)

    def _choose(self, console: Console | None) -> Display:
        # Who runs nothing does not pay for loading rich.
        from rich.console import Console

        from .runs.screen import Screen

        console = console or Console(stderr=True)
        if console.is_terminal:
            return Screen(console, self._view, lambda: time.monotonic() - self._zero)
        return Lines(console.file, self._view)

    def __enter__(self) -> Self:
        self._display.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            name = self._view.name
            self._display.say(f"stopping; forkjoin resume {name} goes on" if name else "stopping")
        self._display.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draws nothing in this block, so that a person can be asked."""
        self._display.close()
        try:
            yield
        finally:
            self._display.open()

    def starting(self, engine: str, model: str | None) -> None:
        """Says that an engine is being opened."""
        self._display.say(opening(engine, model), lasting=engine in ("local", "hogwild"))

    def tell(self, notice: Notice) -> None:
        """Takes note of what an engine of many servers did with a call."""
        self._display.say(f"{notice.kind}: {notice.reason}")

    def show(self, event: Event) -> None:
        """Takes note of an event."""
        self._view.apply(event)
        match event:
            case PlanText():
                self._display.add_to_plan(event.delta)
            case PlanFinished():
                self._display.end_plan()
            case RunStarted():
                self._zero = time.monotonic() - event.time
                self._display.say(f"running on {event.model}")
            case RunFinished():
                self._display.end()
            case _:
                self._display.tell(event)


def opening(engine: str, model: str | None) -> str:
    """What is said while an engine is being opened."""
    model = model or "the embedded model"
    if engine == "local":
        return f"starting vLLM with {model}; this takes a minute"
    if engine == "hogwild":
        return f"loading {model} with PyTorch; this takes some seconds"
    if engine.startswith("replay:"):
        return f"reading recorded samples of {engine.removeprefix('replay:')}"
    return f"connecting to {engine}"
