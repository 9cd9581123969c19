"""Reads the `messages` of `/v1/chat/completions`. Pure.

A message may have the name of who speaks. Models' turns have no place for it, so that it is taken where it tells nobody
apart, as agents send it, and refused where two of one role have different names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engines import Role

from ..errors import InvalidRequest
from .content_parts import text_of
from .conversation import Asked, Conversation
from .told_values import cannot, shown, told, told_in

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
"""Who speaks, by the names that bodies have for them."""

# What clients send back of an answer that they got; models are not shown what they thought before.
_SENT_BACK = (
    *("reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"),
    *("annotations", "parsed", "provider_specific_fields"),
)


def chat_conversation(body: Mapping[str, Any]) -> Asked:
    """The conversation of a body.

    Raises:
        InvalidRequest: It is malformed, or something in it cannot be honoured.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(
            f"messages has to be a list of messages, and is {told_in(body, 'messages')}", "messages"
        )
    conversation = Conversation("messages", "a message of role tool with its tool_call_id")
    for number, message in enumerate(messages):
        _read(conversation, message, f"messages[{number}]")
    _check_names(messages)
    return conversation.end()


def _check_names(messages: Sequence[Mapping[str, Any]]) -> None:
    names: dict[str, str] = {}
    for number, message in enumerate(messages):
        name, role = message.get("name"), message["role"]
        # The name of a tool is that of its call.
        if name is None or role == "tool":
            continue
        place = f"messages[{number}]"
        if not isinstance(name, str):
            raise InvalidRequest(f"{place}.name has to be a text, and is {told(name)}", place)
        first = names.setdefault(role, name)
        if name != first:
            raise InvalidRequest(
                f"{place}: models cannot tell {told(name)} from {told(first)} by name: "
                "write in each content who says it",
                place,
            )


def _read(conversation: Conversation, message: object, place: str) -> None:
    if not isinstance(message, dict):
        raise InvalidRequest(f"{place} has to be an object, and is {told(message)}", place)
    role = message.get("role")
    if role == "tool":
        _read_result(conversation, message, place)
    elif role == "assistant":
        _read_assistant(conversation, message, place)
    elif not isinstance(role, str) or role not in ROLES:
        known = ", ".join((*ROLES, "tool"))
        raise InvalidRequest(
            f"{place}.role has to be one of {known}, and is {told_in(message, 'role')}", place
        )
    else:
        _check_fields(message, ("role", "content", "name"), place)
        conversation.say(ROLES[role], text_of(message.get("content"), f"{place}.content"), place)


def _read_assistant(conversation: Conversation, message: Mapping[str, Any], place: str) -> None:
    known = ("role", "content", "name", "refusal", "tool_calls", *_SENT_BACK)
    _check_fields(message, known, place)
    content = message.get("content")
    if content in (None, "", []):
        # An answer that only calls says nothing, and a refusal stands beside an empty content.
        content = message.get("refusal") or ""
    conversation.say("assistant", text_of(content, f"{place}.content"), place)
    calls = message.get("tool_calls")
    if not isinstance(calls, list | None):
        raise InvalidRequest(f"{place}.tool_calls has to be a list, and is {told(calls)}", place)
    for number, call in enumerate(calls or ()):
        _read_call(conversation, call, f"{place}.tool_calls[{number}]")


def _read_call(conversation: Conversation, call: object, place: str) -> None:
    match call:
        case {
            "type": "function",
            "id": str(id),
            "function": {"name": str(name), "arguments": str(arguments)},
        }:
            conversation.call(id, name, arguments, place)
        case _:
            raise InvalidRequest(
                f"{place} has to be of type function, with an id and the texts function.name and function.arguments",
                place,
            )


def _read_result(conversation: Conversation, message: Mapping[str, Any], place: str) -> None:
    # Older clients name the tool as well; the call has its name.
    _check_fields(message, ("role", "content", "tool_call_id", "name"), place)
    id = message.get("tool_call_id")
    if not isinstance(id, str):
        raise InvalidRequest(
            f'{place}.tool_call_id of a message of role "tool" has to be a text, and is '
            f"{told_in(message, 'tool_call_id')}",
            place,
        )
    conversation.result(id, text_of(message.get("content"), f"{place}.content"), place)


def _check_fields(message: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for name, value in message.items():
        if name not in known and value not in (None, []):
            raise InvalidRequest(f"{place}: {cannot(shown(name), value)}", place)
