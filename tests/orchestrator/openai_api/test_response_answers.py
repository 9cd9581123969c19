from __future__ import annotations

from typing import Any

import pytest
from openai import APIError
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from engines import BudgetExhausted, Usage
from orchestrator.openai_api.model_request import ModelRequest, read_request
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

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ENDED = Ended(
    usage=Usage(prompt_tokens=10, cached_tokens=None, generated_tokens=6),
    reasoning_tokens=3,
    detail={"run": "r"},
)
THOUGHT: tuple[Piece, ...] = (
    Told({"kind": "node-started", "node": "a"}),
    Reasoning("Six times "),
    Reasoning("seven."),
    Said("4"),
    Told({"kind": "node-finished", "node": "a"}),
    Said("2"),
    Finished("stop"),
    ENDED,
)
# Another thread goes on to think while the answer comes.
MIXED: tuple[Piece, ...] = (
    *(Reasoning("a"), Said("4"), Reasoning("b"), Reasoning("c"), Said("2"), Reasoning("d")),
    *(Finished("stop"), ENDED),
)
CALLS: tuple[Piece, ...] = (
    Reasoning("Hm."),
    ToolCall(id="call_1", name="weather", arguments='{"city": "Paris"}'),
    ToolCall(id="call_2", name="weather", arguments='{"city": "Rome"}'),
    Finished("tool_calls"),
    ENDED,
)
CUT: tuple[Piece, ...] = (Said("4"), Finished("length"), ENDED)
SILENT: tuple[Piece, ...] = (Finished("stop"), ENDED)
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather.",
    "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class Number(BaseModel):
    value: int


def asked(**body: Any) -> ModelRequest:
    return read_request("responses", {"model": "m", "input": "Why?", **body})


@pytest.mark.parametrize("pieces", [THOUGHT, MIXED, CALLS, CUT, SILENT])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {
            "temperature": 0.5,
            "max_output_tokens": 9,
            "tools": [WEATHER],
            "tool_choice": {"type": "function", "name": "weather"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "array"}}},
        },
    ],
)
def test_bodies_and_events_are_those_of_the_api(
    pieces: tuple[Piece, ...], body: dict[str, Any]
) -> None:
    Response.model_validate(whole(asked(**body), pieces, **IDENTITY), strict=True)
    events = data(lines(asked(**body), pieces))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        if event["type"] != "forkjoin.event":
            read = EVENT.validate_python(event, strict=True)
            assert read.type == event["type"]


@pytest.mark.parametrize("pieces", [THOUGHT, MIXED, CALLS, CUT, SILENT])
def test_a_stream_ends_with_the_whole_response_and_its_events_tell_all_of_it(
    pieces: tuple[Piece, ...],
) -> None:
    events = data(lines(asked(), pieces))
    body = whole(asked(), pieces, **IDENTITY)
    assert events[-1]["response"] == body
    told: dict[int, str] = {}
    done: dict[int, Any] = {}
    for event in events:
        if event["type"].endswith(".delta"):
            place = event["output_index"]
            told[place] = told.get(place, "") + event["delta"]
        if event["type"] == "response.output_item.done":
            done[event["output_index"]] = event["item"]
    assert [done[place] for place in sorted(done)] == body["output"]
    for place, item in enumerate(body["output"]):
        text = item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"]
        assert told.get(place, "") == text


