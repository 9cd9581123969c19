from __future__ import annotations

import pytest

from orchestrator import ToolDefinitionError
from orchestrator.toolkit import calculate
from orchestrator.tools.loading import is_in_toolkit, load_tools
from tests.orchestrator import here
from tests.orchestrator.here import Here

run_here = here.run_here


def test_tools_are_loaded_by_their_place_and_those_of_the_toolkit_by_name() -> None:
    assert load_tools(["orchestrator.toolkit:calculate"]) == [calculate]
    assert load_tools(["calculate"]) == [calculate]
    names = [one.specification.name for one in load_tools(["examples.arithmetic:TOOLS"])]
    assert names == ["add", "subtract", "multiply", "divide"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nothing", "--tools nothing: write MODULE:NAME, as in examples.arithmetic:TOOLS, or calculate"),
        ("canned_search", "--tools canned_search: write MODULE:NAME"),
        (":calculate", "--tools :calculate: write MODULE:NAME"),
        ("orchestrator.toolkit:", "write MODULE:NAME"),
        ("orchestrator.toolkit:python", "the module orchestrator.toolkit has no 'python'"),
        ("no.such:thing", "No module named 'no'"),
        ("orchestrator.toolkit:__doc__", "is no tool: put @tool before the function"),
    ],
)  # fmt: skip
def test_what_is_no_tool_says_so(place: str, message: str) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        load_tools([place])
    assert message in str(caught.value)


def test_only_tools_are_known_by_a_name_alone() -> None:
    assert is_in_toolkit("calculate")
    assert not is_in_toolkit("canned_search")
    assert not is_in_toolkit("What is 2 + 2?")


@pytest.mark.parametrize("place", ["calculate", "orchestrator.toolkit:calculate"])
def test_a_run_takes_a_tool_of_the_toolkit(run_here: Here, place: str) -> None:
    for arguments in (("What is 2 + 2?", "--tools", place), ("--tools", place, "What is 2 + 2?")):
        done = run_here("run", *arguments, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert "calculate(expression: string)" in done.stdout
    done = run_here("run", "--tools", place)
    assert "the question is missing" in done.stderr
