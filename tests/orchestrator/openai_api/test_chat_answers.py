from __future__ import annotations

from typing import Any, Literal

import pytest
from openai import APIError, LengthFinishReasonError
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from engines import Usage
from orchestrator.errors import RunFailed
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import (
    Ended,
    Finished,
    Piece,
    Reasoning,
    Said,
    Told,
    ToolCall,
)
from orchestrator.openai_api.writing import whole
from tests.orchestrator.openai_api.clients import (
    IDENTITY,
    Server,
    async_client,
    client,
    data,
    lines,
)

ASKED: Any = [{"role": "user", "content": "Why?"}]
ENDED = Ended(
    usage=Usage(prompt_tokens=10, cached_tokens=4, generated_tokens=6),
    reasoning_tokens=3,
    detail={"run": "r", "critical_path": 5},
)
PLAIN = (Said("4"), Said("2"), Finished("stop"), Ended(usage=Usage(prompt_tokens=1)))
THOUGHT: tuple[Piece, ...] = (
    Told({"kind": "node-started", "node": "a"}),
    Reasoning("Six times "),
    Told({"kind": "node-finished", "node": "a"}),
    Reasoning("seven."),
    Said("4"),
    Said("2 \N{LINE SEPARATOR} é"),
    Finished("stop"),
    ENDED,
)
CALLS = (
    ToolCall(id="call_1", name="weather", arguments='{"city": "Paris"}'),
    ToolCall(id="call_2", name="weather", arguments='{"city": "Rome"}'),
    Finished("tool_calls"),
    ENDED,
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Number(BaseModel):
    value: int
    kind: Literal["even", "odd"]


def turns(**more: Any) -> ModelRequest:
    return ModelRequest(turns=(("user", "Why?"),), **more)


def test_an_answer_comes_as_a_whole() -> None:
    server = Server(THOUGHT)
    answer = client(server).chat.completions.create(model="m@fork-join", messages=ASKED)
    assert server.requests[0].model == "m@fork-join"
    (choice,) = answer.choices
    assert choice.message.content == "42 \N{LINE SEPARATOR} é"
    assert choice.finish_reason == "stop"
    extra: Any = choice.message.model_extra
    assert extra["reasoning"] == extra["reasoning_content"] == "Six times seven."
    assert answer.usage is not None
    assert answer.usage.total_tokens == 16
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 4
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert answer.model_extra == {"forkjoin": {"run": "r", "critical_path": 5}}


def test_a_plain_answer_has_nothing_of_ours() -> None:
    body = whole(turns(), PLAIN, **IDENTITY)
    assert "forkjoin" not in body
    assert set(body["choices"][0]["message"]) == {"role", "content", "refusal"}
    assert [set(chunk) for chunk in data(lines(turns(stream=True), PLAIN))] == [
        {"id", "object", "created", "model", "choices"}
    ] * 4


@pytest.mark.parametrize("pieces", [PLAIN, THOUGHT, CALLS])
@pytest.mark.parametrize("usage", [True, False])
def test_bodies_and_chunks_are_those_of_the_api(pieces: tuple[Piece, ...], usage: bool) -> None:
    ChatCompletion.model_validate(whole(turns(), pieces, **IDENTITY), strict=True)
    for chunk in data(lines(turns(stream=True, stream_usage=usage), pieces)):
        ChatCompletionChunk.model_validate(chunk, strict=True)


def test_a_stream_is_the_same_answer() -> None:
    stream = client(Server(THOUGHT)).chat.completions.create(
        model="m", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "42 \N{LINE SEPARATOR} é"
    for name in ("reasoning", "reasoning_content"):
        said = [(delta.model_extra or {}).get(name, "") for delta in deltas]
        assert "".join(said) == "Six times seven."
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    told = [(chunk.model_extra or {}).get("forkjoin") for chunk in chunks]
    assert [each["event"]["kind"] for each in told if each] == ["node-started", "node-finished"]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 6
    assert last.model_extra == {"forkjoin": {"run": "r", "critical_path": 5}}


def test_a_stream_without_usage_ends_with_the_detail() -> None:
    chunks = data(lines(turns(stream=True), THOUGHT))
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)
    assert chunks[-1]["forkjoin"] == {"run": "r", "critical_path": 5}
    assert chunks[-1]["choices"][0]["delta"] == {}


def test_a_stream_ends_with_its_mark_and_every_event_is_one_line_to_anybody() -> None:
    written = lines(turns(stream=True), (*THOUGHT, Told({"kind": "x", "text": "\ud800"})))
    assert written[-1] == b"data: [DONE]\n\n"
    assert all(len(line.decode().splitlines()) == 2 for line in written)


def test_the_clients_helper_puts_a_stream_together() -> None:
    with client(Server(THOUGHT)).chat.completions.stream(model="m", messages=ASKED) as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_completion()
    assert kinds == {"chunk", "content.delta", "content.done"}
    assert answer.choices[0].message.content == "42 \N{LINE SEPARATOR} é"
    assert answer.choices[0].finish_reason == "stop"


def test_several_answers_are_put_together_in_any_order() -> None:
    pieces = (
        *(Said("c", 2), Said("a", 0), Said("b", 1), Finished("stop", 1), Said("a", 0)),
        *(Finished("stop", 0), Finished("stop", 2), ENDED),
    )
    whole_one = client(Server(pieces)).chat.completions.create(model="m", messages=ASKED, n=3)
    with client(Server(pieces)).chat.completions.stream(model="m", messages=ASKED, n=3) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()
    for answer in (whole_one, streamed):
        found = [(each.index, each.message.content) for each in answer.choices]
        assert found == [(0, "aa"), (1, "b"), (2, "c")]


def test_calls_are_asked_for_together() -> None:
    answer = client(Server(CALLS)).chat.completions.create(
        model="m", messages=ASKED, tools=[WEATHER]
    )
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.id for call in choice.message.tool_calls or ()] == ["call_1", "call_2"]


