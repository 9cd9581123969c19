from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from planners import Call, Conclude, Plan, Reduce, Reference, Template, Think, read_plan
from planners.static.building import Step, build, call, conclude, reduce, think


def test_a_plan_is_what_its_steps_say() -> None:
    product = call("multiply", a=12, b=7)
    square = think("Is ", product, " a square?", method="self-consistency", max_tokens=50)
    root = think("And its root?", after=square)
    plan = build(reduce([product, square, root], "majority"), question="How?")
    assert plan == Plan(
        question="How?",
        nodes=(
            Call(id="1", tool="multiply", arguments={"a": 12, "b": 7}),
            Think(
                id="2",
                prompt=Template(parts=("Is ", Reference(node="1"), " a square?")),
                method="self-consistency",
                max_tokens=50,
            ),
            Think(id="3", prompt="And its root?", after="2"),
            Reduce(id="4", inputs=("1", "2", "3"), reducer="majority"),
        ),
    )


def test_results_and_their_fields_stand_anywhere_in_arguments_and_texts() -> None:
    city = call("find", name="Bob", tool="x", id=1)
    other = call("f", a=[city, {"b": city["area"], "c": (1, None)}], d=True)
    plan = build(conclude("Its area is ", city["area"], ".", inputs=[other]))
    assert [type(node).__name__ for node in plan.nodes] == ["Call", "Call", "Conclude"]
    one = Reference(node="1")
    area = Reference(node="1", field="area")
    assert plan.nodes[0] == Call(
        id="1", tool="find", arguments={"name": "Bob", "tool": "x", "id": 1}
    )
    assert plan.nodes[1] == Call(
        id="2", tool="f", arguments={"a": [one, {"b": area, "c": [1, None]}], "d": True}
    )
    assert plan.nodes[2] == Conclude(
        id="3", text=Template(parts=("Its area is ", area, ".")), inputs=("2",)
    )


def test_a_list_of_steps_fans_out_and_a_step_that_many_need_stands_once() -> None:
    base = call("search", query="all")
    parts = [think("What of ", base, f" in {year}?") for year in (1, 2, 3)]
    plan = build(reduce(parts))
    assert [node.dependencies for node in plan.nodes] == [
        (),
        ("1",),
        ("1",),
        ("1",),
        ("2", "3", "4"),
    ]


def test_two_steps_that_are_alike_are_two_nodes() -> None:
    assert len(build(reduce([think("Why?"), think("Why?")])).nodes) == 3


def test_a_step_may_have_an_id_of_its_own_which_no_number_takes() -> None:
    first = call("f").named("2")
    plan = build(reduce([first, call("g"), call("h")]).named("all"))
    assert [node.id for node in plan.nodes] == ["2", "1", "3", "all"]
    assert plan.nodes[-1].dependencies == ("2", "1", "3")


def test_what_no_other_step_needs_is_carried_out_too_and_the_last_gives_the_answer() -> None:
    plan = build(call("store"), think("Why?"))
    assert [node.kind for node in plan.nodes] == ["call", "think"]
    assert plan.answer == "2"


def test_what_is_changed_later_does_not_come_into_a_step() -> None:
    values: list[Any] = [1]
    total = call("sum", values=values)
    values.append(total)
    assert build(total).nodes[0] == Call(id="1", tool="sum", arguments={"values": [1]})


def test_a_chain_may_be_very_long() -> None:
    step = think("Begin.")
    for _ in range(20_000):
        step = think(after=step)
    assert len(build(step).nodes) == 20_001


