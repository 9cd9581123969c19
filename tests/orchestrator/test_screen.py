from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from engines import Status, Usage
from orchestrator import (
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunStarted,
    TokensGenerated,
    WorkerText,
)
from orchestrator.runs.run_view import RunView
from orchestrator.runs.screen import Screen
from orchestrator.runs.text_table import cells
from planners import Think
from tests.orchestrator.histories import histories


class Drawing:
    """A screen that is drawn when a test asks for it."""

    def __init__(self, *events: Event, width: int = 100, height: int = 20) -> None:
        self.now = 0.0
        self.view = RunView()
        for event in events:
            self.view.apply(event)
        self._file = StringIO()
        self._console = Console(file=self._file, force_terminal=True, width=width, height=height)
        self.screen = Screen(self._console, self.view, lambda: self.now)

    @property
    def raw(self) -> str:
        self._file.seek(0)
        self._file.truncate()
        self._console.print(self.screen.draw(), end="")
        return self._file.getvalue()

    @property
    def lines(self) -> list[str]:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.raw).splitlines()


def wide_run(nodes: int, running: int, failed: int, done: int) -> list[Event]:
    names = [f"n{number}" for number in range(nodes)]
    events: list[Event] = [NodePlanned(node=Think(id=name, prompt="why?")) for name in names]
    for number, name in enumerate(names[: done + failed]):
        status: Status = "ok" if number < done else "failed"
        events += NodeStarted(node=name), NodeFinished(node=name, status=status, reason="r")
    return events + [NodeStarted(node=name) for name in names[done + failed :][:running]]


def test_a_wide_run_stays_within_the_screen_with_what_runs_and_what_failed_first() -> None:
    lines = Drawing(*wide_run(nodes=500, running=10, failed=20, done=120)).lines
    assert len(lines) < 20
    assert [line.split()[1] for line in lines[1:11]] == [f"n{number}" for number in range(140, 150)]
    assert [line.split()[:2] for line in lines[11:17]] == [["✗", f"n{n}"] for n in range(120, 126)]
    assert lines[17] == "… and 350 waiting, 120 ok, 14 failed"


def test_a_small_run_is_shown_in_the_order_of_its_plan() -> None:
    lines = Drawing(*wide_run(nodes=5, running=1, failed=1, done=1)).lines
    assert [line.split()[1] for line in lines[1:6]] == ["n0", "n1", "n2", "n3", "n4"]
    assert "…" not in "".join(lines)


@settings(max_examples=50, deadline=None)
@given(histories(), st.integers(1, 200), st.integers(1, 60))
def test_any_run_fits_any_terminal(events: list[Event], width: int, height: int) -> None:
    drawing = Drawing(*events, width=width, height=height)
    drawing.screen.say("数学 " * 50)
    drawing.screen.add_to_plan("long \t line " * 20 + "\n" + "line\n" * 100)
    lines = drawing.lines
    assert len(lines) <= max(height, 6)
    assert all(cells(line) <= max(width, 1) for line in lines)


def test_calls_in_flight_and_tokens_per_second_stand_below() -> None:
    started = [GenerationStarted(node="1", call=call, path="p") for call in range(3)]
    drawing = Drawing(NodePlanned(node=Think(id="1")), NodeStarted(node="1"), *started)
    seen = [drawing.lines[-1]]
    assert seen == ["calls 3 open, 0 done"]
    for second in range(1, 4):
        drawing.now = float(second)
        drawing.view.apply(TokensGenerated(node="1", tokens=500))
        seen.append(drawing.lines[-1])
    assert seen[-1] == "calls 3 open, 0 done · 1,500 tokens, 500/s"
    usage = Usage(generated_tokens=1500)
    drawing.view.apply(
        GenerationFinished(
            node="1", call=0, path="p", usage=usage, finish_reason="stop", seconds=1.0
        )
    )
    drawing.now = 100.0
    assert drawing.lines[-1] == "calls 2 open, 1 done · 1,500 tokens, 0/s"


