from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from orchestrator.errors import ToolDefinitionError, ToolError
from orchestrator.tool_servers.arguments import check_arguments
from orchestrator.tool_servers.contents import data_of
from orchestrator.tool_servers.definitions import Selection, plan_name
from orchestrator.tool_servers.transports import last_words

NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def listed(name: str, schema: dict[str, Any] | None = None, **more: Any) -> Tool:
    return Tool(name=name, input_schema=NUMBERS if schema is None else schema, **more)


def problem(schema: dict[str, Any]) -> str:
    with pytest.raises(ToolDefinitionError) as caught:
        Selection().of([listed("bad", schema)])
    return str(caught.value)


def test_a_tool_becomes_a_specification() -> None:
    text = "  Adds\n one.\n\nArgs:\n  a: a number"
    found = Selection().of([listed("add", description=text), listed("other", title="Other")])
    assert list(found) == ["add", "other"]
    assert found["add"].signature == "add(a: integer)"
    assert found["add"].description == "Adds one."
    assert found["other"].description == "Other"


def test_a_tool_without_parameters_may_say_nothing_of_them() -> None:
    found = Selection().of([listed("now", {}), listed("today", {"type": "object"})])
    assert [one.signature for one in found.values()] == ["now()", "today()"]


@pytest.mark.parametrize(
    ("annotations", "repeatable"),
    [
        (None, False),
        (ToolAnnotations(), False),
        (ToolAnnotations(read_only_hint=True), True),
        (ToolAnnotations(idempotent_hint=True), True),
        (ToolAnnotations(destructive_hint=False), False),
        (ToolAnnotations(read_only_hint=False, idempotent_hint=False), False),
    ],
)
def test_what_may_be_repeated_is_judged_by_annotations(
    annotations: ToolAnnotations | None, repeatable: bool
) -> None:
    (found,) = Selection().of([listed("a", annotations=annotations)]).values()
    assert found.repeatable is repeatable
    assert not found.pure


def test_the_caller_knows_better_than_annotations() -> None:
    selection = Selection(only=["b", "a"], prefix="x_", pure=["a"], repeatable=["b"])
    found = selection.of([listed("a"), listed("b"), listed("c")])
    assert list(found) == ["b", "a"]
    assert [one.name for one in found.values()] == ["x_b", "x_a"]
    assert [one.pure for one in found.values()] == [False, True]
    assert found["b"].repeatable


@pytest.mark.parametrize(
    "selection",
    [
        Selection(only=["serch"]),
        Selection(pure=["serch"]),
        Selection(repeatable=["serch"]),
        Selection(approval=["serch"]),
    ],
)
def test_a_name_that_the_server_does_not_have_is_refused(selection: Selection) -> None:
    with pytest.raises(ToolDefinitionError, match="there is no tool 'serch': a, search"):
        selection.of([listed("search"), listed("a")])


@given(st.text())
def test_every_name_becomes_one_that_plans_can_write(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", plan_name(name))


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]*", fullmatch=True))
def test_a_name_that_plans_can_write_stays(name: str) -> None:
    assert plan_name(name) == name


def test_names_that_become_the_same_are_refused() -> None:
    with pytest.raises(ToolDefinitionError, match="'a/b' and 'a b' are both 'a_b' in plans"):
        Selection().of([listed("a/b"), listed("a b")])
    found = Selection(only=["a b"]).of([listed("a/b"), listed("a b")])
    assert found["a b"].name == "a_b"


@pytest.mark.parametrize("name", ["think", "join"])
def test_a_word_of_plans_needs_a_prefix(name: str) -> None:
    with pytest.raises(ToolDefinitionError, match=f"tool '{name}': plans use this word"):
        Selection().of([listed(name)])
    assert Selection(prefix="my_").of([listed(name)])[name].name == f"my_{name}"


def test_a_schema_that_lies_is_refused_with_its_place() -> None:
    assert "tool 'bad': its schema is of the type 'array' and not an object" in problem(
        {"type": "array"}
    )
    assert "is none at properties.a.type: 'nonesuch'" in problem(
        {"type": "object", "properties": {"a": {"type": "nonesuch"}}}
    )
    assert "is none at required" in problem({"required": 3})
    lost = problem({"properties": {"a": {"items": {"$ref": "#/$defs/A"}}}})
    assert "refers to '#/$defs/A', which is not there: leave it out with only=" in lost
    assert "refers to 'http://x/y.json'" in problem(
        {"properties": {"a": {"$ref": "http://x/y.json"}}}
    )


