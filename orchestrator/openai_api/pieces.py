"""What an answer is made of, piece by piece, whatever API asked for it. Pure.

    Told ...  Reasoning ...  Said, Said, Said | ToolCall, ToolCall   Finished   Ended

It is the seam between those who answer (`orchestrator/gateway/answering`) and those who write bodies and streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from engines import Usage

FinishedBy = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Said:
    """The text of an answer goes on.

    Attributes:
        text: What was added.
        choice: Which answer, from 0, where several were asked for.
    """

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What leads to the answer goes on: the planner's text, or that of a thread which is not itself the answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Something happened on the way, which ordinary clients ignore.

    Attributes:
        event: An event of the run as JSON data; its `kind` says what it is.
    """

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the client is to make.

    Attributes:
        id: Names it; the result has to bring it back.
        name: The tool.
        arguments: As JSON text.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer is complete.

    Attributes:
        reason: Why it ended.
        choice: Which answer.
    """

    reason: FinishedBy
    choice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last piece: what all of it took.

    Attributes:
        usage: Of all calls, those of threads that lost or failed included.
        reasoning_tokens: Of the generated tokens, those that are not the answer's own.
        detail: What else there is to know, as JSON data: the critical path, usage by node, the run's name, threads.
            It goes into the body's field `forkjoin`; empty for a plain call.
    """

    usage: Usage
    reasoning_tokens: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


Piece: TypeAlias = Said | Reasoning | Told | ToolCall | Finished | Ended