def writing(path: str = "p", worker: str = "Alice", delta: str = "so") -> Event:
    return WorkerText(node="1", path=path, worker=worker, delta=delta)


def test_the_end_of_what_workers_write_stands_below_their_node() -> None:
    planned = [NodePlanned(node=Think(id=name)) for name in ("1", "2")]
    begun = GenerationStarted(node="1", call=1, path="p")
    events = [*planned, NodeStarted(node="1"), begun, writing(delta="**Alice [1]:** ")]
    drawing = Drawing(*events, writing(worker="Bob", delta="数" * 50), writing(delta="7\n\nis"))
    assert drawing.lines[2:4] == ["    Alice  **Alice [1]:** 7 is", f"    Bob  …{'数' * 45}"]
    assert drawing.lines[4].split()[1] == "2"
    drawing.view.apply(writing(worker="Bob", delta="x"))
    assert drawing.lines[3] == f"    Bob  …{'数' * 44}x"
    # Where there is no room for all, nodes come first.
    assert len(Drawing(*events, writing(worker="Bob"), height=7).lines) == 5
    again = CallNoticed(node="1", path="p", what="retried", reason="lost")
    anew = Drawing(*events, again, writing(delta="Anew"))
    assert [line for line in anew.lines if line.startswith("    ")] == ["    Alice  Anew"]
    done = GenerationFinished(
        node="1", call=1, path="p", usage=Usage(), finish_reason="stop", seconds=1.0
    )
    drawing.view.apply(writing(path="q", worker="Carol"))
    drawing.view.apply(done)
    assert [line for line in drawing.lines if line.startswith("    ")] == ["    Carol  so"]


def test_the_age_of_what_runs_grows() -> None:
    drawing = Drawing(NodePlanned(node=Think(id="1")), NodeStarted(node="1", time=1.0))
    ages = []
    for drawing.now in (2.0, 62.5):
        ages.append(drawing.lines[1].split()[-1])
    assert ages == ["1.0", "61.5"]


def test_something_turns_while_something_goes_on() -> None:
    drawing = Drawing()
    drawing.screen.say("connecting")
    first, second = drawing.lines[-1], drawing.lines[-1]
    assert first != second
    assert first[1:] == second[1:] == " connecting"
    drawing.screen.end()
    assert drawing.lines == [""]


def test_a_start_tells_how_long_it_has_taken_until_the_run_begins() -> None:
    drawing = Drawing()
    drawing.screen.say("starting")
    drawing.now = 41.0
    assert drawing.lines[-1][1:] == " starting · 41 s"
    drawing.view.apply(RunStarted(question="?", model="fake"))
    drawing.screen.say("running")
    assert drawing.lines[-1][1:] == " running"


def test_of_a_long_plan_the_end_is_seen_while_it_is_written() -> None:
    drawing = Drawing(height=10)
    for number in range(200):
        drawing.screen.add_to_plan(f"{number}. th")
        drawing.screen.add_to_plan("ink()\n")
    lines = drawing.lines
    assert lines[-4:-2] == ["198. think()", "199. think()"]
    assert len(lines) < 10
    drawing.screen.end_plan()
    assert not any("think" in line for line in drawing.lines)


def say_it(screen: Screen, text: str) -> None:
    screen.say(text)


def plan_it(screen: Screen, text: str) -> None:
    screen.add_to_plan(text)


@pytest.mark.parametrize("told", [say_it, plan_it])
def test_what_a_model_says_is_shown_and_never_obeyed(told: Callable[[Screen, str], None]) -> None:
    drawing = Drawing()
    told(drawing.screen, "[bold]x[/] \x1b[2J\x9b31m\x07")
    raw = drawing.raw
    assert "[bold]x[/]" in raw
    assert not any(obeyed in raw for obeyed in ("\x1b[2J", "\x9b", "\x07"))
