from __future__ import annotations

import io

from rich.console import Console

from orchestrator.runs.job_progress import JobProgress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_tells_how_far_it_is_and_how_long_it_will_take() -> None:
    clock = Clock()
    progress = JobProgress(1_000, "rows", done=100, failed=1, clock=clock, console=lines())
    progress.begin()
    assert progress.line() == "100 of 1,000 rows · 1 failed"
    for number in range(200):
        progress.advance(failed=number == 0)
    clock.now = 10
    assert progress.line() == "300 of 1,000 rows · 2 failed · 20/s · about 35.0 s left"
    progress.say("starting vLLM")
    assert progress.line() == "starting vLLM"


def lines() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def test_where_lines_stay_there_are_few_of_them() -> None:
    console = lines()
    with JobProgress(100_000, "rows", console=console, clock=Clock()) as progress:
        progress.say("connecting\x1b[2J")
        progress.begin()
        for _ in range(100_000):
            progress.advance()
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue().splitlines()
    assert told[0] == "connecting\N{REPLACEMENT CHARACTER}[2J"
    assert told[-1] == "100,000 of 100,000 rows"
    assert len(told) == 21


def test_one_that_goes_on_tells_only_what_is_new() -> None:
    console = lines()
    with JobProgress(100, "rows", done=50, console=console, clock=Clock()) as progress:
        progress.begin()
        for _ in range(10):
            progress.advance()
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "55 of 100 rows\n60 of 100 rows\n"


def test_a_terminal_has_one_line() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=60)
    with JobProgress(10, "rows", console=console, clock=Clock()) as progress:
        progress.begin()
        progress.note("an actor [died]\x07")
        for _ in range(10):
            progress.advance()
    assert "10 of 10 rows" in screen.getvalue()
    assert "an actor [died]\N{REPLACEMENT CHARACTER}" in screen.getvalue()
    assert screen.getvalue().count("\n") <= 3
