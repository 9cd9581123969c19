"""What was asked and answered so far, so that the next question goes on where the last answer ended.

    result.history ─> agent.run("And its root?", history=...) ─> its root context goes on from the last answer's

It holds the conversation as the engine has it, a segment a turn, so that the next run finds its KV cache. It knows no
run: names of forks are gone, so that a run with a history has the same paths as one without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engines import Context, Engine, Role, Segment, UsageError

from .errors import RunUnreadable

HISTORY_FILE = "history.json"
"""Where a run folder has the history that the run was given."""

# What a planner gets of it. It needs what is being talked about, not how it was found.
_MOST_EXCHANGES = 8
_MOST_CHARACTERS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question and its answer, as people said and read them."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A conversation with an agent.

    Attributes:
        exchanges: The questions and their answers.
        turns: The same as the engine has it. A turn without ids among others that have some, such as an answer that a
            tool gave, is encoded when the conversation goes on.
        fingerprint: Of the engine whose ids these are.
    """

    exchanges: tuple[Exchange, ...]
    turns: tuple[Segment, ...]
    fingerprint: str

    async def context(self, engine: Engine) -> Context:
        """Where the next question is asked, on an engine that `check_history` lets pass."""
        context: Context | None = None
        for turn in self.turns:
            if turn.token_ids is None:
                turn = await engine.encode(turn.text, role=turn.role, after=context)
            context = Context(turn, context)
        assert context is not None
        return context

    def before(self, question: str) -> str:
        """A question with what it may refer to, for planners, which see no context."""
        known = self.exchanges[-_MOST_EXCHANGES:]
        told = "\n".join(
            f"Question: {_short(each.question)}\nAnswer: {_short(each.answer)}" for each in known
        )
        parts = [question]
        if known:
            parts.append(f"It was asked after this conversation:\n{told}")
        if system := self.system:
            parts.append(f"Whoever answers it was told:\n{system}")
        return "\n\n".join(parts)

    @classmethod
    def of_turns(cls, turns: Sequence[tuple[Role, str]], fingerprint: str) -> History | None:
        """A conversation that was had elsewhere, up to the question that is asked now; None if there is nothing before.

        The same turns give the same context, so that the KV cache of one request serves the next.

        Args:
            turns: Who spoke and what was said, no two in a row by one role. A turn of the system stands first.
            fingerprint: Of the engine that goes on with it.
        """
        if not turns:
            return None
        return cls(
            exchanges=tuple(_exchanges(turns)),
            turns=tuple(Segment(role, text) for role, text in turns),
            fingerprint=fingerprint,
        )

    @property
    def system(self) -> str:
        """What the conversation's turns of the system say; empty where there are none."""
        return "\n\n".join(turn.text for turn in self.turns if turn.role == "system")

    def to_data(self) -> dict[str, Any]:
        """As JSON data, to be kept for a later process."""
        data: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return {"version": 1, **data}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> History:
        """What `to_data` gave.

        Raises:
            UsageError: It is no such data.
        """
        known = {name: value for name, value in data.items() if name in cls.__slots__}
        try:
            history = _adapter().validate_python(known)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"this is no history: {place}: {first['msg']}; give what `history.to_data()` gave"
            ) from None
        if data.get("version") != 1 or not history.turns:
            raise UsageError(
                f"a history of version {data.get('version')!r} with {len(history.turns)} turns cannot be gone on "
                f"with: give what `history.to_data()` of this version gave"
            )
        return history


def _exchanges(turns: Sequence[tuple[Role, str]]) -> Iterator[Exchange]:
    question = ""
    for role, text in turns:
        if role == "user":
            question = text
        elif role == "assistant":
            yield Exchange(question=question, answer=text)
            question = ""


def check_history(history: object, engine: Engine) -> None:
    """Refuses what an engine cannot go on with.

    Raises:
        UsageError: It is no history, an empty one, or that of a conversation with another engine or model.
    """
    if not isinstance(history, History) or not history.turns:
        raise UsageError(
            f"this {type(history).__name__} is no conversation to go on with: give `result.history` of the run before, "
            f"or `History.from_data(...)` of what was saved"
        )
    if engine.fingerprint != history.fingerprint:
        raise UsageError(
            f"the history is of a conversation with {history.fingerprint!r}, and its tokens mean nothing to "
            f"{engine.fingerprint!r}: use that engine, or begin a new conversation"
        )


def read_history(folder: Path, exchanges: int | None) -> History | None:
    """The history that a run was given, from its folder.

    Args:
        folder: The run's folder.
        exchanges: How many it should have; None where the run had no history.

    Raises:
        RunUnreadable: It is not there, or it is another one.
    """
    if exchanges is None:
        return None
    path = folder / HISTORY_FILE
    try:
        history = History.from_data(json.loads(path.read_bytes()))
    except (OSError, ValueError, UsageError) as error:
        raise RunUnreadable(f"the history of the run, {path}, cannot be read: {error}") from None
    if len(history.exchanges) != exchanges:
        raise RunUnreadable(
            f"{path} is not the history that the run was begun with: start a new run"
        )
    return history


def history_after(
    before: History | None,
    exchange: Exchange,
    context: Context,
    answer: str | None,
    fingerprint: str,
) -> History:
    """A history with one more exchange.

    Args:
        before: The history so far.
        exchange: What was asked and answered.
        context: Ends with the answer, or with the question.
        answer: What was answered, where the context ends with the question.
        fingerprint: Of the engine that made the context.
    """
    turns = _turns(context)
    if answer is not None:
        turns = (*turns, Segment("assistant", answer))
    earlier = () if before is None else before.exchanges
    return History(exchanges=(*earlier, exchange), turns=turns, fingerprint=fingerprint)


def _turns(context: Context) -> tuple[Segment, ...]:
    """The conversation up to here, each turn in one piece, with its ids where there are any."""
    merged: list[Segment] = []
    for node in context.lineage:
        segment = node.segment
        if merged and merged[-1].role == segment.role:
            last = merged.pop()
            ids = (
                None if segment.token_ids is None else (*(last.token_ids or ()), *segment.token_ids)
            )
            segment = Segment(segment.role, last.text + segment.text, ids)
        merged.append(segment)
    return tuple(merged)


@cache
def _adapter() -> TypeAdapter[History]:
    # Built where it is needed: most runs need none.
    return TypeAdapter(History)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."
