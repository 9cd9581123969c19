from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from engines import Notice
from evals.evaluation.display import Display
from evals.evaluation.tally import Tally
from orchestrator import CallNoticed, NodeFinished, NodeStarted


class Clock:
    """Stands still until it is told the time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def written(again: str | None = None) -> tuple[Display, Clock, io.StringIO]:
    file, clock = io.StringIO(), Clock()
    return Display(again, Console(file=file, width=100), clock), clock, file


def end(display: Display, tally: Tally) -> None:
    for event in (NodeStarted(node="a"), NodeFinished(node="a", status="ok")):
        tally.hear(event)
        display.hear(event)


def test_without_a_terminal_lines_come_with_every_tenth_and_not_more_often_than_every_ten_seconds() -> (
    None
):
    display, clock, file = written()
    tally = Tally(1000)
    with display:
        display.begin(tally, Path("kept"))
        for second in range(1, 101):
            clock.now = second
            for _ in range(10):
                end(display, tally)
        display.end()
    lines = file.getvalue().splitlines()
    assert [line.split(" ")[0] for line in lines[:3]] == ["90", "190", "290"]
    assert lines[-1].startswith("1,000 of 1,000 samples")
    assert len(lines) <= 11


def test_on_a_terminal_one_line_is_drawn_anew() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100)
    tally = Tally(2)
    with Display(console=console) as display:
        assert display.live
        display.begin(tally, Path("kept"))
        display.say("a\x1bword")
        end(display, tally)
        display.end()
    shown = file.getvalue()
    assert "1 of 2 samples" in shown
    assert "a\N{REPLACEMENT CHARACTER}word" in shown


@pytest.mark.parametrize(
    ("error", "word"), [(KeyboardInterrupt, "stopping"), (ValueError, "stopped")]
)
def test_who_stops_it_is_told_how_to_go_on(error: type[BaseException], word: str) -> None:
    display, _, file = written()
    display.begin(Tally(1), Path("runs/kept"))
    with pytest.raises(error), display:
        raise error
    assert file.getvalue().endswith(f"{word}; forkjoin eval --resume runs/kept goes on\n")
    display, _, file = written("forkjoin eval sweep.yaml")
    display.begin(Tally(1), Path("runs/kept"))
    with pytest.raises(error), display:
        raise error
    assert file.getvalue().endswith(f"{word}; forkjoin eval sweep.yaml goes on\n")


def test_what_failed_before_anything_began_has_nothing_to_go_on_with() -> None:
    display, _, file = written()
    with pytest.raises(ValueError, match="no"), display:
        raise ValueError("no")
    assert file.getvalue() == ""


def test_the_first_call_that_is_tried_again_is_told_and_no_other() -> None:
    display, _, file = written()
    display.begin(Tally(1), Path("kept"))
    for number in range(3):
        display.hear(CallNoticed(node=f"n{number}", path="p", what="retried", reason="busy"))
    display.notice(Notice(kind="failed-over", path="p", reason="server 2 is gone"))
    assert file.getvalue().splitlines() == ["n0  retried: busy", "failed-over: server 2 is gone"]
