from __future__ import annotations

import re

import anyio
import pytest

from engines import FakeEngine
from examples import quickstart
from tests.planners.test_joiner import finish

REPLIES = {
    "plan": '1. price("apple")\n2. price("melon")\n3. add([$1, $2])\njoin()',
    "plan/joiner-1": finish("2.9 in all"),
}


def test_it_looks_prices_up_and_adds_them_when_both_are_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SECONDS", 0)
    engine = FakeEngine(lambda context, sampling: REPLIES[context.path])
    assert anyio.run(quickstart.shop, engine) == "2.9 in all"
    told = capsys.readouterr().out.splitlines()
    assert sorted(told[:4]) == ["1 begins", "1 ends: 0.5", "2 begins", "2 ends: 2.4"]
    assert told[4:6] == ["3 begins", "3 ends: 2.9"]
    assert told[-1].startswith("2.9 in all (")


def test_it_says_why_a_node_came_to_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SECONDS", 0)
    monkeypatch.delitem(quickstart.PRICES, "melon")
    engine = FakeEngine(lambda context, sampling: REPLIES[context.path])
    anyio.run(quickstart.shop, engine)
    told = capsys.readouterr().out
    assert "2 failed: " in told
    assert "melon" in told
    assert re.search(r"^3 (skipped|cancelled): node .2. failed", told, re.MULTILINE)
    assert "None" not in told
