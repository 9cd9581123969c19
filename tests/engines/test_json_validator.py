"""Data are checked by schemas of others in bounded time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft201909Validator, Draft202012Validator
from jsonschema.exceptions import SchemaError

from engines.json_validator import Uncheckable, find_error, find_schema_error, pattern_problem

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
# Both backtrack for years.
SLOW = {"pattern": "(x+x+)+y"}
LONG = "x" * 5_000
DOUBLING = {
    "$ref": "#/$defs/0",
    "$defs": {
        **{str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(30)},
        "30": {},
    },
}


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (LONG, SLOW, "the pattern '(x+x+)+y' takes too long to be matched"),
        ([LONG], {"items": {"$schema": DRAFT_7, **SLOW}}, "the pattern '(x+x+)+y' takes too long"),
        ({LONG: 1}, {"propertyNames": SLOW}, "the pattern '(x+x+)+y' takes too long"),
        (1, DOUBLING, "to check it by the schema takes too long, or has no end"),
        (1, {"$ref": "#"}, "to check it by the schema takes too long, or has no end"),
        ("a", {"pattern": "(a{1000}){1000}"}, "the pattern '(a{1000}){1000}' would be too long"),
        ("a", {"pattern": "("}, "the pattern '(' cannot be read: missing )"),
    ],
)
def test_what_cannot_be_checked_is_told(value: Any, schema: Any, said: str) -> None:
    with pytest.raises(Uncheckable) as caught:
        find_error(value, schema)
    assert str(caught.value).startswith(said)


def test_patterns_are_searched_in_texts() -> None:
    assert find_error("abc", {"pattern": "b"}) is None
    assert find_error(1, {"pattern": "b"}) is None
    error = find_error({"a": "x"}, {"properties": {"a": {"pattern": "^(a+)+$"}}})
    assert error is not None
    assert (error.message, error.json_path) == ("'x' does not match '^(a+)+$'", "$.a")


def test_a_part_is_checked_with_references_into_the_whole() -> None:
    whole = {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "integer"}}}
    assert find_error(1, whole, part=whole["properties"]["a"]) is None
    assert find_error("x", whole, part=whole["properties"]["a"]) is not None
    assert find_error("x", whole, part=False) is not None


@pytest.mark.parametrize("pattern", [r"^\d{4}-\d{2}$", "(a{10}){10}", "a{1,1000000}", "(ab){0,9}"])
def test_usual_patterns_are_taken(pattern: str) -> None:
    assert pattern_problem(pattern) == ""


WORDS = sorted(
    set(Draft202012Validator.VALIDATORS)
    | {"$defs", "$id", "$anchor", "$comment", "$schema", "title", "default", "examples", "x"}
)


def schemas(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(WORDS), values, max_size=3)


VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 2.5, "string", "int", "(", "#/x", "#"]),
    lambda inner: st.lists(inner, max_size=2) | schemas(inner),
    max_leaves=8,
)


@pytest.mark.parametrize("draft", [Draft7Validator, Draft201909Validator, Draft202012Validator])
@given(schema=schemas(VALUES) | VALUES)
def test_what_is_no_schema_is_found_as_jsonschema_finds_it(schema: Any, draft: Any) -> None:
    try:
        draft.check_schema(schema)
    except SchemaError:
        assert find_schema_error(schema, draft=draft) is not None
    else:
        assert find_schema_error(schema, draft=draft) is None
