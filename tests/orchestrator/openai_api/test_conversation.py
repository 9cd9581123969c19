from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import InvalidRequest
from orchestrator.openai_api.model_request import Endpoint, ModelRequest, read_chat, read_request

USER = {"role": "user", "content": "Where is it warm?"}


def asks(*ids: str, content: object = None, **more: Any) -> dict[str, Any]:
    calls = [
        {"id": id, "type": "function", "function": {"name": "weather", "arguments": f'"{id}"'}}
        for id in ids
    ]
    return {"role": "assistant", "content": content, "tool_calls": calls, **more}


def found(id: str, content: object = "sun") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


def chat(*messages: object) -> ModelRequest:
    return read_request("chat", {"messages": list(messages)})


def call(id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": "weather", "arguments": f'"{id}"'}


def output(id: str, text: object = "sun") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": text}


def responses(*items: object, **more: Any) -> ModelRequest:
    return read_request("responses", {"input": list(items), **more})


def test_results_behind_the_last_turn_of_the_user_are_new() -> None:
    request = chat(USER, asks("a", "b"), found("b", ""), found("a"), asks("c"), found("c"))
    assert request.turns == (("user", "Where is it warm?"),)
    assert [(each.id, each.arguments, each.text) for each in request.results] == [
        ("b", '"b"', ""),
        ("a", '"a"', "sun"),
        ("c", '"c"', "sun"),
    ]
    assert {each.name for each in request.results} == {"weather"}


def test_earlier_results_are_told_in_the_assistants_turn() -> None:
    request = chat(
        {"role": "system", "content": "Be brief."},
        USER,
        asks("a", content="Let me see."),
        found("a", [{"type": "text", "text": "sun"}]),
        {"role": "assistant", "content": "Here."},
        {"role": "user", "content": "Sure?"},
        asks("a"),
        found("a", "rain"),
    )
    assert request.turns == (
        ("system", "Be brief."),
        ("user", "Where is it warm?"),
        ("assistant", 'Let me see.\n\nI called weather with "a" and got: sun\n\nHere.'),
        ("user", "Sure?"),
    )
    # A client may count its calls anew after each turn.
    assert [each.text for each in request.results] == ["rain"]


def test_the_same_is_read_from_items() -> None:
    request = responses(
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": None},
        call("a"),
        call("b"),
        output("b", [{"type": "input_text", "text": "rain"}]),
        output("a"),
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Here.", "annotations": []}],
        },
        {"role": "user", "content": [{"type": "input_text", "text": "Sure?"}]},
        call("c"),
        output("c"),
        instructions="Be brief.",
    )
    assert request.turns == (
        ("system", "Be brief."),
        ("user", "Where is it warm?"),
        (
            "assistant",
            'I called weather with "b" and got: rain\n\nI called weather with "a" and got: sun\n\nHere.',
        ),
        ("user", "Sure?"),
    )
    assert [each.id for each in request.results] == ["c"]


def test_reasoning_of_earlier_answers_is_dropped() -> None:
    said = {"role": "assistant", "content": "4", "reasoning": "Hm.", "reasoning_content": "Hm."}
    assert chat(USER, said, USER).turns[1] == ("assistant", "4")


@pytest.mark.parametrize("said", [{"content": ""}, {"content": None}, {"content": []}, {}])
def test_an_answer_that_said_nothing_can_be_sent_back(said: dict[str, Any]) -> None:
    silent = {"role": "assistant", **said}
    assert chat(USER, silent, USER) == chat(USER, USER)
    called = [USER, asks("a"), found("a")]
    assert chat(*called, silent, {"role": "system", "content": ""}) == chat(*called)


def test_a_refusal_is_what_the_assistant_said() -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I will not."}
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]}
    for request in (chat(USER, refused, USER), responses(USER, part, USER)):
        assert request.turns[1] == ("assistant", "I will not.")


def test_a_system_message_that_comes_last_is_the_question() -> None:
    system = {"role": "system", "content": "Name a town."}
    assert chat(system).turns == (("user", "Name a town."),)
    assert chat(USER, system).turns == (("user", "Where is it warm?\n\nName a town."),)
    said = {"role": "assistant", "content": "Rome."}
    assert [role for role, _ in chat(system, USER, said, system).turns] == [
        *("system", "user", "assistant", "user")
    ]


def test_names_are_taken_where_they_tell_nobody_apart() -> None:
    named = {**USER, "name": "ann"}
    said = {"role": "assistant", "content": "Rome.", "name": "guide"}
    assert chat(named, said, named).turns == chat(USER, {**said, "name": None}, USER).turns


