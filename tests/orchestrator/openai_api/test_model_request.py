from __future__ import annotations

import pickle
from typing import Any

import pytest

from engines import JsonSchema
from orchestrator.errors import InvalidRequest
from orchestrator.openai_api.model_request import read_chat, read_completion

ASKED = [{"role": "user", "content": "Why?"}]


def message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def test_what_is_asked_is_read() -> None:
    request = read_chat(
        {
            "model": "m",
            "messages": [
                message("developer", "Be brief."),
                message("system", ""),
                message("user", [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2?"}]),
                message("assistant", "4", refusal=None, tool_calls=[]),
                message("user", "And"),
                message("user", "3 + 3?"),
            ],
            "max_completion_tokens": 7,
            "temperature": 1,
            "top_p": 0.5,
            "seed": 3,
            "stop": "\n",
            "user": "me",
            "metadata": {"mine": 1},
            "n": 1,
            "stream": False,
            "logprobs": None,
            "forkjoin": None,
            "tools": [],
        }
    )
    assert request.turns == (
        ("system", "Be brief."),
        ("user", "2 + 2?"),
        ("assistant", "4"),
        ("user", "And\n\n3 + 3?"),
    )
    assert request.sampling == {
        "max_tokens": 7,
        "temperature": 1.0,
        "top_p": 0.5,
        "seed": 3,
        "stop": ("\n",),
    }
    assert request.model == "m"
    assert pickle.loads(pickle.dumps(request)) == request


def test_a_prompt_is_a_turn_of_the_user() -> None:
    assert read_completion({"prompt": "Why?"}).turns == (("user", "Why?"),)
    assert read_completion({"prompt": ["Why?"], "max_tokens": 3}).sampling == {"max_tokens": 3}


@pytest.mark.parametrize(
    ("response_format", "definition"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}},
            {"type": "array"},
        ),
    ],
)
def test_a_form_of_the_response_is_a_constraint(
    response_format: dict[str, Any], definition: dict[str, Any]
) -> None:
    request = read_chat({"messages": ASKED, "response_format": response_format})
    assert request.sampling == {"constraint": JsonSchema(definition=definition)}
    plain = read_chat({"messages": ASKED, "response_format": {"type": "text"}})
    assert plain.sampling == {}


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"n": 2}, "n", "n of 2"),
        ({"n": True}, "n", "n of true"),
        ({"forkjoin": {}}, "forkjoin", "cannot be honoured"),
        ({"tools": [{}]}, "tools", "tools (a list of 1) cannot be honoured"),
        ({"messages": None}, "messages", "and is null"),
        ({"logprobs": True}, "logprobs", "cannot be honoured"),
        ({"stream": True}, "stream", "cannot be honoured"),
        ({"presence_penalty": 0.5}, "presence_penalty", "0.5"),
        ({"reasoning_effort": "low"}, "reasoning_effort", '"low"'),
        ({"max_tokens": 0}, "max_tokens", "max_tokens of 0"),
        ({"max_tokens": "5"}, "max_tokens", "integer"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens", "give one"),
        ({"temperature": float("nan")}, "temperature", "nan"),
        ({"temperature": float("inf")}, "temperature", "inf"),
        ({"top_k": 2**64}, "top_k", "below 2**31"),
        ({"max_tokens": 10**100}, "max_tokens", "a huge number"),
        ({"stop_token_ids": [-1]}, "stop_token_ids", "-1"),
        ({"top_p": 0}, "top_p", "top_p of 0"),
        ({"seed": -1}, "seed", "seed of -1"),
        ({"stop": [""]}, "stop", "empty"),
        ({"stop": 5}, "stop", "list"),
        ({"stop": ["\ud800"]}, "stop", "surrogate"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"schema": {"a": "\ud800"}},
                }
            },
            "response_format",
            "surrogate",
        ),
        ({"response_format": {"type": "grammar"}}, "response_format", "json_schema"),
        ({"model": 4}, "model", "text"),
        ({"messages": []}, "messages", "list"),
        ({"messages": [message("user", " ")]}, "messages[0]", "empty"),
        ({"messages": [message("tool", "4")]}, "messages[0]", '"tool"'),
        (
            {"messages": [message("user", [{"type": "image_url"}])]},
            "messages[0].content",
            'is of "image_url"',
        ),
        ({"messages": [message("user", ["a"])]}, "messages[0].content", 'is "a"'),
        ({"messages": [message("user", "a", agent="b")]}, "messages[0]", "agent"),
        ({"messages": [*ASKED, message("assistant", "So")]}, "messages", "last"),
        ({"messages": [message("user", "\udc00")]}, "messages[0]", "surrogate"),
    ],
)
def test_what_cannot_be_honoured_is_refused(body: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_chat({"messages": ASKED, **body})
    assert caught.value.field == field
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("prompt", [None, "", ["a", "b"], [[1, 2]], 5])
def test_a_prompt_that_is_not_one_text_is_refused(prompt: object) -> None:
    with pytest.raises(InvalidRequest, match="prompt"):
        read_completion({"prompt": prompt})
