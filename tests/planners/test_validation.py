from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from planners import (
    Call,
    InvalidPlan,
    Node,
    Plan,
    PlanChecker,
    PlanError,
    Reduce,
    Reference,
    Template,
    Think,
    check_plan,
)
from tests.planners.tools import ADD, VOCABULARY, tool

ONE = Reference(node="1")


def call(name: str, node: str = "2", **arguments: Any) -> Call:
    return Call(id=node, tool=name, arguments=arguments)


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        pytest.param(
            [Think(id="2", after="3"), Think(id="3", after="2")],
            "waits for itself: ",
            id="cycle",
        ),
        pytest.param([Think(id="2", after="2")], "waits for itself: 2 -> 2", id="self"),
        pytest.param(
            [Think(id="2", after="9")], "refers to node '9', and no earlier", id="dangling"
        ),
        pytest.param(
            [call("add", a=Reference(node="3"), b=1), Think(id="3")],
            "refers to node '3', and no earlier",
            id="forward reference",
        ),
        pytest.param(
            [Think(id="2", prompt=Template(parts=("x", Reference(node="7"))))],
            "refers to node '7'",
            id="dangling in a text",
        ),
        pytest.param([Think(id="2"), Think(id="2")], "has this id already", id="duplicate"),
        pytest.param([call("sub")], "no tool 'sub': choose from add, clock.now-utc", id="tool"),
        pytest.param([call("add", a=1, b=2, c=3)], "has no argument 'c'", id="unknown argument"),
        pytest.param([call("add", a=1)], "needs the argument 'b'", id="missing argument"),
        pytest.param(
            [call("add", a=1, b="2")], "argument 'b' of add: '2' is not of type", id="wrong type"
        ),
        pytest.param([call("search", query="x", most=0)], "less than the minimum", id="minimum"),
        pytest.param([call("pick", colour="green", sure=True)], "'green' is not one of", id="enum"),
        pytest.param([call("mean", values=[1, "x"])], "'x' is not of type", id="in a list"),
        pytest.param(
            [Think(id="2", method="magic")], "no method 'magic': choose from", id="method"
        ),
        pytest.param(
            [Reduce(id="2", inputs=("1",), reducer="magic")],
            "no reducer 'magic': choose from majority, synthesise",
            id="reducer",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line_that_names_the_node(
    nodes: list[Node], problem: str
) -> None:
    with pytest.raises(PlanError) as caught:
        check_plan(Plan(nodes=(Think(id="1"), *nodes)), VOCABULARY)
    message = str(caught.value)
    assert problem in message
    assert message.startswith("node '2': ") or "waits for itself" in message
    assert "\n" not in message


def test_a_cycle_is_told_as_a_circle() -> None:
    plan = Plan(
        nodes=(Think(id="a", after="c"), Think(id="b", after="a"), Think(id="c", after="b"))
    )
    with pytest.raises(PlanError) as caught:
        check_plan(plan, VOCABULARY)
    circle = str(caught.value).rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert sorted(circle[1:]) == ["a", "b", "c"]


@given(st.integers(1, 8), st.integers(1, 8))
def test_a_plan_may_have_so_many_nodes_and_no_more(most: int, count: int) -> None:
    plan = Plan(nodes=tuple(Think(id=str(i)) for i in range(count)))
    vocabulary = replace(VOCABULARY, max_nodes=most)
    if count <= most:
        check_plan(plan, vocabulary)
    else:
        with pytest.raises(PlanError, match=f"node '{most}': a plan has {most} nodes at most"):
            check_plan(plan, vocabulary)


@pytest.mark.parametrize(
    "node",
    [
        call("add", a=ONE, b=Template(parts=(ONE,))),
        call("mean", values=[1, ONE]),
        call("mean", values=ONE),
        call("search", query="x"),
        call("search", query="x", most=3),
        call("either", value=None),
        call("clock.now-utc"),
        Think(id="2", prompt=Template(parts=("x", ONE)), method="chain-of-thought", after="1"),
        Reduce(id="2", inputs=("1",), reducer="majority"),
    ],
)
def test_what_can_be_run_is_accepted(node: Node) -> None:
    check_plan(Plan(nodes=(Think(id="1"), node)), VOCABULARY)


def test_a_schema_may_use_definitions_of_its_tool() -> None:
    point = tool("plot", "point", point={"$ref": "#/$defs/Point"})
    parameters = {**point.parameters, "$defs": {"Point": {"type": "object", "required": ["x"]}}}
    vocabulary = replace(
        VOCABULARY, tools={"plot": point.model_copy(update={"parameters": parameters})}
    )
    check_plan(Plan(nodes=(call("plot", point={"x": 1}),)), vocabulary)
    with pytest.raises(PlanError, match="'x' is a required property"):
        check_plan(Plan(nodes=(call("plot", point={"y": 1}),)), vocabulary)


def test_a_reference_in_a_schema_may_lead_anywhere_in_it() -> None:
    twice = tool("f", "a", "b", a={"type": "number"}, b={"$ref": "#/properties/a"})
    vocabulary = replace(VOCABULARY, tools={"f": twice})
    check_plan(Plan(nodes=(call("f", a=1, b=2),)), vocabulary)
    with pytest.raises(PlanError, match="'x' is not of type 'number'"):
        check_plan(Plan(nodes=(call("f", a=1, b="x"),)), vocabulary)


def test_without_tools_the_message_says_so() -> None:
    with pytest.raises(PlanError, match="no tool 'add': none is registered"):
        check_plan(Plan(nodes=(call("add"),)), replace(VOCABULARY, tools={}))


def test_a_node_that_was_refused_is_not_there_for_later_ones() -> None:
    checker = PlanChecker(VOCABULARY)
    checker.check(Think(id="1"))
    with pytest.raises(PlanError):
        checker.check(call("sub"))
    with pytest.raises(PlanError, match="refers to node '2'"):
        checker.check(Think(id="3", after="2"))
    checker.check(Think(id="2"))
    checker.check(Think(id="3", after="2"))


def test_a_thread_goes_on_after_a_thread_or_a_reduction_and_not_after_a_call() -> None:
    checker = PlanChecker(VOCABULARY)
    checker.check(call("clock.now-utc", "1"))
    checker.check(Think(id="2"))
    checker.check(Reduce(id="3", inputs=("1", "2"), reducer="synthesise"))
    checker.check(Think(id="4", after="3"))
    checker.check(Think(id="5", after="2"))
    with pytest.raises(PlanError, match="node '6': goes on after node '1', a call") as caught:
        checker.check(Think(id="6", after="1"))
    # A planner's plan, one node after another: not the user's to mend.
    assert caught.value.exit_code == 1


def test_a_whole_plan_that_cannot_be_run_is_the_usage_of_whoever_gave_it() -> None:
    with pytest.raises(InvalidPlan, match="no tool 'sub'") as caught:
        check_plan(Plan(nodes=(call("sub"),)), VOCABULARY)
    assert isinstance(caught.value, PlanError)
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


@given(st.permutations(["1", "2", "3", "4"]))
def test_only_orders_in_which_inputs_come_first_are_accepted(order: list[str]) -> None:
    chain: dict[str, Node] = {
        "1": Think(id="1"),
        "2": Think(id="2", after="1"),
        "3": call("add", "3", a=ONE, b=1),
        "4": Reduce(id="4", inputs=("2", "3"), reducer="majority"),
    }
    plan = Plan(nodes=tuple(chain[name] for name in order))
    place = order.index
    if max(place("2"), place("3")) < place("4") and place("1") < min(place("2"), place("3")):
        check_plan(plan, VOCABULARY)
    else:
        with pytest.raises(PlanError, match="refers to node"):
            check_plan(plan, VOCABULARY)


def test_an_error_is_short_however_long_an_argument_and_however_many_the_tools() -> None:
    with pytest.raises(PlanError, match=r"argument 'a' of add: 'xx.*x' is not of type") as long:
        PlanChecker(VOCABULARY).check(call("add", a="x" * 1_000_000, b=1))
    assert len(str(long.value)) < 400
    many = replace(VOCABULARY, tools={f"add_{number}": ADD for number in range(1000)})
    with pytest.raises(PlanError, match=r"'ad_7': choose from add_7, .* and 99. others") as wide:
        PlanChecker(many).check(call("ad_7"))
    assert len(str(wide.value)) < 200
