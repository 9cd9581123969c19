"""The bodies that answer `/v1/chat/completions` and `/v1/completions`. Pure: it knows no clock, and no batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def chat_completion(
    name: str, model: str, text: str, finish_reason: str, usage: Mapping[str, int], created: int = 0
) -> dict[str, Any]:
    """A body of `/v1/chat/completions`.

    Args:
        name: Unique among bodies.
        model: Who answered.
        text: What it said.
        finish_reason: `stop` or `length`.
        usage: `prompt_tokens`, `completion_tokens` and `total_tokens`.
        created: When, in seconds since 1970; 0 where that is not to be told.
    """
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return _body("chat.completion", f"chatcmpl-{name}", model, choice, usage, created)


def text_completion(
    name: str, model: str, text: str, finish_reason: str, usage: Mapping[str, int], created: int = 0
) -> dict[str, Any]:
    """A body of `/v1/completions`; the arguments are those of `chat_completion`."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}
    return _body("text_completion", f"cmpl-{name}", model, choice, usage, created)


def _body(
    kind: str,
    name: str,
    model: str,
    choice: Mapping[str, Any],
    usage: Mapping[str, int],
    created: int,
) -> dict[str, Any]:
    return {
        "id": name,
        "object": kind,
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": dict(usage),
    }
