"""Turns and calls of tools, as they come in a body, made into turns that alternate and the results that are new. Pure.

    user, calls, results, assistant, user, calls, results
    └── user ┘ └──── assistant ────┘  └ user ┘ └ results ┘

A model's turn has no notation for calls that every template knows, so that finished exchanges with tools are told in
the assistant's own turn. Those after the last turn of the user are what a run is gone on with. It knows no endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engines import Role

from ..errors import InvalidRequest
from .told_values import told

Turn = tuple[Role, str]

# Between two messages of one role, which are one turn to a model.
_BETWEEN = "\n\n"


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


class Asked(NamedTuple):
    """What a conversation comes to: its turns, and the results that came after the last of them."""

    turns: tuple[Turn, ...]
    results: tuple[ToolResult, ...] = ()


class _Call(NamedTuple):
    name: str
    arguments: str


class _Turn(NamedTuple):
    role: Role
    texts: list[str]


class Conversation:
    """Takes messages and calls in their order.

    Args:
        field: The field of the body that has them.
        answer: How a result is sent, for the message that misses one.
    """

    def __init__(self, field: str, answer: str) -> None:
        self._field = field
        self._answer = answer
        self._turns: list[_Turn] = []
        self._open: dict[str, _Call] = {}
        # Since the user's last turn: what the assistant said, with its calls told, and the results by their ids.
        self._said: list[str] = []
        self._results: dict[str, ToolResult] = {}
        self._waits = False

    def say(self, role: Role, text: str, place: str) -> None:
        """Somebody said something.

        Raises:
            InvalidRequest: The user said nothing, or a call before it has no result.
        """
        # Models have no turn that says nothing, but programs write such system messages and models such answers.
        if not text.strip():
            if role == "user":
                raise InvalidRequest(f"{place} is empty", place)
        elif role == "assistant":
            self._said.append(text)
            self._waits = False
        else:
            self._close()
            self._add(role, text)

    def call(self, id: str, name: str, arguments: str, place: str) -> None:
        """The assistant asked for a call.

        Raises:
            InvalidRequest: Another one has this id.
        """
        if id in self._open or id in self._results:
            raise InvalidRequest(f"{place}: two calls have the id {told(id)}", place)
        self._open[id] = _Call(name, arguments)

    def result(self, id: str, text: str, place: str) -> None:
        """A call came to something.

        Raises:
            InvalidRequest: Nobody asked for it, or it came before.
        """
        call = self._open.pop(id, None)
        if call is None:
            raise InvalidRequest(
                f"{place} is the result of a call {told(id)} that no message before it asks for",
                place,
            )
        self._results[id] = ToolResult(id=id, name=call.name, arguments=call.arguments, text=text)
        self._said.append(f"I called {call.name} with {call.arguments} and got: {text}")
        self._waits = True

    def end(self) -> Asked:
        """All of it. What a system message asks at the end is the user's question.

        Raises:
            InvalidRequest: It does not end in the user's turn, or with results for all that was asked for after it.
        """
        self._check_results()
        if self._turns and self._turns[-1].role == "system":
            self._add("user", *self._turns.pop().texts)
        if (self._said and not self._waits) or not self._turns or self._turns[-1].role != "user":
            raise InvalidRequest("the last message has to be the user's", self._field)
        turns = tuple((turn.role, _BETWEEN.join(turn.texts)) for turn in self._turns)
        return Asked(turns, tuple(self._results.values()))

    def _close(self) -> None:
        """The assistant's turn is over."""
        self._check_results()
        if self._said:
            self._add("assistant", *self._said)
        self._said, self._results, self._waits = [], {}, False

    def _add(self, role: Role, *texts: str) -> None:
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role, []))
        self._turns[-1].texts.extend(texts)

    def _check_results(self) -> None:
        for id, call in self._open.items():
            raise InvalidRequest(
                f"there is no result for the call {told(id)} of {told(call.name)}: send {self._answer}",
                self._field,
            )