def test_the_events_of_an_answer_come_in_their_order() -> None:
    kinds = [event["type"].removeprefix("response.") for event in data(lines(asked(), THOUGHT))]
    assert kinds == [
        *("created", "in_progress", "forkjoin.event"),
        *("output_item.added", "content_part.added"),
        *("reasoning_text.delta", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "content_part.added"),
        *("output_text.delta", "forkjoin.event", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        "completed",
    ]


def test_there_is_one_message_whatever_comes_beside_it() -> None:
    output = whole(asked(), MIXED, **IDENTITY)["output"]
    said = [(item["type"], item["content"][0]["text"]) for item in output]
    assert said == [("reasoning", "a"), ("message", "42"), ("reasoning", "bcd")]


def test_an_answer_comes_as_a_whole() -> None:
    response = client(Server(THOUGHT)).responses.create(
        model="m", instructions="Be brief.", input="Why?"
    )
    assert response.output_text == "42"
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 3
    assert response.usage.input_tokens_details.cached_tokens == 0
    assert (response.model_extra or {})["forkjoin"] == {"run": "r"}


def test_a_cut_answer_is_incomplete() -> None:
    response = client(Server(CUT)).responses.create(model="m", input="Why?")
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == "4"
    assert data(lines(asked(), CUT))[-1]["type"] == "response.incomplete"


def test_a_silent_answer_is_an_empty_text() -> None:
    assert client(Server(SILENT)).responses.create(model="m", input="Why?").output_text == ""


def test_a_stream_passes_what_the_client_does_not_know() -> None:
    stream = client(Server(THOUGHT)).responses.create(model="m", input="Why?", stream=True)
    events: list[Any] = list(stream)
    said = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert said == ["4", "2"]
    ours = [event.event["kind"] for event in events if event.type == "forkjoin.event"]
    assert ours == ["node-started", "node-finished"]
    assert events[-1].response.output_text == "42"


@pytest.mark.parametrize("pieces", [THOUGHT, MIXED])
def test_the_clients_helper_puts_a_stream_together(pieces: tuple[Piece, ...]) -> None:
    with client(Server(pieces)).responses.stream(model="m", input="Why?") as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert kinds[-1] == "response.completed"
    assert response.output_text == "42"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_asynchronous_helper_does_as_well() -> None:
    api = async_client(Server(THOUGHT))
    async with api.responses.stream(model="m", input="Why?") as stream:
        response = await stream.get_final_response()
    assert response.output_text == "42"


@pytest.mark.parametrize("stream", [True, False])
def test_a_form_is_parsed(stream: bool) -> None:
    server = Server((Said('{"value":'), Said(" 42}"), Finished("stop"), ENDED))
    responses = client(server).responses
    if stream:
        with responses.stream(model="m", input="Why?", text_format=Number) as events:
            parsed = events.get_final_response().output_parsed
    else:
        parsed = responses.parse(model="m", input="Why?", text_format=Number).output_parsed
    assert parsed == Number(value=42)
    assert server.requests[0].sampling["constraint"].definition["title"] == "Number"


def test_calls_go_there_and_back() -> None:
    server = Server(CALLS)
    api = client(server)
    given: Any = [{"role": "user", "content": "Where is it warmer?"}]
    response = api.responses.create(model="m", input=given, tools=[WEATHER])
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.call_id for call in calls] == ["call_1", "call_2"]
    given += response.output
    given += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"{place} degrees"}
        for place, call in enumerate(calls)
    ]
    server.pieces = THOUGHT
    answer = api.responses.create(model="m", input=given, tools=[WEATHER])
    request = server.requests[1]
    assert request.turns == (("user", "Where is it warmer?"),)
    assert [(each.id, each.name, each.text) for each in request.results] == [
        ("call_1", "weather", "0 degrees"),
        ("call_2", "weather", "1 degrees"),
    ]
    given += [*answer.output, {"role": "user", "content": "Why?"}]
    api.responses.create(model="m", input=given)
    assert [role for role, _ in server.requests[2].turns] == ["user", "assistant", "user"]
    assert server.requests[2].turns[1][1].endswith("1 degrees\n\n42")


def test_streamed_calls_are_put_together_by_the_clients_helper() -> None:
    with client(Server(CALLS)).responses.stream(model="m", input="Why?", tools=[WEATHER]) as stream:
        response = stream.get_final_response()
    calls: Any = [item for item in response.output if item.type == "function_call"]
    assert [call.parsed_arguments for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]


@pytest.mark.parametrize("said", [(), (Reasoning("Hm."), Said("4"))])
def test_an_error_in_a_stream_is_raised_by_the_client(
    said: tuple[Said | Reasoning, ...],
) -> None:
    error = BudgetExhausted("tokens", 9, 8, "a")
    events = data(lines(asked(), said, error))
    for event in events:
        EVENT.validate_python(event, strict=True)
    assert events[-2]["type"] == "response.failed"
    output = events[-2]["response"]["output"]
    assert [item["content"][0]["text"] for item in output] == [piece.text for piece in said]
    stream = client(Server(said, error)).responses.create(model="m", input="Why?", stream=True)
    with pytest.raises(APIError, match="budget exhausted") as caught:
        list(stream)
    assert caught.value.code == "budget_exhausted"
