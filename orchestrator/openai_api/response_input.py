"""Reads the `instructions` and the `input` of `/v1/responses`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequest
from .chat_messages import ROLES
from .content_parts import text_of
from .conversation import Asked, Conversation
from .told_values import told, told_in

_KINDS = ("message", "function_call", "function_call_output", "reasoning")


def response_conversation(body: Mapping[str, Any]) -> Asked:
    """The conversation of a body.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be read.
    """
    conversation = Conversation("input", "an item of type function_call_output with its call_id")
    instructions = body.get("instructions")
    if not isinstance(instructions, str | None):
        raise InvalidRequest(
            f"instructions has to be a text, and is {told(instructions)}", "instructions"
        )
    conversation.say("system", instructions or "", "instructions")
    asked = body.get("input")
    if isinstance(asked, str):
        conversation.say("user", asked, "input")
    elif isinstance(asked, list) and asked:
        for number, item in enumerate(asked):
            _read(conversation, item, f"input[{number}]")
    else:
        raise InvalidRequest(
            f"input has to be a text or a list of items, and is {told_in(body, 'input')}", "input"
        )
    return conversation.end()


def _read(conversation: Conversation, item: object, place: str) -> None:
    if not isinstance(item, dict):
        raise InvalidRequest(f"{place} has to be an object, and is {told(item)}", place)
    match item:
        case {"type": "reasoning"}:
            # A model is not shown what it thought before.
            return
        case {
            "type": "function_call",
            "call_id": str(id),
            "name": str(name),
            "arguments": str(arguments),
        }:
            conversation.call(id, name, arguments, place)
        case {"type": "function_call_output", "call_id": str(id), "output": output}:
            conversation.result(id, text_of(output, f"{place}.output"), place)
        case {"role": str(name)} if name in ROLES and item.get("type", "message") == "message":
            text = text_of(item.get("content"), f"{place}.content")
            conversation.say(ROLES[name], text, place)
        case _:
            raise InvalidRequest(f"{place} {_problem(item)}", place)


def _problem(item: Mapping[str, Any]) -> str:
    match item.get("type", "message"):
        case "message":
            return f"has to have a role of {', '.join(ROLES)}, and it is {told_in(item, 'role')}"
        case "function_call":
            return "has to have a call_id, a name and arguments, all of them texts"
        case "function_call_output":
            return "has to have a call_id, which is a text, and an output"
        case "item_reference":
            return "refers to an item, and nothing is kept between requests: send the item itself"
        case kind:
            return f"has to be of type {', '.join(_KINDS)}, and is of {told(kind)}"
