"""Reads the `messages` of `/v1/chat/completions`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
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
_SENT_BACK = ("reasoning", "reasoning_content", "parsed")


def chat_conversation(body: Mapping[str, Any], *, calls: bool) -> Asked:
    """The conversation of a body.

    Args:
        body: The whole body.
        calls: Whether it may have calls of tools.

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
        _read(conversation, message, f"messages[{number}]", calls)
    return conversation.end()


def _read(conversation: Conversation, message: object, place: str, calls: bool) -> None:
    if not isinstance(message, dict):
        raise InvalidRequest(f"{place} has to be an object, and is {told(message)}", place)
    role = message.get("role")
    if role == "tool" and calls:
        _read_result(conversation, message, place)
        return
    known = (*ROLES, "tool") if calls else tuple(ROLES)
    if not isinstance(role, str) or role not in known:
        raise InvalidRequest(
            f"{place}.role has to be one of {', '.join(known)}, and is {told_in(message, 'role')}",
            place,
        )
    if role == "assistant":
        _read_assistant(conversation, message, place, calls)
    else:
        _check_fields(message, ("role", "content"), place)
        conversation.say(ROLES[role], text_of(message.get("content"), f"{place}.content"), place)


def _read_assistant(
    conversation: Conversation, message: Mapping[str, Any], place: str, calls: bool
) -> None:
    asked = message.get("tool_calls") if calls else None
    known = ("role", "content", *_SENT_BACK, *(("tool_calls",) if calls else ()))
    _check_fields(message, known, place)
    content = message.get("content")
    # An answer that only calls says nothing.
    if not (asked and content in (None, "", [])):
        conversation.say("assistant", text_of(content, f"{place}.content"), place)
    if asked is not None and not isinstance(asked, list):
        raise InvalidRequest(f"{place}.tool_calls has to be a list, and is {told(asked)}", place)
    for number, call in enumerate(asked or ()):
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
