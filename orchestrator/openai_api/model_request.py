"""Reads the bodies of `/v1/chat/completions` and `/v1/completions`: what is asked, as turns and a way to sample. Pure.

    {"messages": [...], "max_tokens": 64, "user": "me"}  ->  turns, {"max_tokens": 64}

What cannot be honoured is refused, never ignored. Fields that change no answer are taken, such as `user` and
`metadata`; so is whatever has the value that it has when it is left out, such as `"n": 1` and null.

It does not know where bodies come from, nor who answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import ValidationError

from engines import Role, Sampling
from planners import ToolSpecification

from ..errors import InvalidRequest

Turn = tuple[Role, str]
Endpoint = Literal["chat", "completions", "responses"]
ToolChoice: TypeAlias = str
"""`auto`, `none`, `required`, or the name of a tool."""

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
# Between two messages of one role, which are one turn to a model.
_BETWEEN = "\n\n"

_SAMPLED = ("temperature", "top_p", "top_k", "seed", "stop", "stop_token_ids", "ignore_eos")
_HARMLESS = frozenset(
    ("model", "user", "metadata", "store", "service_tier", "safety_identifier", "prediction",
     "prompt_cache_key", "prompt_cache_retention", "stream_options", "parallel_tool_calls")
)  # fmt: skip
# What these say when they say nothing.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "stream": (False,),
    "echo": (False,),
    "suffix": ("",),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
}
FIELDS = frozenset(
    {*_SAMPLED, *_HARMLESS, *_NEUTRAL, "max_tokens", "max_completion_tokens", "response_format"}
)
"""What a body may have beside what it asks, if only with the value that says nothing."""
_NUMBERS_END = 2**31
_NO_UNICODE = "is no Unicode text: it has half of a surrogate pair"
_LONGEST_TOLD = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What the client found by a call that it was asked to make.

    Attributes:
        id: The call's.
        name: The tool.
        arguments: As JSON text.
        text: What came of it.
    """

    id: str
    name: str
    arguments: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a body asks.

    Attributes:
        turns: The conversation; it ends in the user's turn, and no two turns in a row have one role.
        sampling: The fields of `Sampling` that the body sets, with values that fit.
        model: The model that it names, with what stands behind an `@`; empty where it names none.
        endpoint: Where it was sent. What `completions` asks is a text to go on with, and no turn.
        choices: How many answers.
        stream: Whether they are to be sent while they come.
        stream_usage: Whether a stream ends with what it cost.
        tools: What the client can call.
        tool_choice: Whether it may be called (`auto`), may not (`none`) or has to be (`required`), or the one tool that
            has to be called.
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
    results: tuple[ToolResult, ...] = ()
    forkjoin: Mapping[str, Any] = field(default_factory=dict)


def read_chat(body: Mapping[str, Any]) -> ModelRequest:
    """What a body of `/v1/chat/completions` asks.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    return _read(body, "messages", _turns(body))


def read_completion(body: Mapping[str, Any]) -> ModelRequest:
    """What a body of `/v1/completions` asks; its prompt is the user's turn.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str):
        raise InvalidRequest(
            f"prompt has to be one text, and is {told_in(body, 'prompt')}", "prompt"
        )
    return _read(body, "prompt", (("user", _text(prompt, "prompt")),))


def _read(body: Mapping[str, Any], asked: str, turns: tuple[Turn, ...]) -> ModelRequest:
    given = {name: value for name, value in body.items() if value is not None and name != asked}
    model = given.get("model", "")
    if not isinstance(model, str):
        raise InvalidRequest(f"model has to be a text, and is {told(model)}", "model")
    sampling = {name: given.pop(name) for name in _SAMPLED if name in given}
    sampling |= _max_tokens(given) | _constraint(given.pop("response_format", None))
    for name, value in given.items():
        if not (name in _HARMLESS or _is_one_of(value, _NEUTRAL.get(name, ()))):
            raise InvalidRequest(_cannot(name, value), name)
    return ModelRequest(turns=turns, sampling=_checked(sampling), model=model)


def _is_one_of(value: object, neutral: Sequence[object]) -> bool:
    # True is 1 to Python, and no number to anybody else.
    return any(
        value == same and isinstance(value, bool) == isinstance(same, bool) for same in neutral
    )


def _cannot(name: str, value: object) -> str:
    valued = _valued(told(name)[1:-1], value)
    return f"{valued} cannot be honoured: leave it out, or put what is only for you into metadata"


def _valued(name: str, value: object) -> str:
    said = told(value)
    return f"{name} ({said})" if isinstance(value, list | dict) else f"{name} of {said}"


