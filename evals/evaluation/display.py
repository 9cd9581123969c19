"""Shows an evaluation on stderr while it goes on: how far it is, what goes wrong, and how one goes on with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engines import Notice
from orchestrator import CallNoticed, Event
from orchestrator.progress import opening
from orchestrator.runs.job_progress import JobProgress
from orchestrator.runs.words import short

from .tally import Tally

if TYPE_CHECKING:
    from rich.console import Console


class Display:
    """Shows an evaluation, or several one after another, inside a `with` block.

    Args:
        again: How one goes on with it, where that is not `forkjoin eval --resume` and its folder.
        console: Where to; None is stderr.
        clock: Seconds on any scale that only grows.

    Attributes:
        live: Whether it shows tokens while they come.
    """

    def __init__(
        self,
        again: str | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = JobProgress(console, clock)
        self.live = self._progress.live
        self._noticed = False
        self._again = again
        self._path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.end()
        if kind is not None and self._path is not None:
            again = self._again or f"forkjoin eval --resume {self._path}"
            self.say(f"{'stopped' if issubclass(kind, Exception) else 'stopping'}; {again} goes on")

    def say(self, text: str) -> None:
        """Shows a text that stays."""
        self._progress.say(text)

    def starting(self, engine: str, model: str | None) -> None:
        """Says that an engine is being opened."""
        self.say(opening(engine, model))

    def begin(self, tally: Tally, path: Path) -> None:
        """Shows this from here on."""
        self._path = path
        self._progress.begin(tally)

    def end(self) -> None:
        """Shows nothing more of it."""
        self._progress.end()

    def notice(self, notice: Notice) -> None:
        """Says what an engine of many servers did with a call."""
        self.say(f"{notice.kind}: {short(notice.reason)}")

    def hear(self, event: Event) -> None:
        """Takes note that something happened."""
        if isinstance(event, CallNoticed) and not self._noticed:
            # The first tells what goes wrong; thousands would tell nothing more.
            self._noticed = True
            self.say(f"{event.node}  {event.what}: {short(event.reason)}")
        self._progress.look()
