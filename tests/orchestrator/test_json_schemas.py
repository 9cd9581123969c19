"""Schemas of others: what is wrong with one is said in a line, and nothing is fetched for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.json_schemas import schema_problem, value_problem

EVIL = "http://127.0.0.1:9/schema"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {}},
        {"const": {"$ref": EVIL}, "examples": [{"$ref": EVIL}]},
        {"properties": {"$ref": {"type": "string"}}},
        {"$ref": "#"},
        {"items": {"$ref": "#/parts/a"}, "parts": {"a": {"$ref": "#/parts/b"}, "b": True}},
    ],
)
def test_schemas_are_taken(schema: Any) -> None:
    assert schema_problem(schema) == ""


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "int"}, "is none at type: 'int' is not valid"),
        ({"properties": {"a": {"minimum": "x"}}}, "is none at properties.a.minimum"),
        ({"pattern": "("}, "is none at pattern: '(' is not a 'regex'"),
        ({"$schema": []}, "is none at $schema: it has to be a text"),
        ({"$ref": EVIL}, f"refers to {EVIL!r}, which is not there"),
        ({"items": {"$dynamicRef": EVIL}}, f"refers to {EVIL!r}, which is not there"),
        ({"properties": {"const": {"$ref": EVIL}}}, f"refers to {EVIL!r}, which is not there"),
        ({"anyOf": [{"$defs": {"enum": {"$ref": "#/x"}}}]}, "refers to '#/x', which is not there"),
        ({"$id": EVIL, "properties": {"a": {"$ref": "other"}}}, "refers to 'other'"),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "refers to '#/allOf/x', which is not there"),
        ({"$ref": "#/maximum", "maximum": 3}, "refers to '#/maximum', which is no schema"),
        ({"$ref": "#/default", "default": {"type": "int"}}, "is none at type: 'int' is not valid"),
        ({"$ref": "#/const", "const": {"$ref": "#/x"}}, "refers to '#/x', which is not there"),
        ({"$ref": f"#{'x' * 10_000}\n"}, f"refers to '#{'x' * 59}…', which is not there"),
        ({"pattern": "a" * 10_001}, "has a pattern that is longer than 10000 characters: 'aaa"),
        (
            {"items": {"pattern": "(a{9999}){9999}"}},
            "has a pattern that would be too long with its",
        ),
        ({"default": 1j}, "is no JSON: "),
    ],
)
def test_what_is_no_schema_or_reaches_outside_is_told(schema: Any, said: str) -> None:
    told = schema_problem(schema)
    assert told.startswith(said)
    assert "\n" not in told
    assert len(told) < 300


@pytest.fixture
def usual_depth() -> Iterator[None]:
    """Libraries raise the interpreter's limit at times; then time would run out first."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_depth")
def test_schemas_that_are_too_deep_are_told() -> None:
    schema: dict[str, Any] = {}
    for _ in range(3000):
        schema = {"items": schema}
    assert schema_problem(schema) == "is too deep"
    endless = "to check it by the schema takes too long, or has no end"
    assert value_problem(1, {"$ref": "#"}) == endless


def test_what_is_wrong_with_a_value_is_told_with_its_place() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}, "required": ["b"]}  # fmt: skip
    assert value_problem({"a": [1], "b": None}, schema) == ""
    assert value_problem({"a": [1, "x"], "b": 0}, schema) == "at a.1: 'x' is not of type 'integer'"
    assert value_problem({"a": []}, schema) == "'b' is a required property"
    told = value_problem(10**400, {"multipleOf": 0.1})
    assert told.startswith("it cannot be checked by the schema: OverflowError: ")
    long = value_problem("x" * 10_000, {"type": "integer"})
    assert len(long) < 300


def doubling(levels: int, **more: Any) -> Any:
    """Of one value it says 2 ** levels things."""
    parts: dict[str, Any] = {
        str(level): {"allOf": [{"$ref": f"#/$defs/{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$ref": "#/$defs/0", "$defs": {**parts, str(levels): more}}


def test_schemas_that_multiply_are_told_without_being_unfolded() -> None:
    assert schema_problem(doubling(8)) == ""
    told = "says more than 10000 things of one value: its references multiply"
    assert schema_problem(doubling(30)) == told
    # Here each is said of another value.
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "anyOf": [{"$ref": "#"}]}
    assert schema_problem(tree) == ""


def test_patterns_of_names_are_told_where_names_are_wanted() -> None:
    assert schema_problem({"patternProperties": {"a": {}}}) == ""
    told = "has patternProperties, which cannot be honoured: name the properties"
    patterned: dict[str, Any] = {"patternProperties": {"a": {}}}
    for schema in ({"items": patterned}, {"$ref": "#/default", "default": patterned}):
        assert schema_problem(schema, named=True) == told
    assert schema_problem({"properties": {"patternProperties": {}}}, named=True) == ""


def test_references_to_names_of_places_are_found() -> None:
    schema: dict[str, Any] = {"$ref": "#a", "$defs": {"x": {"$anchor": "a"}}}
    assert schema_problem(schema) == ""
    assert schema_problem({**schema, "$ref": "#b"}) == "refers to '#b', which is not there"
    assert schema_problem({"$id": EVIL, **schema}) == ""


def test_what_is_looked_at_and_for_how_long_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    place: dict[str, Any] = {}
    for _ in range(40):
        place = {"items": place}
    places = ["#/x" + "/items" * depth for depth in range(40)]
    told = schema_problem({"x": place, "allOf": [{"$ref": path} for path in places]})
    assert told == "refers to parts of parts again and again: put them into $defs"
    assert schema_problem({"x": place, "allOf": [{"$ref": path} for path in places[:2]]}) == ""
    monkeypatch.setattr("orchestrator.json_schemas._SECONDS", 0.01)
    wide = {"properties": {f"p{number}": {"title": "wide"} for number in range(3_000)}}
    for _ in range(2):
        assert schema_problem(wide) == "takes too long to be checked"
    monkeypatch.undo()
    assert schema_problem(wide) == "", "what took too long once is not kept"