def test_streamed_calls_are_parsed_by_the_clients_helper() -> None:
    server = Server((Reasoning("Hm."), *CALLS))
    with client(server).chat.completions.stream(
        model="m", messages=ASKED, tools=[WEATHER]
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        answer = stream.get_final_completion()
    assert [event.parsed_arguments for event in done] == [{"city": "Paris"}, {"city": "Rome"}]
    calls = answer.choices[0].message.tool_calls or []
    assert [call.function.arguments for call in calls] == ['{"city": "Paris"}', '{"city": "Rome"}']


def test_what_the_client_got_can_be_sent_back() -> None:
    server = Server((Reasoning("Hm."), *CALLS))
    api = client(server)
    message: Any = (
        api.chat.completions.create(model="m", messages=ASKED, tools=[WEATHER]).choices[0].message
    )
    results: Any = [
        {"role": "tool", "tool_call_id": "call_2", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "sun"}]},
    ]
    server.pieces = THOUGHT
    conversation = [*ASKED, message, *results]
    answer: Any = api.chat.completions.create(model="m", messages=conversation, tools=[WEATHER])
    assert [(each.id, each.text) for each in server.requests[1].results] == [
        ("call_2", "rain"),
        ("call_1", "sun"),
    ]
    conversation += [answer.choices[0].message, {"role": "user", "content": "And now?"}]
    api.chat.completions.create(model="m", messages=conversation)
    (_, _), (_, said), (_, asked) = server.requests[2].turns
    assert "rain" in said
    assert said.endswith("42 \N{LINE SEPARATOR} é")
    assert "Hm." not in said
    assert asked == "And now?"


@pytest.mark.parametrize("stream", [True, False])
def test_a_form_is_parsed(stream: bool) -> None:
    server = Server((Said('{"value": 42,'), Said(' "kind": "even"}'), Finished("stop"), ENDED))
    completions = client(server).chat.completions
    if stream:
        with completions.stream(model="m", messages=ASKED, response_format=Number) as events:
            parsed = events.get_final_completion().choices[0].message.parsed
    else:
        answer = completions.parse(model="m", messages=ASKED, response_format=Number)
        parsed = answer.choices[0].message.parsed
    assert parsed == Number(value=42, kind="even")
    definition = server.requests[0].sampling["constraint"].definition
    assert definition["properties"]["value"] == {"title": "Value", "type": "integer"}


def test_a_form_that_was_cut_is_told_by_the_client() -> None:
    server = Server((Said('{"value":'), Finished("length"), ENDED))
    with pytest.raises(LengthFinishReasonError):
        client(server).chat.completions.parse(model="m", messages=ASKED, response_format=Number)


def test_an_error_in_a_stream_is_raised_by_the_client() -> None:
    server = Server((Said("4"),), RunFailed("secret", {}))
    stream = client(server).chat.completions.create(model="m", messages=ASKED, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "4"]
    with pytest.raises(APIError, match="the run has no answer") as caught:
        next(stream)
    assert caught.value.code == "run_failed"
    assert caught.value.type == "server_error"
    assert "secret" not in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_asynchronous_client_reads_the_same() -> None:
    api = async_client(Server(THOUGHT))
    async with api.chat.completions.stream(model="m", messages=ASKED) as stream:
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.content == "42 \N{LINE SEPARATOR} é"
