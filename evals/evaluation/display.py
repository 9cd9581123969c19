"""Shows an evaluation on stderr while it goes on: a line drawn anew on a terminal, a line now and then elsewhere.

It stands in the event loop, so an event only changes what is known; a terminal is drawn in a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self

from engines import Notice
from orchestrator import CallNoticed, Event
from orchestrator.progress import opening
from orchestrator.runs.words import printable, short

from .tally import Tally

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# More often costs more than it shows.
_FRAMES_PER_SECOND = 4
_BAR = 12
# A line where no terminal is: after so many seconds and another tenth, or after a pause that grows up to so many.
_SECONDS, _SHARE, _GROWTH, _LONGEST = 10.0, 0.1, 1.5, 600.0


class _Way(Protocol):
    """How it is shown."""

    def say(self, text: str) -> None:
        """Shows a text that stays."""
        ...

    def look(self) -> None:
        """Something may have changed."""
        ...

    def open(self, tally: Tally | None) -> None:
        """Begins to show; there is a tally once samples are made."""
        ...

    def close(self) -> None:
        """Leaves what is shown as it is."""
        ...


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
        # Who shows nothing does not pay for loading rich.
        from rich.console import Console

        console = console or Console(stderr=True)
        self.live = console.is_terminal
        self._noticed = False
        self._again = again
        self._path: Path | None = None
        self._way: _Way = _Drawn(console, clock) if self.live else _Written(console.file, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._way.close()
        if kind is not None and self._path is not None:
            again = self._again or f"forkjoin eval --resume {self._path}"
            self.say(f"{'stopped' if issubclass(kind, Exception) else 'stopping'}; {again} goes on")

    def say(self, text: str) -> None:
        """Shows a text that stays."""
        self._way.say(printable(text))

    def starting(self, engine: str, model: str | None) -> None:
        """Says that an engine is being opened."""
        self.say(opening(engine, model))

    def begin(self, tally: Tally, path: Path) -> None:
        """Shows this from here on."""
        self._path = path
        self._way.open(tally)

    def end(self) -> None:
        """Shows nothing more of it."""
        self._way.close()

    def notice(self, notice: Notice) -> None:
        """Says what an engine of many servers did with a call."""
        self.say(f"{notice.kind}: {short(notice.reason)}")

    def hear(self, event: Event) -> None:
        """Takes note that something happened."""
        if isinstance(event, CallNoticed) and not self._noticed:
            # The first tells what goes wrong; thousands would tell nothing more.
            self._noticed = True
            self.say(f"{event.node}  {event.what}: {short(event.reason)}")
        self._way.look()


class _Drawn:
    """A line on a terminal."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        from rich.live import Live

        self._console = console
        self._clock = clock
        self._tally: Tally | None = None
        self._start = 0.0
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def say(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(text))

    def look(self) -> None:
        """The thread that draws looks by itself."""

    def open(self, tally: Tally | None) -> None:
        self._tally, self._start = tally, self._clock()
        self._live.start()

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        from rich.text import Text

        tally = self._tally
        if tally is None:
            return Text("")
        full = int(_BAR * tally.done / tally.total) if tally.total else _BAR
        bar = Text("━" * full, "green") + Text("━" * (_BAR - full), "dim")
        line = bar + Text(f" {tally.line(self._clock() - self._start)}")
        line.no_wrap, line.overflow = True, "ellipsis"
        return line


class _Written:
    """Lines in a file."""

    def __init__(self, file: IO[str], clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._tally: Tally | None = None

    def say(self, text: str) -> None:
        self._file.write(f"{text}\n")
        self._file.flush()

    def open(self, tally: Tally | None) -> None:
        self._tally = tally
        self._start = self._told_at = self._clock()
        self._told_of, self._pause = 0, _SECONDS

    def look(self) -> None:
        tally, now = self._tally, self._clock()
        if tally is None or now - self._told_at < _SECONDS:
            return
        ended = tally.ended.total()
        much = ended - self._told_of >= _SHARE * tally.total
        if much or now - self._told_at >= self._pause:
            self._pause = _SECONDS if much else min(self._pause * _GROWTH, _LONGEST)
            self._told_at, self._told_of = now, ended
            self.say(tally.line(now - self._start))

    def close(self) -> None:
        if self._tally is not None:
            self.say(self._tally.line(self._clock() - self._start))
        self._tally = None
