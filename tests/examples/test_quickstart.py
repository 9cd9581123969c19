from __future__ import annotations

import re

import anyio
import pytest

from engines import FakeEngine
from examples import quickstart
from tests.planners.test_joiner import finish

REPLIES = {
    "plan": "1. multiply(16, 13)\n2. multiply(8, 25)\n3. add($1, $2)\njoin()",
    "plan/joiner-1": finish("408 in all"),
}


def test_it_multiplies_side_by_side_and_adds_when_both_are_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SECONDS", 0)
    engine = FakeEngine(lambda context, sampling: REPLIES[context.path])
    assert anyio.run(quickstart.solve, engine) == "408 in all"
    told = capsys.readouterr().out.splitlines()
    assert sorted(told[:4]) == ["1 begins", "1 ends: 208.0", "2 begins", "2 ends: 200.0"]
    assert told[4:6] == ["3 begins", "3 ends: 408.0"]
    assert told[-1].startswith("408 in all (")


def test_it_says_why_a_node_came_to_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SECONDS", 0)
    plan = {"plan": "1. multiply(16, 13)\n2. divide(8, 0)\n3. add($1, $2)\njoin()"}
    engine = FakeEngine(lambda context, sampling: (REPLIES | plan)[context.path])
    anyio.run(quickstart.solve, engine)
    told = capsys.readouterr().out
    assert "2 failed: " in told
    assert "zero" in told
    assert re.search(r"^3 (skipped|cancelled): node .2. failed", told, re.MULTILINE)
    assert "None" not in told