def test_a_schema_may_have_references_and_parameters_called_like_them() -> None:
    schema = {
        "properties": {"$ref": {"$ref": "#/$defs/A"}, "b": {"const": {"$ref": "of no meaning"}}},
        "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
    }
    assert list(Selection().of([listed("a", schema)])["a"].properties) == ["$ref", "b"]


def test_odd_schemas_are_no_trouble_for_prompts() -> None:
    inner = {"type": "object", "properties": {"b": True, "c": {"const": 1}}}
    schema = {"properties": {"a": inner, "d": {"enum": []}}, "required": ["a", "d"]}
    (found,) = Selection().of([listed("odd", schema)]).values()
    assert found.signature == 'odd(a: {"c": 1}, d: any)'
    assert found.example() == 'odd({"c": 1}, "something")'


def test_arguments_are_checked_by_the_schema() -> None:
    schema = {
        "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
        "additionalProperties": False,
    }
    check_arguments({"a": [1]}, schema, "add")
    with pytest.raises(ToolError, match=r"^add: argument 'a.1' is 'x': 'x' is not of type"):
        check_arguments({"a": [1, "x"]}, schema, "add")
    with pytest.raises(ToolError, match=r"^add: Additional properties are not allowed"):
        check_arguments({"b": 1}, schema, "add")


def test_structured_content_is_the_result_and_text_where_there_is_none() -> None:
    text: list[ContentBlock] = [TextContent(text="1"), TextContent(text="2")]
    structured = CallToolResult(content=text, structured_content={"a": 1})
    assert data_of(structured, None, "x") == {"a": 1}
    assert data_of(CallToolResult(content=text), None, "x") == "1\n2"
    assert data_of(CallToolResult(content=[]), None, "x") == ""


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"properties": {"result": {}}}, 3),
        ({"properties": {"result": {}, "more": {}}}, {"result": 3}),
        ({"properties": 3}, {"result": 3}),
        (None, {"result": 3}),
    ],
)
def test_a_result_is_taken_out_of_the_wrapper_that_the_sdk_put_it_in(
    schema: dict[str, Any] | None, data: Any
) -> None:
    result = CallToolResult(content=[], structured_content={"result": 3})
    assert data_of(result, schema, "x") == data


def test_what_is_no_text_is_named() -> None:
    blob = BlobResourceContents(uri="file:///b", blob="MTIzNDU=")
    blocks: list[ContentBlock] = [
        TextContent(text="see"),
        ImageContent(data="MTIzNDU=", mime_type="image/png"),
        AudioContent(data="MTIz", mime_type="audio/wav"),
        ResourceLink(name="a", uri="file:///a"),
        EmbeddedResource(resource=TextResourceContents(uri="file:///t", text="inside")),
        EmbeddedResource(resource=blob),
    ]
    assert data_of(CallToolResult(content=blocks), None, "x").split("\n") == [
        "see",
        "[image/png, 5 bytes, left out]",
        "[audio/wav, 3 bytes, left out]",
        "file:///a",
        "inside",
        "[binary at file:///b, 5 bytes, left out]",
    ]


def test_what_the_tool_says_of_its_failure_is_one_line() -> None:
    result = CallToolResult(content=[TextContent(text="no\n  room")], is_error=True)
    with pytest.raises(ToolError, match=r"^write failed: no room$"):
        data_of(result, None, "write")
    with pytest.raises(ToolError, match=r"^write failed: it does not say why$"):
        data_of(CallToolResult(content=[], is_error=True), None, "write")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("", ("", "")),
        ("warning: slow\n", ("", "its last line: warning: slow")),
        ("\nended with exit code 0\n", ("it ended with exit code 0", "")),
        (
            "a\x1b[1m\n\nwas killed by signal 9\n",
            ("it was killed by signal 9", "its last line: a [1m"),
        ),
        (f"{'x' * 5000}\n", ("", f"its last line: {'x' * 300}")),
    ],
)
def test_the_last_words_are_the_end_and_the_last_line(errors: str, words: tuple[str, str]) -> None:
    assert last_words(errors) == words
