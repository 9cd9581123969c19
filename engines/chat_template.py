"""Cuts a chat template into the marks that stand between turns, so that turns can be encoded one by one.

A template renders whole conversations. It is rendered once with placeholders for the contents, and the text
between two placeholders is what has to be sent when the role changes. Pure: rendering is the engine's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypedDict

from .context import Context, Role
from .errors import RequestRejected

# A part of what vLLM answers for a model without a template.
NO_TEMPLATE = "default chat template is no longer allowed"


class Message(TypedDict):
    """A turn as chat templates take it."""

    role: Role
    content: str


def roles_of(context: Context | None) -> tuple[Role, ...]:
    """The roles of a context's turns, each turn once."""
    if context is None:
        return ()
    # Without the texts of turns, which may be long.
    return tuple(role for role, _ in groupby(node.segment.role for node in context.lineage))


def skeleton(roles: Sequence[Role]) -> list[Message]:
    """A conversation of these roles with placeholders as contents."""
    return [{"role": role, "content": _placeholder(i)} for i, role in enumerate(roles)]


def to_render(roles: Sequence[Role]) -> tuple[list[Message], bool]:
    """The skeleton that shows the marks before the last of these turns, and whether the generation prompt is needed.

    A system turn alone gets a question behind it: some templates, such as those of Qwen3.5, refuse to render without.
    """
    if opens_generation(roles[-1]):
        return skeleton(roles[:-1]), True
    asked = roles if "user" in roles else (*roles, "user")
    return skeleton(asked), False


def opens_generation(role: Role) -> bool:
    """Whether marks before a turn of this role are the template's generation prompt."""
    return role == "assistant"


def marks_before(rendered: str, turn: int) -> str:
    """The text in a rendered skeleton that stands before the content of `turn`.

    A skeleton of fewer turns, rendered with the generation prompt, gives the marks that open the model's turn.

    Raises:
        RequestRejected: The template changed or dropped a placeholder.

    >>> marks_before("<user>content0end.<assistant>", 1)
    '<assistant>'
    """
    start = 0
    if turn > 0:
        start = _find(rendered, turn - 1) + len(_placeholder(turn - 1))
    end = rendered.find(_placeholder(turn), start)
    return rendered[start:] if end < 0 else rendered[start:end]


def plain_marks(roles: Sequence[Role]) -> str:
    """The marks before a turn where a model has no template: a blank line between turns."""
    return "\n\n" if len(roles) > 1 else ""


def ends_with_mark(after: Context | None, mark: int, text: str) -> bool:
    """Whether the model ended its turn itself with `mark`, the first id of the marks to come.

    An end that the model generates is not part of the turn's text, so a turn whose text happens to
    end in the same way is not taken for one. Also right where the end of a turn is not the
    tokenizer's end of sequence.

    Args:
        after: The context so far.
        mark: An id.
        text: The text of that id.
    """
    return (
        after is not None and may_end_with(after, mark) and not after.turns[-1].text.endswith(text)
    )


def may_end_with(after: Context | None, mark: int) -> bool:
    """Whether the last id of the context is this one, and the model's: all that is asked of most, whatever its text."""
    if after is None or after.segment.role != "assistant":
        return False
    node: Context | None = after
    while node is not None:
        if ids := node.segment.token_ids:
            return ids[-1] == mark
        node = node.parent
    return False


def _find(rendered: str, turn: int) -> int:
    position = rendered.find(_placeholder(turn))
    if position < 0:
        raise RequestRejected(
            f"the model's chat template drops turn {turn + 1} of this conversation: use another model or method"
        )
    return position


def _placeholder(turn: int) -> str:
    return f"content{turn}end."
