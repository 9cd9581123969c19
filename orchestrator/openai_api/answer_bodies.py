"""The bodies that answer `/v1/chat/completions` and `/v1/completions`. Pure: it knows no clock, and no batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .gathered import Gathered
from .pieces import ToolCall
from .usage_bodies import completion_usage


def chat_completion(
    name: str, model: str, text: str, finish_reason: str, usage: Mapping[str, int]
) -> dict[str, Any]:
    """A body of `/v1/chat/completions` that tells no time.

    Args:
        name: Unique among bodies.
        model: Who answered.
        text: What it said.
        finish_reason: `stop` or `length`.
        usage: `prompt_tokens`, `completion_tokens` and `total_tokens`.
    """
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = _chat_choice(0, message, finish_reason)
    return _body("chat.completion", f"chatcmpl-{name}", model, [choice], usage, 0)


def text_completion(
    name: str, model: str, text: str, finish_reason: str, usage: Mapping[str, int]
) -> dict[str, Any]:
    """A body of `/v1/completions`; the arguments are those of `chat_completion`."""
    choice = _text_choice(0, text, finish_reason)
    return _body("text_completion", f"cmpl-{name}", model, [choice], usage, 0)


def whole_chat(gathered: Gathered, *, name: str, model: str, created: int) -> dict[str, Any]:
    """A body of `/v1/chat/completions` with all that its endpoint knows: several answers, reasoning, calls of tools."""
    choices = []
    for index, choice in enumerate(gathered.choices):
        # An answer that calls says nothing, which is not the same as an empty text.
        content = choice.text if choice.text or not gathered.calls else None
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if choice.reasoning:
            message |= reasoning_fields(choice.reasoning)
        if gathered.calls:
            message["tool_calls"] = [called(call) for call in gathered.calls]
        choices.append(_chat_choice(index, message, choice.reason))
    usage = completion_usage(gathered.ended)
    body = _body("chat.completion", f"chatcmpl-{name}", model, choices, usage, created)
    return body | with_detail(gathered.ended.detail)


def whole_text(gathered: Gathered, *, name: str, model: str, created: int) -> dict[str, Any]:
    """A body of `/v1/completions`, with as many answers as there are."""
    choices = [
        _text_choice(index, choice.text, choice.reason)
        for index, choice in enumerate(gathered.choices)
    ]
    usage = completion_usage(gathered.ended)
    body = _body("text_completion", f"cmpl-{name}", model, choices, usage, created)
    return body | with_detail(gathered.ended.detail)


def reasoning_fields(text: str) -> dict[str, str]:
    """Reasoning in the two fields that clients look for, an older and a newer one."""
    return {"reasoning": text, "reasoning_content": text}


def called(call: ToolCall) -> dict[str, Any]:
    """A call of a tool, as a message has it."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def with_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The field `forkjoin` of a body, where there is something to say."""
    return {"forkjoin": dict(detail)} if detail else {}


def _chat_choice(index: int, message: Mapping[str, Any], finish_reason: str) -> dict[str, Any]:
    return {
        "index": index,
        "message": message,
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def _text_choice(index: int, text: str, finish_reason: str) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _body(
    kind: str,
    name: str,
    model: str,
    choices: Sequence[Mapping[str, Any]],
    usage: Mapping[str, Any],
    created: int,
) -> dict[str, Any]:
    return {
        "id": name,
        "object": kind,
        "created": created,
        "model": model,
        "choices": choices,
        "usage": dict(usage),
    }
