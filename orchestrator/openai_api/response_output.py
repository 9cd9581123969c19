"""The items of a response's output, as they grow and as they are when they are done. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .pieces import ToolCall

Item: TypeAlias = dict[str, Any]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextItem:
    """An item that is one text: the message, or reasoning on the way to it.

    Attributes:
        kind: Which of them.
        id: Its own.
        index: Its place in the output.
        said: What was added to it so far.
    """

    kind: Literal["message", "reasoning"]
    id: str
    index: int
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that was added."""
        return "".join(self.said)

    @property
    def name(self) -> str:
        """What its events are called."""
        return "output_text" if self.kind == "message" else "reasoning_text"

    @property
    def more(self) -> dict[str, Any]:
        """What the events of its text have beside the text."""
        return {"logprobs": []} if self.kind == "message" else {}

    def part(self, text: str) -> dict[str, Any]:
        """Its only part, with a text."""
        part: dict[str, Any] = {"type": self.name, "text": text}
        return part | ({"annotations": [], "logprobs": []} if self.kind == "message" else {})

    def begun(self) -> Item:
        """The item without a part."""
        return self._item("in_progress", [])

    def done(self, status: ItemStatus) -> Item:
        """The item with all its text."""
        return self._item(status, [self.part(self.text)])

    def _item(self, status: ItemStatus, content: list[dict[str, Any]]) -> Item:
        own: Item = {"role": "assistant"} if self.kind == "message" else {"summary": []}
        return {"id": self.id, "type": self.kind, "status": status, **own, "content": content}


def call_item(call: ToolCall, id: str, arguments: str, status: ItemStatus) -> Item:
    """A call of a tool, with so much of its arguments."""
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
    }
