"""What a caller is asked to call a tool with fits the tool's schema, whatever other calls gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engines import FakeEngine
from orchestrator import Agent, RunResult, ToolError
from orchestrator.errors import RunDeferred
from orchestrator.tools.deferred import deferred_tool, fitting_arguments
from planners import Call, Node, Reference, Think, ToolSpecification
from tests import backends
from tests.orchestrator.plans import given

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

NUMBER = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
AREA = deferred_tool(ToolSpecification(name="area", description="Of a square.", parameters=NUMBER))
PLAN: tuple[Node, ...] = (
    Call(id="1", tool="area", arguments={"a": 3}),
    Call(id="2", tool="area", arguments={"a": Reference(node="1")}),
    Think(id="3", prompt="End."),
)


async def gone_on(tmp_path: Path, result: Any, **options: Any) -> RunResult[str]:
    agent = Agent(
        FakeEngine("\\boxed{7}"), tools=[AREA], planner=given(*PLAN), runs=tmp_path, **options
    )
    with pytest.raises(RunDeferred) as caught:
        await agent.run("Why?")
    return await agent.resume(caught.value.folder, results={"1": result})


async def test_a_result_that_does_not_fit_is_not_passed_on(tmp_path: Path) -> None:
    result = await gone_on(tmp_path, "Error: tool crashed")
    outcome = result.outcomes["2"]
    assert outcome.status == "failed"
    assert outcome.reason == (
        "area was not called: its arguments do not fit: at a: 'Error: tool crashed' is not of type 'number'"
    )
    assert str(result) == "7"


@pytest.mark.parametrize("fitting", [9, "9"])
async def test_a_result_that_fits_is_passed_on(tmp_path: Path, fitting: Any) -> None:
    with pytest.raises(RunDeferred) as caught:
        await gone_on(tmp_path, fitting)
    assert [dict(call.arguments) for call in caught.value.calls] == [{"a": 9}]


@pytest.mark.parametrize("on_failure", ["skip", "substitute"])
async def test_the_text_of_an_error_is_no_argument(tmp_path: Path, on_failure: Any) -> None:
    result = await gone_on(tmp_path, ToolError("no network"), on_failure=on_failure)
    assert result.outcomes["2"].status == "cancelled"
    assert result.outcomes["2"].reason == "node '1' failed: no network"


def test_texts_stay_texts_where_they_fit() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/n"}, "c": {}}}
    specification = ToolSpecification(
        name="f", parameters={**schema, "$defs": {"n": {"type": ["integer", "null"]}}}
    )
    told = {"a": "5", "b": "5", "c": "5"}
    assert fitting_arguments(told, specification) == {"a": "5", "b": 5, "c": "5"}
    with pytest.raises(ToolError, match=r"f was not called: .* at b: 'x' is not of type"):
        fitting_arguments({"b": "x"}, specification)