def _max_tokens(given: dict[str, Any]) -> dict[str, Any]:
    values = [given.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    said = [value for value in values if value is not None]
    if len(said) == 2 and said[0] != said[1]:
        raise InvalidRequest(
            f"max_tokens is {told(said[1])} and max_completion_tokens {told(said[0])}: give one of them",
            "max_tokens",
        )
    return {"max_tokens": said[0]} if said else {}


def _constraint(response_format: object) -> dict[str, Any]:
    match response_format:
        case None | {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"constraint": {"kind": "json", "definition": {"type": "object"}}}
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return {"constraint": {"kind": "json", "definition": schema}}
    raise InvalidRequest(
        "response_format has to be of type text, json_object, or json_schema with a schema in "
        f"json_schema.schema, and is {told(response_format)}",
        "response_format",
    )


def _checked(sampling: dict[str, Any]) -> dict[str, Any]:
    """The fields with the types that `Sampling` has them in."""
    if isinstance(sampling.get("stop"), str):
        sampling["stop"] = [sampling["stop"]]
    for name in ("stop", "stop_token_ids"):
        if isinstance(sampling.get(name), list):
            sampling[name] = tuple(sampling[name])
    stop = sampling.get("stop")
    if isinstance(stop, tuple) and "" in stop:
        raise InvalidRequest("stop holds an empty text, which is everywhere: leave it out", "stop")
    try:
        whole = Sampling.model_validate(sampling, strict=True)
    except ValidationError as error:
        raise _invalid(error) from None
    _check_sizes(sampling)
    for name, said in (("stop", "stop"), ("constraint", "response_format")):
        if name in sampling and not is_unicode(json.dumps(sampling[name], ensure_ascii=False)):
            raise InvalidRequest(f"{said} {_NO_UNICODE}", said)
    return {name: getattr(whole, name) for name in sampling}


def _check_sizes(sampling: Mapping[str, Any]) -> None:
    """Refuses numbers that engines fail by, and those that cannot be sent, such as infinity."""
    for name in ("temperature", "top_k", "max_tokens", "stop_token_ids"):
        values = sampling.get(name, ())
        for value in values if isinstance(values, tuple) else (values,):
            if not 0 <= value < _NUMBERS_END:
                raise InvalidRequest(
                    f"{name} of {told(value)} does not fit: give a number from 0 to below 2**31",
                    name,
                )


def _invalid(error: ValidationError) -> InvalidRequest:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    name = "response_format" if name == "constraint" else name
    # Nobody writes a tuple in JSON.
    said = (first["msg"][:1].lower() + first["msg"][1:]).replace("valid tuple", "list")
    return InvalidRequest(f"{_valued(name, first['input'])} does not fit: {said}", name)


def _turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(
            f"messages has to be a list of messages, and is {told_in(body, 'messages')}", "messages"
        )
    turns: list[Turn] = []
    for number, message in enumerate(messages):
        role, text = _message(message, f"messages[{number}]")
        # Models have no turn that says nothing, but programs write such system messages.
        if role == "system" and not text:
            continue
        if turns and turns[-1][0] == role:
            turns[-1] = (role, turns[-1][1] + _BETWEEN + text)
        else:
            turns.append((role, text))
    if not turns or turns[-1][0] != "user":
        raise InvalidRequest("the last message has to be the user's", "messages")
    return tuple(turns)


class _Message(NamedTuple):
    role: Role
    text: str


def _message(message: object, place: str) -> _Message:
    if not isinstance(message, dict):
        raise InvalidRequest(f"{place} has to be an object, and is {told(message)}", place)
    name = message.get("role")
    role = _ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        raise InvalidRequest(
            f"{place}.role has to be one of {', '.join(_ROLES)}, and is {told_in(message, 'role')}",
            place,
        )
    for key, value in message.items():
        if key not in ("role", "content") and value not in (None, []):
            raise InvalidRequest(f"{place}: {_cannot(key, value)}", place)
    text = _content(message.get("content"), f"{place}.content")
    return _Message(role, text if role == "system" and not text else _text(text, place))


def _content(content: object, place: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest(f"{place} has to be a text, and is {told(content)}", place)
    pieces = []
    for number, part in enumerate(content):
        match part:
            case {"type": "text", "text": str(text)}:
                pieces.append(text)
            case _:
                raise InvalidRequest(
                    f"{place}[{number}] has to be of type text: other kinds cannot be read", place
                )
    return "".join(pieces)


def _text(text: str, place: str) -> str:
    if not text.strip():
        raise InvalidRequest(f"{place} is empty", place)
    if not is_unicode(text):
        raise InvalidRequest(f"{place} is no Unicode text: it has half of a surrogate pair", place)
    return text


def is_unicode(text: str) -> bool:
    """Whether a text can be sent; JSON can spell halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def told(value: object) -> str:
    """A value of a body in a few words, for messages.

    >>> told(None), told([1, 2]), told("a" * 70)[-3:]
    ('null', 'a list of 2', 'a…"')
    """
    match value:
        case None:
            return "null"
        case str():
            short = value if len(value) <= _LONGEST_TOLD else f"{value[:_LONGEST_TOLD]}…"
            seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)
            return f'"{seen}"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            digits = value.bit_length() // 3 if isinstance(value, int) else 0
            return f"{value}" if digits < _LONGEST_TOLD else "a huge number"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return "an object"


def told_in(data: Mapping[str, Any], name: str) -> str:
    """A field in a few words, for messages."""
    return told(data[name]) if name in data else "missing"
