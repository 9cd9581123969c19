from __future__ import annotations

import pytest

from planners import Call, Node, PlanSyntaxError, Reference, Template, Think, ToolSpecification
from planners.language.step_node import step_node
from planners.language.step_reader import read_step
from tests.planners.tools import TOOLS

ONE, TWO = Reference(node="1"), Reference(node="2")


def node(written: str) -> Node:
    return step_node(read_step(f"3. {written}", 1), TOOLS, 1)


@pytest.mark.parametrize(
    "written",
    ["add(1, 2)", "add(a=1, b=2)", "add(1, b=2)", "add(b=2, a=1)", 'add("a"=1, b=2)'],
)
def test_arguments_are_bound_through_the_signature_of_the_tool(written: str) -> None:
    """(B2)"""
    assert node(written) == Call(id="3", tool="add", arguments={"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        ('think("why?")', "why?"),
        ('think(prompt="why?")', "why?"),
        ('think("")', ""),
        ("think($2)", Template(parts=(TWO,))),
        ('think("$2")', Template(parts=(TWO,))),
        ('think("why ${1}?")', Template(parts=("why ", ONE, "?"))),
        ('think("why?", $1)', Template(parts=("why?\n\n", ONE))),
        ('think("why?", $1, $2.title)', Template(
            parts=("why?\n\n", ONE, "\n\n", Reference(node="2", field="title"))
        )),
        ("think($1, $2)", Template(parts=(ONE, "\n\n", TWO))),
        ('think("a", "b")', "a\n\nb"),
        ('think("a $1", "b", "$2 c")', Template(parts=("a ", ONE, "\n\nb\n\n", TWO, " c"))),
    ],
)  # fmt: skip
def test_a_thought_is_given_the_results_after_its_text(
    written: str, prompt: str | Template
) -> None:
    assert node(written) == Think(id="3", prompt=prompt)


def test_a_thought_may_name_its_method_the_thread_that_it_goes_on_from_and_its_tokens() -> None:
    assert node('think("a", $1, method="self-consistency", after=$2, max_tokens=9)') == Think(
        id="3",
        prompt=Template(parts=("a\n\n", ONE)),
        method="self-consistency",
        after="2",
        max_tokens=9,
    )
    assert node('think("a", method=null)') == Think(id="3", prompt="a")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("think()", "think takes a text"),
        ("think(5)", "think takes a text and then results"),
        ('think("a", 5)', "think takes a text and then results"),
        ("think(prompt=[$1])", "think takes a text and then results"),
        ('think(question="a")', "think has no argument 'question'"),
        ('think("a", prompt="b")', "the text of a thought is given twice"),
        ('think("a", method=5)', "a method is a name in quotes"),
        ('think("a", method=$1)', "a method is a name in quotes"),
        ('think("a", after="1")', "a thought goes on after the thread of one step"),
        ('think("a", after=$1.title)', "a thought goes on after the thread of one step"),
        ('think("a", max_tokens=0)', "max_tokens is a number above 0"),
        ('think("a", max_tokens=true)', "max_tokens is a number above 0"),
    ],
)
def test_what_a_thought_does_not_take_is_told_with_an_example_that_is_right(
    written: str, problem: str
) -> None:
    with pytest.raises(PlanSyntaxError) as caught:
        node(written)
    message = str(caught.value)
    assert message.startswith(f"plan line 1: {problem}")
    example = message.partition(": expected a step such as 3. ")[2]
    assert isinstance(node(example), Think)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("add(1, 2, 3)", r"add\(a: number, b: number\) takes 2 arguments, not 3"),
        ("add(1, a=2)", "argument 'a' is given twice"),
        ("sub(1)", "there is no tool 'sub': choose from add, clock.now-utc, .*, think$"),
    ],
)
def test_what_no_tool_takes_is_told(written: str, problem: str) -> None:
    """(B7)"""
    with pytest.raises(PlanSyntaxError, match=problem):
        node(written)


def test_of_many_tools_the_nearest_are_named() -> None:
    many = [ToolSpecification(name=f"tool_{i:03}") for i in range(999)]
    tools = {one.name: one for one in [*many, ToolSpecification(name="search")]}
    with pytest.raises(PlanSyntaxError) as caught:
        step_node(read_step("1. serch()", 1), tools, 1)
    assert str(caught.value) == (
        "plan line 1: there is no tool 'serch': choose from search and 1000 others"
    )
    with pytest.raises(PlanSyntaxError) as caught:
        step_node(read_step(f"1. {'x' * 100_000}()", 1), tools, 1)
    assert len(str(caught.value)) < 200
