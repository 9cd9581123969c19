"""What a run prints: the answer, the tree of its threads as far as it fits, and each remark once."""

from __future__ import annotations

from typing import Any

import pytest

from engines import Engine
from orchestrator import Agent, RunResult
from orchestrator.commands import output
from orchestrator.commands.output import write_result
from planners import Think
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.tree import ROOT, Frontier, Place
from tests import backends
from tests.orchestrator.plans import given
from tests.reasoning.searches import LOST, Reply, engine_that, search

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio


class Best:
    """A rule: the best leaf gets two children."""

    def select(self, frontier: Frontier, width: int) -> Allocation:
        if not frontier.leaves:
            return Allocation({})
        best = max(frontier.leaves, key=lambda leaf: leaf.score)
        return Allocation({best.place: width if best.place == ROOT else min(width, 2)})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(output, "write", texts.append)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    return texts


async def run(engine: Engine, **options: Any) -> RunResult:
    plan = given(Think(id="1"))
    return await Agent(engine, method=search(**options), planner=plan).run("Why?")


async def test_the_way_to_the_winner_is_shown_and_the_others_are_one_row(
    written: list[str],
) -> None:
    def tell(place: Place) -> Reply:
        score = f"[0.{place[-1] + 10}]"
        return f"{score} \\boxed{{7}}" if len(place) == 3 else f"{score} so\n\n"

    write_result(await run(engine_that(tell), width=16, rule=Best()), as_json=False)
    answer, blank, _, *rows = written[0].splitlines()
    assert (answer, blank) == ("7", "")
    told = [" ".join(row.split()[:2]) for row in rows[: rows.index("")]]
    assert told == [
        "✓ node",
        "○ step-15",
        "· step-15.0",
        "○ step-15.1",
        "✓ step-15.1.0",
        "★ step-15.1.1",
        "· 15",
        "… --json",
    ]
    assert rows[6].endswith("  passed over, best 0.24")


async def test_as_many_rows_are_shown_as_the_terminal_has_room_for(
    written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await run(engine_that(lambda place: f"[0.5] \\boxed{{{place[0]}}}"), width=40)
    heights = []
    for lines in (24, 50):
        monkeypatch.setenv("LINES", str(lines))
        write_result(result, as_json=False)
        heights.append(len(written.pop().splitlines()))
    # One line is left for a remark.
    assert heights == [23, 49]


async def test_a_remark_is_told_once(written: list[str]) -> None:
    def tell(place: Place) -> Reply:
        return LOST if len(place) == 2 else f"[0.5] {place}\n\n"

    write_result(await run(engine_that(tell)), as_json=False)
    (text,) = written
    assert text.count("the search ended before it came to an answer") == 1
    assert text.count("steps were lost, the first: lost") == 1
    assert "token limit" not in text
