"""The schemas and names that clients send are bounded, and what is wrong with them is told in a line."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import InvalidRequest
from orchestrator.openai_api.data_limits import MOST_SCHEMA_PARTS
from orchestrator.openai_api.model_request import Endpoint, read_request

MESSAGES = [{"role": "user", "content": "Why?"}]
PATTERNED: dict[str, Any] = {"patternProperties": {"^(a+)+$": {}}}


def function(parameters: dict[str, Any], name: str = "f") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def wide(properties: int) -> dict[str, Any]:
    names = range(properties)
    return {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in names}}


def form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}


def refused(endpoint: Endpoint = "chat", **fields: Any) -> InvalidRequest:
    asked = {"input": "Why?"} if endpoint == "responses" else {"messages": MESSAGES}
    with pytest.raises(InvalidRequest) as caught:
        read_request(endpoint, {**asked, **fields})
    return caught.value


def test_schemas_of_a_request_are_bounded_together() -> None:
    half = MOST_SCHEMA_PARTS // 2
    several = [function(wide(half // 20), f"f{n}") for n in range(20)]
    read_request("chat", {"messages": MESSAGES, "tools": several})
    told = refused(tools=several, response_format=form(wide(half)))
    assert told.field == "tools"
    assert "send at most 5000" in str(told)
    assert refused(response_format=form(wide(10_000))).field == "response_format"
    text = {"format": {"type": "json_schema", "name": "n", "schema": wide(10_000)}}
    assert refused("responses", text=text).field == "text"
    patterns = wide(100)
    for part in patterns["properties"].values():
        part["pattern"] = "[a-z]" * 1_000
    assert refused(tools=[function(patterns)]).field == "tools"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tools": [function(PATTERNED)]}, "tools[0]: the schema of f has patternProperties"),
        ({"response_format": form(PATTERNED)}, "response_format: its schema has patternProperties"),
        ({"response_format": form({"type": "int"})}, "response_format: its schema is none at type"),
        (
            {"tools": [function({}, "a b")]},
            'tools[0]: name of "a b" does not fit: a tool\'s name is of ASCII letters, digits, _ . and -, 64 at most, '
            "and begins with a letter or _",
        ),
        ({"tools": [function({}, "f" * 65)]}, "64 at most"),
        (
            {"tools": [function({}, "think")]},
            'tools[0]: name of "think" does not fit: plans use this word: rename it',
        ),
    ],
)
def test_what_is_wrong_is_told(fields: dict[str, Any], said: str) -> None:
    told = str(refused(**fields))
    assert said in told
    assert "Value error" not in told
