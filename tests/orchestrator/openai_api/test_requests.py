from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import JsonSchema, Sampling
from orchestrator.errors import InvalidRequest
from orchestrator.openai_api.api_error import error_of
from orchestrator.openai_api.data_limits import MOST_LEVELS
from orchestrator.openai_api.model_request import (
    Endpoint,
    ModelRequest,
    read_chat,
    read_completion,
    read_request,
)

ASKED: dict[Endpoint, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Why?"}]},
    "completions": {"prompt": "Why?"},
    "responses": {"input": "Why?"},
}
ENDPOINTS: tuple[Endpoint, ...] = ("chat", "completions", "responses")
PARAMETERS = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "add", "parameters": PARAMETERS, "strict": True}}
FLAT = {"type": "function", "name": "add", "description": "Adds.", "parameters": PARAMETERS}
WORDS = (
    *("role", "content", "type", "text", "function", "name", "id", "call_id", "arguments", "user"),
    *("output", "tool_calls", "tool_call_id", "tool", "assistant", "message", "function_call"),
    *("function_call_output", "parameters", "properties", "$ref", "json_schema", "schema", "auto"),
    *("required", "reasoning", "format", "include_usage", "\ud800", "a", "enum", "$schema"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=10,
)
FIELDS = (
    *("messages", "prompt", "input", "instructions", "model", "n", "best_of", "stream"),
    *("stream_options", "tools", "tool_choice", "parallel_tool_calls", "forkjoin", "text"),
    *("reasoning", "max_output_tokens", "max_tokens", "stop", "temperature", "response_format"),
    *("previous_response_id", "include", "metadata", "seed", "text.format"),
)


def read(endpoint: Endpoint, **more: Any) -> ModelRequest:
    return read_request(endpoint, {**ASKED[endpoint], **more})


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_all_endpoints_share_is_read(endpoint: Endpoint) -> None:
    forkjoin = {"method": "self-consistency", "set": {"method.samples": 8}}
    request = read(
        endpoint,
        model="m@self-consistency:n=8",
        stream=True,
        temperature=0,
        forkjoin=forkjoin,
        **{"n": 1} if endpoint != "responses" else {},
    )
    assert request.endpoint == endpoint
    assert request.model == "m@self-consistency:n=8"
    assert request.stream is True
    assert request.forkjoin == forkjoin
    assert request.sampling == {"temperature": 0.0}
    assert request.turns == (("user", "Why?"),)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_null_is_as_good_as_left_out(endpoint: Endpoint) -> None:
    fields = (*FIELDS, "logprobs", "audio", "web_search_options", "conversation", "anything")
    nulls = {name: None for name in fields if name not in ASKED[endpoint]}
    assert read(endpoint, **nulls) == read(endpoint)


def test_tools_and_choices_of_chats_are_read() -> None:
    request = read(
        "chat", tools=[TOOL], tool_choice="required", parallel_tool_calls=False, stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
    )  # fmt: skip
    (tool,) = request.tools
    assert (tool.name, tool.required) == ("add", ("a",))
    assert request.tool_choice == "required"
    assert not request.parallel_calls
    assert request.stream_usage
    chosen = {"type": "function", "function": {"name": "add"}}
    assert read("chat", tools=[TOOL], tool_choice=chosen).tool_choice == "add"
    bare = {"type": "function", "function": {"name": "now", "parameters": None}}
    assert read("chat", tools=[bare]).tools[0].properties == {}
    assert read("chat", n=3).choices == 3
    assert read("completions", n=3, best_of=3).choices == 3


def test_tools_that_come_again_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = secrets.token_hex(), secrets.token_hex()
    checked: list[str] = []

    def check(schema: dict[str, Any], named: bool) -> Iterator[str]:
        checked.append(schema["title"])
        yield "is no good" if schema["title"] == bad else ""

    monkeypatch.setattr("orchestrator.json_schemas._problems", check)
    for title in (good, bad, good, bad):
        function = {"name": "add", "parameters": {"title": title, "type": "object"}}
        tool = {"type": "function", "function": function}
        if title == good:
            assert read("chat", tools=[tool]).tools[0].name == "add"
        else:
            with pytest.raises(InvalidRequest, match="schema of add is no good"):
                read("chat", tools=[tool])
    assert checked == [good, bad]


def test_fields_of_responses_are_read() -> None:
    request = read(
        "responses",
        tools=[FLAT],
        tool_choice={"type": "function", "name": "add"},
        max_output_tokens=9,
        text={
            "format": {"type": "json_schema", "name": "n", "schema": PARAMETERS, "strict": True},
        },
        reasoning={"effort": None},
        store=True,
    )
    assert request.tools[0].description == "Adds."
    assert request.tool_choice == "add"
    assert request.sampling == {
        "max_tokens": 9,
        "constraint": JsonSchema.model_validate({"definition": PARAMETERS}),
    }


SAYS_NOTHING: tuple[dict[str, Any], ...] = (
    {"presence_penalty": 0.0, "frequency_penalty": 0, "logit_bias": {}, "top_logprobs": 0},
    {"min_p": 0, "repetition_penalty": 1.0},
    {"user": "me", "metadata": {"a": "b"}, "store": False, "service_tier": "auto"},
    {"safety_identifier": "x", "prompt_cache_key": "k", "prompt_cache_options": {"ttl": "1h"}},
)
SAYS_NOTHING_IN: tuple[tuple[Endpoint, dict[str, Any]], ...] = (
    ("completions", {"echo": False, "suffix": "", "best_of": 1}),
    ("chat", {"logprobs": False, "functions": [], "function_call": "auto", "modalities": ["text"]}),
    ("chat", {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}),
    ("chat", {"reasoning_effort": "medium", "verbosity": "medium"}),
    ("responses", {"background": False, "truncation": "auto", "text": {"verbosity": "medium"}}),
    ("responses", {"truncation": "disabled", "include": [], "tools": []}),
    # What agents send that keep the conversation themselves.
    ("responses", {"include": ["reasoning.encrypted_content"], "store": False}),
    ("responses", {"reasoning": {"effort": "medium", "summary": "auto"}}),
    ("responses", {"reasoning": {"context": "auto", "mode": "standard"}}),
)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [*((endpoint, body) for endpoint in ENDPOINTS for body in SAYS_NOTHING), *SAYS_NOTHING_IN],
)
def test_what_says_nothing_is_as_good_as_left_out(endpoint: Endpoint, body: dict[str, Any]) -> None:
    assert read(endpoint, **body) == read(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "body", "field", "said"),
    [
        ("chat", {"n": 0}, "n", "from 1 to 128"),
        ("chat", {"n": 10**100}, "n", "a huge number"),
        ("chat", {"n": True}, "n", "an integer, and is true"),
        ("chat", {"n": 2, "tools": [TOOL]}, "n", "together with tools"),
        ("chat", {"stream": 1}, "stream", "true or false"),
        ("chat", {"stream_options": []}, "stream_options", "an object"),
        ("chat", {"stream_options": {"include_usage": 1}}, "stream_options", "true or false"),
        ("chat", {"stream_options": {"x": 1}}, "stream_options", "stream_options.x of 1"),
        ("chat", {"tools": {}}, "tools", "a list of 128"),
        ("chat", {"tools": [TOOL] * 129}, "tools", "a list of 129"),
        ("chat", {"tools": [TOOL, TOOL]}, "tools", 'two functions "add"'),
        ("chat", {"tools": [{"type": "custom"}]}, "tools[0]", '"custom"'),
        ("chat", {"tools": [FLAT]}, "tools[0]", "function has to be"),
        ("chat", {"tools": [{**TOOL, "function": {"name": 3}}]}, "tools[0]", "and is 3"),
        ("chat", {"tools": [{**TOOL, "function": {"name": "2-x"}}]}, "tools[0]", 'name of "2-x"'),
        ("chat", {"tools": [{**TOOL, "function": {"name": "auto"}}]}, "tools[0]", "tool_choice"),
        ("chat", {"tools": [{**TOOL, "function": {"name": "join"}}]}, "tools[0]", "plans use"),
        ("chat", {"tools": [{**TOOL, "function": {"name": "a", "x": 1}}]}, "tools[0]", "x of 1"),
        (
            "chat",
            {"tools": [{**TOOL, "function": {"name": "a", "parameters": {"type": "array"}}}]},
            "tools[0]",
            '"array"',
        ),
        (
            "chat",
            {"tools": [{**TOOL, "function": {"name": "a", "parameters": {"properties": 3}}}]},
            "tools[0]",
            "schema of a",
        ),
        ("chat", {"tool_choice": "required"}, "tool_choice", "there are none"),
        ("chat", {"tools": [TOOL], "tool_choice": "add"}, "tool_choice", "(add)"),
        (
            "chat",
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
            "an object",
        ),
        ("chat", {"parallel_tool_calls": "no"}, "parallel_tool_calls", "true or false"),
        ("chat", {"forkjoin": "self-consistency"}, "forkjoin", "an object"),
        ("chat", {"logprobs": True}, "logprobs", "cannot be honoured"),
        ("chat", {"reasoning_effort": "low"}, "reasoning_effort", "cannot be honoured"),
        ("chat", {"max_output_tokens": 3}, "max_output_tokens", "cannot be honoured"),
        ("chat", {"max_completion_tokens": 0}, "max_completion_tokens", "of 0"),
        ("completions", {"tools": [TOOL]}, "tools", "cannot be honoured"),
        ("completions", {"best_of": 2}, "best_of", "best_of of 2"),
        ("completions", {"echo": True}, "echo", "cannot be honoured"),
        ("completions", {"messages": []}, "messages", "cannot be honoured"),
        ("responses", {"n": 2}, "n", "cannot be honoured"),
        ("responses", {"max_tokens": 2}, "max_tokens", "cannot be honoured"),
        ("responses", {"max_output_tokens": 0}, "max_output_tokens", "of 0"),
        ("responses", {"previous_response_id": "r"}, "previous_response_id", "whole conversation"),
        ("responses", {"conversation": "c"}, "conversation", "whole conversation"),
        ("responses", {"background": True}, "background", "wait for the response"),
        ("responses", {"truncation": "middle"}, "truncation", '"middle"'),
        ("responses", {"reasoning_effort": "medium"}, "reasoning_effort", '"medium"'),
        ("chat", {"reasoning": {"effort": "medium"}}, "reasoning", "an object"),
        ("chat", {"min_p": 0.1}, "min_p", "0.1"),
        ("responses", {"text": "x"}, "text", "an object"),
        ("responses", {"text": {"format": {"type": "x"}}}, "text.format", "json_schema"),
        ("responses", {"text": {"verbosity": "low"}}, "text.verbosity", '"low"'),
        ("responses", {"reasoning": {"effort": "high"}}, "reasoning.effort", '"high"'),
        ("responses", {"include": ["x"]}, "include", "a list of 1"),
        ("responses", {"tools": [{"type": "web_search"}]}, "tools[0]", '"web_search"'),
        ("responses", {"prompt": {"id": "p"}}, "prompt", "cannot be honoured"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    endpoint: Endpoint, body: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(endpoint, **body)
    assert caught.value.field == field
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def nested(levels: int) -> Any:
    data: Any = "x"
    for _ in range(levels):
        data = [data]
    return data


DEEP = nested(100_000)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", ["metadata", "forkjoin", "tools", "response_format", "\ud800"])
def test_depth_has_an_end(endpoint: Endpoint, name: str) -> None:
    for data in (DEEP, {"a": nested(MOST_LEVELS)}, [{"\ud800": 3}], [float("nan")]):
        with pytest.raises(InvalidRequest):
            read(endpoint, **{name: data})


def test_what_is_as_deep_as_may_be_is_read() -> None:
    schema: dict[str, Any] = {"type": "object"}
    # The tool, its function, its parameters, and two levels for each of these.
    for _ in range((MOST_LEVELS - 4) // 2):
        schema = {"type": "object", "properties": {"a": schema}}
    tool = {"type": "function", "function": {"name": "deep", "parameters": schema}}
    assert read("chat", tools=[tool]).tools[0].shapes
    form = {"type": "json_schema", "json_schema": {"name": "deep", "schema": schema}}
    assert read("chat", response_format=form).sampling["constraint"].definition == schema
    assert read("chat", metadata={"a": nested(MOST_LEVELS - 1)}).sampling == {}


def outcome(
    read: Callable[[dict[str, Any]], ModelRequest], body: dict[str, Any]
) -> ModelRequest | None:
    """What is read of a body; None where it is refused, in one line that can be sent."""
    refusal: InvalidRequest | None = None
    try:
        return read(body)
    except InvalidRequest as error:
        refusal = error
    error_body = error_of(refusal).body()["error"]
    assert error_body["message"] == " ".join(str(refusal).split())
    assert len(error_body["message"]) < 600
    assert len(error_body["param"] or "") < 100
    json.dumps(error_body, ensure_ascii=False).encode()
    return None


@given(
    st.sampled_from(ENDPOINTS),
    st.booleans(),
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON, max_size=6),
)
def test_any_body_is_read_or_refused(endpoint: Endpoint, asks: bool, body: dict[str, Any]) -> None:
    whole = body | (ASKED[endpoint] if asks else {})
    for read in (partial(read_request, endpoint), read_chat, read_completion):
        request = outcome(read, whole)
        if request is not None:
            assert request.turns[-1][0] == "user"
            Sampling(**request.sampling)


@given(
    st.sampled_from(["messages", "input", "tools"]),
    st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, min_size=1, max_size=4), max_size=3),
)
def test_any_list_is_read_or_refused(name: str, items: list[Any]) -> None:
    endpoint: Endpoint = "responses" if name == "input" else "chat"
    outcome(partial(read_request, endpoint), {**ASKED[endpoint], name: items})


@given(JSON)
def test_any_schema_of_a_tool_is_read_or_refused(schema: Any) -> None:
    tool = {"type": "function", "function": {"name": "a", "parameters": schema}}
    request = outcome(partial(read_request, "chat"), {**ASKED["chat"], "tools": [tool]})
    if request is not None:
        assert request.tools[0].listing