@st.composite
def expressions(draw: st.DrawFn) -> list[Step]:
    """Steps of which each may be made of earlier ones."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 12))):
        some = draw(st.lists(st.sampled_from(steps), max_size=4)) if steps else []
        match draw(st.sampled_from(["call", "think", "after", "reduce", "conclude"])):
            case "call":
                step = call("f", a=some, b={"c": [one["key"] for one in some]}, d=number)
            case "after" if some:
                step = think("On.", after=some[0], max_tokens=number + 1)
            case "reduce" if some:
                step = reduce(some, "first")
            case "conclude":
                step = conclude("It is ", *some, inputs=some)
            case _:
                step = think("See ", *some, *([some[0]["x"]] if some else []), "$1")
        steps.append(step.named(f"n{number}") if draw(st.booleans()) else step)
    return steps


@given(expressions(), st.data())
def test_every_step_stands_once_and_after_what_it_needs_and_the_file_is_the_same_plan(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], data: st.DataObject
) -> None:
    others = st.lists(st.sampled_from(steps[:-1]), max_size=3) if steps[1:] else st.just([])
    chosen = [*data.draw(others), steps[-1]]
    plan = build(*chosen, question="Why?")
    seen: set[str] = set()
    for node in plan.nodes:
        assert seen.issuperset(node.dependencies)
        assert node.id not in seen
        seen.add(node.id)
    wanted: set[Step] = set()
    while chosen:
        wanted.add(step := chosen.pop())
        chosen += step.needs
    assert len(plan.nodes) == len(wanted)
    file = tmp_path_factory.mktemp("built") / "plan.json"
    file.write_text(plan.to_json(), encoding="utf-8")
    assert read_plan(file) == plan


def test_a_plan_in_a_file_can_be_built_again(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(build(think("a", "", "b")).to_json())
    assert read_plan(file).nodes == (Think(id="1", prompt="ab"),)


# What cannot be


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: call("f", a={1, 2}), "argument a: {1, 2} is neither JSON data nor a step"),
        (lambda: call("f", a=[0, {"b": object}]), "argument a.1.b: <class 'object'> is neither"),
        (lambda: call("f", a=math.nan), "argument a: nan is no number of JSON"),
        (lambda: call("f", a={"$ref": "1"}), "argument a: a plan keeps the key '$ref' for itself"),
        (lambda: call("f", a={1: 2}), "argument a: {1: 2} is neither"),
        (lambda: call(7), "call: tool 7: Input should be a valid string"),  # type: ignore[arg-type]
        (lambda: think("x", 7), "a prompt is made of texts and steps, not of 7"),  # type: ignore[arg-type]
        (lambda: think(max_tokens=0), "think: max_tokens 0: Input should be greater than or equal to 1"),
        (lambda: think(after="1"), "'1' is no step: make one with call"),  # type: ignore[arg-type]
        (lambda: think(after=call("f")["x"]), "is no step: make one with call"),  # type: ignore[arg-type]
        (lambda: reduce([]), "reduce: inputs (): Tuple should have at least 1 item"),
        (lambda: reduce(["1"]), "'1' is no step"),  # type: ignore[list-item]
        (lambda: conclude("x", inputs=[3]), "3 is no step"),  # type: ignore[list-item]
        (lambda: call("f").named("a b"), "think: id 'a b': String should match pattern"),
        (lambda: build(), "a plan of no steps: give at least one"),
        (lambda: build("q"), "'q' is no step"),  # type: ignore[arg-type]
        (
            lambda: build(reduce([call("f").named("a"), call("g").named("a")])),
            "2 steps are named 'a': a plan has one node of a name",
        ),
    ],
)  # fmt: skip
def test_what_no_plan_can_hold_is_told_where_it_is_written(make: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)


def test_a_last_step_that_another_needs_would_not_be_the_last() -> None:
    first = call("f")
    with pytest.raises(UsageError, match="give it last"):
        build(think("See ", first), first)


def test_a_step_in_an_f_string_would_lose_its_result() -> None:
    step = call("f")
    with pytest.raises(TypeError, match="not an f-string"):
        f"Is {step} a square?"
    with pytest.raises(TypeError, match="not an f-string"):
        f"Is {step['x']} a square?"


def test_a_step_shows_the_node_that_it_will_be_but_not_all_that_it_is_made_of() -> None:
    assert repr(call("f", a=call("g").named("b"))) == (
        "<step: Call(kind='call', id='step', tool='f', arguments={'a': Reference(node='b', field=None)})>"
    )


def test_a_step_has_no_items() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(call("f"))  # type: ignore[call-overload]  # that it is an error is what this shows
    with pytest.raises(TypeError, match="named by a text"):
        call("f")[0]  # type: ignore[index]  # the same
