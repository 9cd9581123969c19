"""Shows on stderr how far a long job is: a line drawn anew on a terminal, a line now and then elsewhere.

    ━━━━━━━━──── 6,234 of 10,000 rows · 12 failed · 103/s · about 36.6 s left

It stands in the job's event loop, so that an item only changes numbers; a terminal is drawn in a thread of its own. It
does not know what the items are, nor what is told of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self

from .words import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# More often costs more than it shows.
_FRAMES_PER_SECOND = 4
_BAR = 12
# A line where no terminal is: after so many seconds and another tenth, or after a pause that grows up to so many.
_SECONDS, _SHARE, _GROWTH, _LONGEST = 10.0, 0.1, 1.5, 600.0


class Job(Protocol):
    """What is shown."""

    @property
    def total(self) -> int:
        """How many items there are."""
        ...

    @property
    def done(self) -> int:
        """How many need nothing any more."""
        ...

    def line(self, now: float) -> str:
        """How far it is; `now` are seconds since it began, which only grow."""
        ...


class JobProgress:
    """Shows a job, or several one after another, inside a `with` block.

    Args:
        console: Where to; None is stderr.
        clock: Seconds on any scale that only grows.

    Attributes:
        live: Whether there is a terminal.
    """

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # Who shows nothing does not pay for loading rich.
        from rich.console import Console

        console = console or Console(stderr=True)
        self.live = console.is_terminal
        self._way: _Way = _Drawn(console, clock) if self.live else _Written(console.file, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def say(self, text: str) -> None:
        """Shows a text that stays."""
        self._way.say(printable(text))

    def begin(self, job: Job) -> None:
        """Shows this job from here on; its time begins."""
        self._way.open(job)

    def look(self) -> None:
        """Something may have changed."""
        self._way.look()

    def end(self) -> None:
        """Leaves what is shown as it is, and shows nothing more of the job."""
        self._way.close()


class _Way(Protocol):
    def say(self, text: str) -> None: ...
    def open(self, job: Job) -> None: ...
    def look(self) -> None: ...
    def close(self) -> None: ...


class _Drawn:
    """A line on a terminal."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        from rich.live import Live

        self._console = console
        self._clock = clock
        self._job: Job | None = None
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

    def open(self, job: Job) -> None:
        self._job, self._start = job, self._clock()
        self._live.start()

    def look(self) -> None:
        """The thread that draws looks by itself."""

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        from rich.text import Text

        job = self._job
        if job is None:
            return Text("")
        full = int(_BAR * job.done / job.total) if job.total else _BAR
        bar = Text("━" * full, "green") + Text("━" * (_BAR - full), "dim")
        line = bar + Text(f" {job.line(self._clock() - self._start)}")
        line.no_wrap, line.overflow = True, "ellipsis"
        return line


class _Written:
    """Lines in a file."""

    def __init__(self, file: IO[str], clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._job: Job | None = None

    def say(self, text: str) -> None:
        self._file.write(f"{text}\n")
        self._file.flush()

    def open(self, job: Job) -> None:
        self._job = job
        self._start = self._told_at = self._clock()
        self._told_of, self._pause = job.done, _SECONDS

    def look(self) -> None:
        job, now = self._job, self._clock()
        if job is None or now - self._told_at < _SECONDS:
            return
        much = job.done - self._told_of >= _SHARE * job.total
        if much or now - self._told_at >= self._pause:
            self._pause = _SECONDS if much else min(self._pause * _GROWTH, _LONGEST)
            self._told_at, self._told_of = now, job.done
            self.say(job.line(now - self._start))

    def close(self) -> None:
        if self._job is not None:
            self.say(self._job.line(self._clock() - self._start))
        self._job = None
