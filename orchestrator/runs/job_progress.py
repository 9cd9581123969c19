"""Shows on stderr how far a job of many items is: a live line on a terminal, few lines elsewhere.

    1,234 of 10,000 rows · 12 failed · 103/s · about 1 min 25 s left

It stands in the job's event loop, so that an item only changes numbers; on a terminal a thread draws them four times a
second. It does not know what the items are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from .token_rate import TokenRate
from .words import duration, printable, short

if TYPE_CHECKING:
    from rich.console import Console

_FRAMES_PER_SECOND = 4
# Where lines stay, one for each so many hundredths of the job.
_STEP = 5
# The rate of the last moments, and what is left, would jump about.
_WINDOW = 60.0


class JobProgress:
    """How far a job is. Shown inside a `with` block.

    Args:
        total: How many items there are.
        items: What they are called, in the plural.
        done: How many an earlier process did.
        failed: How many of these failed.
        console: Where to show it; None is stderr.
        clock: Seconds on any scale that only grows.
    """

    def __init__(
        self,
        total: int,
        items: str,
        *,
        done: int = 0,
        failed: int = 0,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._items = items
        self._clock = clock
        self._headline = ""
        self._rate = TokenRate(_WINDOW)
        self.done = done
        self.failed = failed
        self._display = self._choose(console)

    def _choose(self, console: Console | None) -> _Display:
        # Who runs no job does not pay for loading rich.
        from rich.console import Console

        console = console or Console(stderr=True)
        return _Screen(console, self) if console.is_terminal else _Lines(console, self)

    def __enter__(self) -> Self:
        self._display.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._display.close()

    def say(self, headline: str) -> None:
        """Says what goes on; an empty text says that the items do."""
        self._headline = headline
        if headline:
            self._display.say(printable(headline))

    def note(self, text: str) -> None:
        """Says what somebody who waits should know; it stays, and the items go on below it."""
        self._display.write(printable(text))

    def begin(self) -> None:
        """The first item begins: from here on it is measured how fast they come."""
        self.say("")
        self._rate = TokenRate(_WINDOW)
        self._rate.look(now=self._clock(), tokens=self.done)

    def advance(self, *, failed: bool = False) -> None:
        """One more item has ended."""
        self.done += 1
        self.failed += failed
        self._display.advanced()

    @property
    def total(self) -> int:
        """How many items there are."""
        return self._total

    def line(self) -> str:
        """How far the job is, in words."""
        if self._headline:
            return short(printable(self._headline))
        told = [f"{self.done:,} of {self._total:,} {self._items}"]
        if self.failed:
            told.append(f"{self.failed:,} failed")
        rate = self._rate.look(now=self._clock(), tokens=self.done)
        if rate > 0:
            told.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
            if left := self._total - self.done:
                told.append(f"about {duration(left / rate)} left")
        return " · ".join(told)


class _Display(Protocol):
    def open(self) -> None: ...
    def close(self) -> None: ...
    def say(self, headline: str) -> None: ...
    def write(self, line: str) -> None: ...
    def advanced(self) -> None: ...


class _Screen:
    """The line as it is now, drawn over and over in a thread of its own."""

    def __init__(self, console: Console, progress: JobProgress) -> None:
        from rich.live import Live
        from rich.text import Text

        def drawn(line: str) -> Text:
            return Text(line, overflow="ellipsis", no_wrap=True)

        self._drawn = drawn
        self._live = Live(
            get_renderable=lambda: drawn(progress.line()),
            console=console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def open(self) -> None:
        self._live.start()

    def close(self) -> None:
        self._live.stop()

    def say(self, headline: str) -> None:
        pass

    def write(self, line: str) -> None:
        self._live.console.print(self._drawn(line))

    def advanced(self) -> None:
        pass


class _Lines:
    """A line for each step of the way, so that a log does not grow with the job."""

    def __init__(self, console: Console, progress: JobProgress) -> None:
        self._file = console.file
        self._progress = progress
        self._told = 0

    def open(self) -> None:
        self._told = self._step()

    def close(self) -> None:
        pass

    def say(self, headline: str) -> None:
        self.write(headline)

    def write(self, line: str) -> None:
        self._file.write(f"{line}\n")

    def advanced(self) -> None:
        step = self._step()
        if step > self._told:
            self._told = step
            self.write(self._progress.line())

    def _step(self) -> int:
        return 100 * self._progress.done // (_STEP * max(self._progress.total, 1))
