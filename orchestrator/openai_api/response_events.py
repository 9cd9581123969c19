"""What happens to a response while its answer comes, as the typed events of `/v1/responses`. Pure.

    created, in_progress
      item added, part added, delta, delta, done, part done, item done      each reasoning, and the message
      item added, arguments delta, arguments done, item done                each call of a tool
      forkjoin.event                                                        anything else that happened
    completed | incomplete | failed, error

Reasoning that comes while the message does is an item of its own beside it, so that there is one message. It knows no
lines and no bytes.
"""

from __future__ import annotations

from typing import Any

from .api_error import ApiError
from .model_request import ModelRequest
from .pieces import Ended, Finished, Piece, Reasoning, Said, Told, ToolCall
from .response_body import Status, response_body
from .response_output import Item, ItemStatus, TextItem, call_item

Event = dict[str, Any]


class ResponseEvents:
    """The events of one response, and the response itself as they leave it.

    Args:
        request: What was asked.
        name: Unique among answers.
        model: Who answers.
        created: When, in seconds since 1970.
    """

    def __init__(self, request: ModelRequest, *, name: str, model: str, created: int) -> None:
        self._request = request
        self._name = name
        self._identity: dict[str, Any] = {"name": name, "model": model, "created": created}
        self._count = 0
        # By their places; those that are open are here as they began.
        self._output: list[Item] = []
        self._reasoning: TextItem | None = None
        self._message: TextItem | None = None
        self._cut = False
        self.response = self._body("in_progress")

    def of(self, piece: Piece) -> list[Event]:
        """The events that a piece is."""
        events = self._opening()
        match piece:
            case Said(text):
                events += self._said(text)
            case Reasoning(text):
                events += self._reasoned(text)
            case Told(event):
                events += [self._event("forkjoin.event", event=dict(event))]
            case ToolCall():
                events += self._close_reasoning()
                events += self._called(piece)
            case Finished(reason):
                self._cut = reason == "length"
                events += self._finished()
            case Ended():
                events += self._ended(piece)
        return events

    def failed(self, error: ApiError) -> list[Event]:
        """The events that end a response with an error."""
        events = self._opening()
        for item in (self._reasoning, self._message):
            if item is not None:
                self._output[item.index] = item.done("incomplete")
        self.response = self._body("failed", error=error)
        told = error.body()["error"]
        flat = {name: told[name] for name in ("code", "message", "param")}
        return [
            *events,
            self._event("response.failed", response=self.response),
            # The first three are what the API promises, the last is what makes OpenAI's client raise.
            self._event("error", **flat, error=told),
        ]

    def _opening(self) -> list[Event]:
        if self._count:
            return []
        return [
            self._event("response.created", response=self.response),
            self._event("response.in_progress", response=self.response),
        ]

    def _said(self, text: str) -> list[Event]:
        if self._message is not None:
            return self._added(self._message, text)
        events = self._close_reasoning()
        self._message = TextItem(kind="message", id=f"msg_{self._name}", index=len(self._output))
        return events + self._begun(self._message) + self._added(self._message, text)

    def _reasoned(self, text: str) -> list[Event]:
        if self._reasoning is not None:
            return self._added(self._reasoning, text)
        place = len(self._output)
        self._reasoning = TextItem(kind="reasoning", id=f"rs_{self._name}_{place}", index=place)
        return self._begun(self._reasoning) + self._added(self._reasoning, text)

    def _begun(self, item: TextItem) -> list[Event]:
        self._output.append(item.begun())
        added = self._event(
            "response.output_item.added", output_index=item.index, item=item.begun()
        )
        return [added, self._of_part(item, "response.content_part.added", part=item.part(""))]

    def _added(self, item: TextItem, text: str) -> list[Event]:
        if not text:
            return []
        item.said.append(text)
        return [self._of_part(item, f"response.{item.name}.delta", delta=text, **item.more)]

    def _done(self, item: TextItem, status: ItemStatus) -> list[Event]:
        text = item.text
        self._output[item.index] = done = item.done(status)
        return [
            self._of_part(item, f"response.{item.name}.done", text=text, **item.more),
            self._of_part(item, "response.content_part.done", part=item.part(text)),
            self._event("response.output_item.done", output_index=item.index, item=done),
        ]

    def _close_reasoning(self) -> list[Event]:
        item, self._reasoning = self._reasoning, None
        return [] if item is None else self._done(item, "completed")

    def _called(self, call: ToolCall) -> list[Event]:
        index, id = len(self._output), f"fc_{self._name}_{len(self._output)}"
        done = call_item(call, id, call.arguments, "completed")
        self._output.append(done)
        begun = call_item(call, id, "", "in_progress")
        place = {"item_id": id, "output_index": index}
        arguments = "response.function_call_arguments"
        return [
            self._event("response.output_item.added", output_index=index, item=begun),
            self._event(f"{arguments}.delta", **place, delta=call.arguments),
            self._event(f"{arguments}.done", **place, name=call.name, arguments=call.arguments),
            self._event("response.output_item.done", output_index=index, item=done),
        ]

    def _finished(self) -> list[Event]:
        events = self._close_reasoning()
        called = any(item["type"] == "function_call" for item in self._output)
        # An answer that is neither text nor calls is an empty text.
        if self._message is None and not called:
            events += self._said("")
        item, self._message = self._message, None
        return events if item is None else events + self._done(item, self._item_status)

    def _ended(self, ended: Ended) -> list[Event]:
        status: Status = "incomplete" if self._cut else "completed"
        self.response = self._body(status, ended=ended)
        return [self._event(f"response.{status}", response=self.response)]

    @property
    def _item_status(self) -> ItemStatus:
        return "incomplete" if self._cut else "completed"

    def _of_part(self, item: TextItem, kind: str, **more: Any) -> Event:
        return self._event(kind, item_id=item.id, output_index=item.index, content_index=0, **more)

    def _event(self, kind: str, **more: Any) -> Event:
        event = {"type": kind, "sequence_number": self._count, **more}
        self._count += 1
        return event

    def _body(self, status: Status, **more: Any) -> dict[str, Any]:
        return response_body(
            self._request, **self._identity, status=status, output=self._output, **more
        )
