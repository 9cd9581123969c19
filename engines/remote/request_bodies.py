"""What servers are asked: contexts and sampling as the bodies of requests. Pure."""

from __future__ import annotations

from typing import Any

from ..context import Context
from ..delivery import Delivery
from ..errors import CapabilityMissing, ContextTooLong
from ..sampling import Sampling

# What a call can do without, where a server refuses it.
WISHES = frozenset({"priority", "stream_interval", "logprobs", "top_logprobs"})


def completion_body(
    model: str, context: Context, sampling: Sampling, delivery: Delivery, window: int
) -> dict[str, Any]:
    """A completion with token ids, as vLLM takes it.

    Raises:
        ContextTooLong: No token fits into the window after the context.
    """
    prompt = context.token_ids
    if len(prompt) >= window:
        raise ContextTooLong(len(prompt), window)
    body = _common(model, sampling, delivery)
    body["prompt"] = prompt
    body["return_token_ids"] = True
    # The server refuses more than its window.
    body["max_tokens"] = min(sampling.max_tokens, window - len(prompt))
    body["top_k"] = sampling.top_k
    body["stop_token_ids"] = sampling.stop_token_ids
    body["ignore_eos"] = sampling.ignore_eos
    # What is left out, the server takes from the model's generation_config.json.
    body["repetition_penalty"] = 1.0
    body["min_p"] = 0.0
    if sampling.logprobs is not None:
        body["logprobs"] = sampling.logprobs
    if constraint := sampling.constraint:
        body["structured_outputs"] = {constraint.kind: constraint.value}
    if delivery.interval > 1 and not delivery.whole:
        body["stream_interval"] = delivery.interval
    if delivery.priority:
        body["priority"] = delivery.priority
    return body


def chat_body(
    model: str, context: Context, sampling: Sampling, delivery: Delivery
) -> dict[str, Any]:
    """A chat completion, as every server takes it.

    Raises:
        CapabilityMissing: The context ends in the middle of the model's own turn.
    """
    messages = [{"role": turn.role, "content": turn.text} for turn in context.turns]
    if messages[-1]["role"] == "assistant" and messages.pop()["content"]:
        raise CapabilityMissing(
            f"{model} takes chat messages only and cannot continue the model's own turn, "
            f"which needs token ids: use a vLLM server or --engine local"
        )
    body = _common(model, sampling, delivery)
    body["messages"] = messages
    body["max_tokens"] = sampling.max_tokens
    if sampling.logprobs is not None:
        body["logprobs"] = True
        body["top_logprobs"] = sampling.logprobs
    if constraint := sampling.constraint:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": constraint.value},
        }
    return body


def _common(model: str, sampling: Sampling, delivery: Delivery) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": not delivery.whole,
    }
    if not delivery.whole:
        body["stream_options"] = {"include_usage": True}
    if sampling.stop:
        body["stop"] = sampling.stop
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    return body
