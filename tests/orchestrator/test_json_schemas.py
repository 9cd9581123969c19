"""Schemas of others: what is wrong with one is said in a line, and nothing is fetched for it."""

from __future__ import annotations

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
    ],
)
def test_what_is_no_schema_or_reaches_outside_is_told(schema: Any, said: str) -> None:
    told = schema_problem(schema)
    assert told.startswith(said)
    assert "\n" not in told


def test_schemas_that_are_too_deep_are_told() -> None:
    schema: dict[str, Any] = {}
    for _ in range(3000):
        schema = {"items": schema}
    assert schema_problem(schema) == "is too deep"
    endless = "it is too deep, or the schema refers to itself without end"
    assert value_problem(1, {"$ref": "#"}) == endless


def test_what_is_wrong_with_a_value_is_told_with_its_place() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}, "required": ["b"]}  # fmt: skip
    assert value_problem({"a": [1], "b": None}, schema) == ""
    assert value_problem({"a": [1, "x"], "b": 0}, schema) == "at a.1: 'x' is not of type 'integer'"
    assert value_problem({"a": []}, schema) == "'b' is a required property"
    long = value_problem("x" * 10_000, {"type": "integer"})
    assert len(long) < 300
