"""Reads the bodies of OpenAI's API: what is asked, as turns, tools and a way to sample. Pure.

    {"messages": [...], "max_tokens": 64, "user": "me"}  ->  turns, {"max_tokens": 64}

What cannot be honoured is refused, never ignored. Fields that change no answer are taken, such as `user` and
`metadata`; so is whatever has the value that it has when it is left out, such as `"n": 1` and null.

It does not know where bodies come from, nor who answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from planners import ToolSpecification

from ..errors import InvalidRequest
from .body_fields import (
    NEUTRAL_OF_CHATS,
    NEUTRAL_OF_RESPONSES,
    check_one,
    check_rest,
    given_fields,
    take,
)
from .chat_messages import chat_conversation
from .conversation import Asked, ToolResult, Turn
from .data_limits import check_data
from .response_input import response_conversation
from .sampling_fields import take_sampling
from .told_values import cannot, shown, told, told_in
from .tool_fields import ToolChoice, read_tool_choice, read_tools

__all__ = [
    "Endpoint",
    "ModelRequest",
    "ToolChoice",
    "ToolResult",
    "Turn",
    "read_chat",
    "read_completion",
    "read_request",
]

Endpoint = Literal["chat", "completions", "responses"]

_MOST_CHOICES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a body asks.

    Attributes:
        turns: The conversation; it ends in the user's turn, and no two turns in a row have one role. Calls of tools
            that were made before it are told in the assistant's turns.
        sampling: The fields of `Sampling` that the body sets, with values that fit.
        model: The model that it names, with what stands behind an `@`; empty where it names none.
        endpoint: Where it was sent. What `completions` asks is a text to go on with, and no turn.
        choices: How many answers.
        stream: Whether they are to be sent while they come.
        stream_usage: Whether a stream ends with what it cost.
        tools: What the client can call.
        tool_choice: Whether it may be called (`auto`), may not (`none`) or has to be (`required`), or the one tool that
            has to be called.
        parallel_calls: Whether it may be asked for several calls at once.
        results: What became of the calls that were asked for after the last of the turns.
        forkjoin: What `extra_body={"forkjoin": ...}` says, as JSON data that nobody has checked.
    """

    turns: tuple[Turn, ...]
    sampling: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    endpoint: Endpoint = "chat"
    choices: int = 1
    stream: bool = False
    stream_usage: bool = False
    tools: tuple[ToolSpecification, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_calls: bool = True
    results: tuple[ToolResult, ...] = ()
    forkjoin: Mapping[str, Any] = field(default_factory=dict)


class _Names(NamedTuple):
    """What an endpoint calls things: what is asked, objects of fields, the most tokens, the form of the answer.

    And which fields of its own may be there with a value that says nothing.
    """

    asked: tuple[str, ...]
    opened: tuple[str, ...] = ()
    longest: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    form: str = "response_format"
    neutral: Mapping[str, tuple[object, ...]] = {}


_NAMES: Mapping[Endpoint, _Names] = {
    "chat": _Names(("messages",), neutral=NEUTRAL_OF_CHATS),
    "completions": _Names(("prompt",)),
    "responses": _Names(
        ("input", "instructions"),
        opened=("text", "reasoning"),
        longest=("max_output_tokens",),
        form="text.format",
        neutral=NEUTRAL_OF_RESPONSES,
    ),
}


def read_request(endpoint: Endpoint, body: Mapping[str, Any]) -> ModelRequest:
    """What a body asks.

    Args:
        endpoint: Where it was sent.
        body: JSON data.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    check_data(body)
    return _read(endpoint, body)


def read_chat(body: Mapping[str, Any]) -> ModelRequest:
    """What a body of `/v1/chat/completions` asks of those who give one answer as a whole, without calls of tools.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    return _read_one("chat", body)


def read_completion(body: Mapping[str, Any]) -> ModelRequest:
    """What a body of `/v1/completions` asks of those who give one answer as a whole; its prompt is the user's turn.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    return _read_one("completions", body)


def _read_one(endpoint: Endpoint, body: Mapping[str, Any]) -> ModelRequest:
    check_data(body)
    check_one(body)
    request = _read(endpoint, body)
    if request.results:
        raise InvalidRequest(
            "messages end with results of calls, and no tools can be called here: end with the user's",
            "messages",
        )
    return request


def _read(endpoint: Endpoint, body: Mapping[str, Any]) -> ModelRequest:
    names = _NAMES[endpoint]
    asked = _asked(endpoint, body)
    given = given_fields(body, names.asked, names.opened)
    tools: tuple[ToolSpecification, ...] = ()
    if endpoint != "completions":
        tools = read_tools(given.pop("tools", None), nested=endpoint == "chat")
    request = ModelRequest(
        turns=asked.turns,
        sampling=take_sampling(given, longest=names.longest, form=names.form),
        model=take(given, "model", str, ""),
        endpoint=endpoint,
        choices=1 if endpoint == "responses" else _take_choices(given, tools),
        stream=take(given, "stream", bool, False),
        stream_usage=_take_stream_usage(given),
        tools=tools,
        tool_choice=read_tool_choice(given.pop("tool_choice", None), tools),
        parallel_calls=take(given, "parallel_tool_calls", bool, True),
        results=asked.results,
        forkjoin=take(given, "forkjoin", dict, {}),
    )
    check_rest(given, names.neutral)
    return request


def _asked(endpoint: Endpoint, body: Mapping[str, Any]) -> Asked:
    if endpoint == "chat":
        return chat_conversation(body)
    if endpoint == "responses":
        return response_conversation(body)
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest(
            f"prompt has to be one text, and is {told_in(body, 'prompt')}", "prompt"
        )
    return Asked((("user", prompt),))


def _take_choices(given: dict[str, Any], tools: Sequence[ToolSpecification]) -> int:
    choices = take(given, "n", int, 1)
    if not 1 <= choices <= _MOST_CHOICES:
        raise InvalidRequest(
            f"n of {told(choices)} does not fit: give a number from 1 to {_MOST_CHOICES}", "n"
        )
    if choices > 1 and tools:
        raise InvalidRequest(
            f"n of {choices} cannot be honoured together with tools: send the request {choices} times",
            "n",
        )
    best_of = take(given, "best_of", int, choices)
    if best_of != choices:
        raise InvalidRequest(cannot("best_of", best_of), "best_of")
    return choices


def _take_stream_usage(given: dict[str, Any]) -> bool:
    options = dict(take(given, "stream_options", dict, {}))
    usage = options.pop("include_usage", None)
    # It pads chunks against those who listen; without it they are as good to read.
    options.pop("include_obfuscation", None)
    if not isinstance(usage, bool | None):
        raise InvalidRequest(
            f"stream_options.include_usage has to be true or false, and is {told(usage)}",
            "stream_options",
        )
    for name, value in options.items():
        if value is not None:
            raise InvalidRequest(cannot(f"stream_options.{shown(name)}", value), "stream_options")
    return bool(usage)
