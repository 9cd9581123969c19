from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import ToolError
from orchestrator.resolve import as_text, resolve
from planners import Argument, Reference, Template

RESULTS: dict[str, Any] = {
    "1": 84,
    "2": "a $1 and ${1}",
    "3": {"name": "Ada", "born": {"year": 1815}},
    "4": [1, "zwei"],
    "5": None,
}


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (Reference(node="1"), 84),
        (Reference(node="3", field="name"), "Ada"),
        (Reference(node="3", field="born"), {"year": 1815}),
        (Reference(node="5"), None),
        ("$1", "$1"),
        (True, True),
        (None, None),
        ([1, Reference(node="1"), [Reference(node="4")]], [1, 84, [[1, "zwei"]]]),
        ({"a": {"b": [Reference(node="1")]}, "c": 2.5}, {"a": {"b": [84]}, "c": 2.5}),
        (Template(parts=("x = ", Reference(node="1"), ".")), "x = 84."),
        (Template(parts=(Reference(node="3", field="name"), " ", Reference(node="4"))), 'Ada [1, "zwei"]'),
        ([Template(parts=("<", Reference(node="5"), ">"))], ["<null>"]),
    ],
)  # fmt: skip
def test_results_stand_in_the_place_of_references(argument: Argument, expected: object) -> None:
    assert resolve(argument, RESULTS) == expected


def test_what_a_result_says_is_not_substituted_again() -> None:
    """(B8)"""
    assert resolve(Reference(node="2"), RESULTS) == "a $1 and ${1}"
    assert resolve(Template(parts=("say ", Reference(node="2"))), RESULTS) == "say a $1 and ${1}"
    looks_like_one = {"1": {"$ref": "2"}, "2": "secret"}
    assert resolve([Reference(node="1")], looks_like_one) == [{"$ref": "2"}]


@pytest.mark.parametrize(
    "reference",
    [
        Reference(node="3", field="age"),
        Reference(node="1", field="real"),
        Reference(node="4", field="0"),
        Reference(node="5", field="x"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_field_that_is_not_there_is_an_error_that_names_both(
    reference: Reference, wrapped: bool
) -> None:
    argument: Argument = Template(parts=("so ", reference)) if wrapped else [reference]
    with pytest.raises(
        ToolError, match=f"node '{reference.node}' has no field '{reference.field}'"
    ):
        resolve(argument, RESULTS)


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_data)
def test_data_without_references_stays_as_it_is(data: Any) -> None:
    assert resolve(data, RESULTS) == data


@given(json_data)
def test_a_whole_reference_gives_the_result_unchanged(data: Any) -> None:
    assert resolve({"x": Reference(node="1")}, {"1": data}) == {"x": data}


def test_text_is_shown_as_it_is_and_data_as_json() -> None:
    assert as_text("é\n") == "é\n"
    assert as_text({"é": [1.5, None]}) == '{"é": [1.5, null]}'
