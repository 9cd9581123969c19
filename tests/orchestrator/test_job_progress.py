from __future__ import annotations

import io
from dataclasses import dataclass

from rich.console import Console

from orchestrator.runs.job_progress import JobProgress


@dataclass
class Clock:
    """Stands still until it is told the time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Items:
    total: int
    done: int = 0

    def line(self, now: float) -> str:
        return f"{self.done} of {self.total} after {now:.0f} s"


def written() -> tuple[JobProgress, Clock, io.StringIO]:
    file, clock = io.StringIO(), Clock()
    return JobProgress(Console(file=file, width=100), clock), clock, file


def test_lines_come_with_every_tenth_and_not_more_often_than_every_ten_seconds() -> None:
    progress, clock, file = written()
    job = Items(1000, done=500)
    with progress:
        progress.say("connecting\x1b[2J")
        clock.now = 5
        progress.begin(job)
        for second in range(50):
            clock.now = 5 + second
            for _ in range(10):
                job.done += 1
                progress.look()
        progress.end()
    first, *lines, last = file.getvalue().splitlines()
    assert first == "connecting\N{REPLACEMENT CHARACTER}[2J"
    assert lines == [f"{501 + 10 * second} of 1000 after {second} s" for second in (10, 20, 30, 40)]
    assert last == "1000 of 1000 after 49 s"


def test_a_slow_job_tells_ever_more_rarely_that_it_goes_on() -> None:
    progress, clock, file = written()
    with progress:
        progress.begin(Items(10**6))
        for second in range(10_000):
            clock.now = second
            progress.look()
    assert 10 < len(file.getvalue().splitlines()) < 30


def test_nothing_is_told_of_a_job_that_did_not_begin() -> None:
    progress, clock, file = written()
    with progress:
        clock.now = 100
        progress.look()
    assert file.getvalue() == ""


def test_on_a_terminal_one_line_is_drawn_anew() -> None:
    file, job = io.StringIO(), Items(12)
    with JobProgress(Console(file=file, force_terminal=True, width=60), Clock()) as progress:
        assert progress.live
        progress.begin(job)
        progress.say("an actor [died]\x07")
        job.done = 9
    shown = file.getvalue()
    assert "9 of 12 after 0 s" in shown
    assert "an actor [died]\N{REPLACEMENT CHARACTER}" in shown
    assert shown.count("\n") <= 3
