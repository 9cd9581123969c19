"""Pieces put together: what an answer is that is sent as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engines import Usage

from .pieces import Ended, Finished, FinishedBy, Piece, Reasoning, Said, ToolCall


@dataclass(slots=True)
class GatheredChoice:
    """One of the answers.

    Attributes:
        text: What it says.
        reasoning: What led to it.
        reason: Why it ended.
    """

    text: str = ""
    reasoning: str = ""
    reason: FinishedBy = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All of an answer.

    Attributes:
        choices: The answers.
        calls: What the client is to call; such an answer is the only one.
        ended: What all of it took.
    """

    choices: tuple[GatheredChoice, ...]
    calls: tuple[ToolCall, ...] = ()
    ended: Ended = field(default_factory=lambda: Ended(usage=Usage()))


def gather(pieces: Iterable[Piece], choices: int) -> Gathered:
    """Puts the pieces of so many answers together."""
    said: list[list[str]] = [[] for _ in range(choices)]
    thought: list[list[str]] = [[] for _ in range(choices)]
    reasons: list[FinishedBy] = ["stop"] * choices
    calls: list[ToolCall] = []
    ended = Ended(usage=Usage())
    for piece in pieces:
        match piece:
            case Said(text, choice):
                said[choice].append(text)
            case Reasoning(text, choice):
                thought[choice].append(text)
            case Finished(reason, choice):
                reasons[choice] = reason
            case ToolCall():
                calls.append(piece)
            case Ended():
                ended = piece
    gathered = (
        GatheredChoice("".join(text), "".join(reasoning), reason)
        for text, reasoning, reason in zip(said, thought, reasons, strict=True)
    )
    return Gathered(choices=tuple(gathered), calls=tuple(calls), ended=ended)
