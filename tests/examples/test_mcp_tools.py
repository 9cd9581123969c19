from __future__ import annotations

import anyio
import pytest

from engines import FakeEngine
from examples import mcp_tools


def test_its_server_is_started_and_its_tools_work_beside_a_function(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = FakeEngine("The first on a Sunday.")
    result = anyio.run(mcp_tools.ask, engine)
    assert str(result) == "The first on a Sunday."
    told = capsys.readouterr().out
    assert "tools: calendar.weekday, calendar.days_between, weeks\n" in told
    # What the thread was asked: the results stand in its prompt.
    (call, *_) = engine.calls
    asked = " ".join(turn.text for turn in call.context.turns)
    assert "the first on a Sunday, the last 177 weeks and 4 days later." in asked
