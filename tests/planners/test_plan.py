from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planners import (
    Call,
    Plan,
    PlanFileError,
    Reduce,
    Reference,
    Template,
    Think,
    read_plan,
)
from planners.plan import references, sinks

ids = st.text("abc123_", min_size=1, max_size=4) | st.just("a-b.c")
reference_values = st.builds(Reference, node=ids, field=st.none() | st.text("xyz", min_size=1))
templates = st.builds(
    Template, parts=st.lists(st.text(max_size=4) | reference_values, max_size=4).map(tuple)
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
arguments = st.recursive(
    scalars | reference_values | templates,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("klm", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
nodes = st.one_of(
    st.builds(
        Call,
        id=ids,
        tool=st.text("abc", min_size=1),
        arguments=st.dictionaries(st.text("pqr", min_size=1), arguments, max_size=3),
    ),
    st.builds(
        Think,
        id=ids,
        prompt=st.text(max_size=9) | templates,
        method=st.none() | st.just("m"),
        after=st.none() | ids,
    ),
    st.builds(
        Reduce,
        id=ids,
        inputs=st.lists(ids, min_size=1, max_size=3).map(tuple),
        reducer=st.text("abc", min_size=1),
    ),
)
plans = st.builds(
    Plan, question=st.text(), nodes=st.lists(nodes, min_size=1, max_size=5).map(tuple)
)


@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    again = Plan.model_validate_json(plan.to_json())
    assert again == plan
    # Equality of numbers hides their type, and a tool may care.
    assert again.to_json() == plan.to_json()


def test_a_plan_survives_a_file(tmp_path: Path) -> None:
    plan = Plan(question="é?", nodes=(Think(id="1", prompt="why"),))
    file = tmp_path / "plan.json"
    file.write_text(plan.to_json(), encoding="utf-8")
    assert read_plan(file) == plan


@given(arguments)
def test_references_are_found_wherever_they_stand(value: Any) -> None:
    def count(part: Any) -> int:
        if isinstance(part, Reference):
            return 1
        if isinstance(part, Template):
            return sum(isinstance(piece, Reference) for piece in part.parts)
        if isinstance(part, dict):
            return sum(map(count, part.values()))
        return sum(map(count, part)) if isinstance(part, list) else 0

    assert len(list(references(value))) == count(value)


def test_dependencies_stand_once_in_the_order_of_their_first_mention() -> None:
    one, two, three = (Reference(node=name) for name in ("1", "2", "3"))
    call = Call(
        id="9",
        tool="t",
        arguments={"a": [two, {"b": Template(parts=("x", one, two))}], "c": three, "d": 1},
    )
    assert call.dependencies == ("2", "1", "3")
    assert Call(id="9", tool="t").dependencies == ()
    think = Think(id="9", prompt=Template(parts=("see ", one)), after="3")
    assert think.dependencies == ("3", "1")
    assert Think(id="9", prompt="no $1 here").dependencies == ()
    assert Reduce(id="9", inputs=("2", "1", "2"), reducer="r").dependencies == ("2", "1")


@given(plans)
def test_sinks_are_the_nodes_that_no_other_needs(plan: Plan) -> None:
    found = sinks(plan.nodes)
    for node in plan.nodes:
        needed = any(node.id in other.dependencies for other in plan.nodes)
        assert (node.id in found) == (not needed)


def test_the_last_node_gives_the_answer() -> None:
    assert Plan(nodes=(Think(id="1"), Think(id="2"))).answer == "2"


def test_a_text_that_looks_like_a_number_stays_a_text_and_a_reference_is_no_dictionary() -> None:
    call = Call.model_validate(
        {
            "id": "1",
            "tool": "t",
            "arguments": {"a": "1", "b": 1, "c": 1.0, "d": True, "e": {"$ref": "x"}},
        }
    )
    kinds = {name: type(value) for name, value in call.arguments.items()}
    assert kinds == {"a": str, "b": int, "c": float, "d": bool, "e": Reference}


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": []},
        {"nodes": [{"kind": "think", "id": "1"}], "version": 2},
        {"nodes": [{"kind": "think", "id": "1"}], "owner": "me"},
        {"nodes": [{"kind": "think", "id": "1", "model": "x"}]},
        {"nodes": [{"kind": "poem", "id": "1"}]},
        {"nodes": [{"kind": "think", "id": ""}]},
        {"nodes": [{"kind": "think", "id": "a/b"}]},
        {"nodes": [{"kind": "think", "id": "x" * 65}]},
        {"nodes": [{"kind": "reduce", "id": "1", "inputs": [], "reducer": "first"}]},
        {"nodes": [{"kind": "call", "id": "1", "tool": "t", "arguments": [1]}]},
    ],
)
def test_what_is_no_plan_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate(wrong)


def test_a_node_cannot_be_changed() -> None:
    node = Think(id="1")
    with pytest.raises(ValidationError):
        node.id = "2"  # type: ignore[misc]  # that it is an error is what this shows


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"{", "the file"),
        (b'{"nodes": []}', "nodes"),
        (b'{"nodes": [{"kind": "think", "id": "1", "speed": 3}]}', r"nodes\.0\.speed"),
        (b'{"version": 2, "nodes": [{"kind": "think", "id": "1"}]}', "version"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_plan_is_told_with_the_place(
    tmp_path: Path, content: bytes, place: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(PlanFileError, match=place) as caught:
        read_plan(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanFileError, match="cannot be read"):
        read_plan(tmp_path / "nothing.json")


def test_a_dictionary_without_the_mark_is_a_literal_argument() -> None:
    call = Call.model_validate(
        {"id": "2", "tool": "t", "arguments": {"a": {"node": "1"}, "b": {"parts": ["x"]}}}
    )
    assert call.arguments == {"a": {"node": "1"}, "b": {"parts": ["x"]}}
    assert call.dependencies == ()