def test_what_clients_keep_of_an_answer_is_dropped() -> None:
    kept = {"reasoning_details": [{"text": "Hm."}], "thinking_blocks": [{"thinking": "Hm."}]}
    more = {"provider_specific_fields": {"reasoning": "Hm."}, "annotations": [{"type": "url"}]}
    said = {"role": "assistant", "content": "4", "function_call": None, "audio": None}
    assert chat(USER, {**said, **kept, **more}, USER).turns[1] == ("assistant", "4")


@pytest.mark.parametrize(
    ("messages", "field", "said"),
    [
        ([{**USER, "name": "ann"}, {**USER, "name": "bob"}], "messages[1]", '"bob" from "ann"'),
        ([{**USER, "name": ["ann"]}], "messages[0]", "a list of 1"),
        ([USER, {"role": "assistant", "refusal": 5}, USER], "messages[1].content", "and is 5"),
        ([{"role": "system", "content": " "}], "messages", "last"),
        ([USER, asks("a", "b"), found("a")], "messages", '"b" of "weather"'),
        ([USER, asks("a"), USER], "messages", '"a" of "weather"'),
        ([USER, asks("a")], "messages", "tool_call_id"),
        ([USER, found("a")], "messages[1]", '"a" that no message before it asks for'),
        ([USER, asks("a"), found("a"), found("a")], "messages[3]", "no message"),
        ([USER, asks("a", "a"), found("a")], "messages[1].tool_calls[1]", "two calls"),
        ([USER, asks("a"), found("a"), asks("a"), found("a")], "messages[3].tool_calls[0]", "two"),
        ([USER, asks("a"), {"role": "tool", "content": "4"}], "messages[2]", "and is missing"),
        ([USER, asks("a"), found("a", None)], "messages[2].content", "and is null"),
        ([USER, asks("a"), found("a"), {"role": "assistant", "content": "4"}], "messages", "last"),
        ([asks("a"), found("a")], "messages", "last"),
        ([USER, {"role": "assistant", "content": 0}], "messages[1].content", "and is 0"),
        ([USER, {"role": "assistant", "tool_calls": "x", "content": ""}], "messages[1]", "a list"),
        (
            [USER, {"role": "assistant", "tool_calls": [{"id": "a"}], "content": ""}],
            "messages[1].tool_calls[0]",
            "function",
        ),
        ([{"role": "function", "content": "4"}], "messages[0]", "tool"),
        ([{"role": ["user"], "content": "4"}], "messages[0]", "a list of 1"),
        ([7], "messages[0]", "7"),
    ],
)
def test_a_chat_that_does_not_fit_is_refused(messages: list[Any], field: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(*messages)
    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "input", "missing"),
        ({"input": []}, "input", "a list of 0"),
        ({"input": " "}, "input", "empty"),
        ({"input": [USER], "instructions": ["a"]}, "instructions", "a list of 1"),
        ({"input": [USER, call("a")]}, "input", "function_call_output with its call_id"),
        ({"input": [USER, output("a")]}, "input[1]", "no message"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]", "send the item itself"),
        ({"input": [{"type": "computer_call", "id": "x"}]}, "input[0]", '"computer_call"'),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0]", '"tool"'),
        ({"input": [{"type": "function_call", "call_id": 3}]}, "input[0]", "call_id"),
        ({"input": [{"type": "function_call_output"}]}, "input[0]", "output"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input[0].content",
            "text",
        ),
        ({"input": [None]}, "input[0]", "null"),
    ],
)
def test_items_that_do_not_fit_are_refused(body: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_request("responses", body)
    assert caught.value.field == field
    assert said in str(caught.value)


def test_those_who_call_no_tools_read_of_earlier_calls_and_not_of_new_results() -> None:
    called = [USER, asks("a"), found("a")]
    assert read_chat({"messages": [*called, USER]}) == chat(*called, USER)
    with pytest.raises(InvalidRequest, match="end with results of calls"):
        read_chat({"messages": called})


def test_many_messages_are_read_in_one_go() -> None:
    assert len(chat(*[USER] * 20_000).turns) == 1
    many = [f"{number}" for number in range(5_000)]
    assert len(chat(USER, asks(*many), *map(found, many)).results) == len(many)


@pytest.mark.parametrize("endpoint", ["chat", "completions", "responses"])
def test_every_endpoint_wants_to_be_asked_something(endpoint: Endpoint) -> None:
    with pytest.raises(InvalidRequest, match="missing"):
        read_request(endpoint, {"model": "m"})
