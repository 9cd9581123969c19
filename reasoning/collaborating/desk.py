"""What one worker has written, and what it has left. Pure.

finished steps | opening of the current step | what is written of it | reserved for the call in flight
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from engines import Segment

from .piece import Piece

End = Literal["tokens", "budget", "silence", "failure"]
"""Why a worker writes no more: its tokens or a budget are used up, it says nothing, or a call failed."""

# After so many calls that ended without a word, the next one would say nothing either.
_MOST_SILENT = 3


def joined(segments: Iterable[Segment]) -> Segment:
    """Pieces of the model's turn in one."""
    pieces = list(segments)
    ids = tuple(chain.from_iterable(piece.token_ids or () for piece in pieces))
    return Segment("assistant", "".join(piece.text for piece in pieces), ids)


NOTHING = joined([])


@dataclass(slots=True, kw_only=True)
class Desk:
    """One worker's.

    Attributes:
        name: The worker's.
        max_tokens: The most that it generates.
        step_tokens: The most of a step.
        finished: Its steps that ended.
        cut: How many of these were as long as they may be.
        opening: What its current step begins with; None before it has begun.
        step: What it has written of that.
        asked: How many calls it has begun.
        reserved: The most tokens of the one in flight.
        end: Why it writes no more; None while it does.
        reason: The same for a person, where a call failed.
        limited_by: What of a budget (`tokens`, `seconds`) ended it; None where none did.
    """

    name: str
    max_tokens: int
    step_tokens: int
    finished: list[Segment] = field(default_factory=list)
    cut: int = 0
    opening: Segment | None = None
    step: Segment = NOTHING
    asked: int = 0
    reserved: int = 0
    end: End | None = None
    reason: str = ""
    limited_by: str | None = None
    _spent: int = 0
    _of_step: int = 0
    _silent: int = 0

    @property
    def left(self) -> int:
        """Tokens that it may still generate in this step."""
        return min(self.max_tokens - self._spent, self.step_tokens - self._of_step)

    @property
    def current(self) -> Segment:
        """Its current step with what that begins with."""
        return joined([self.opening or NOTHING, self.step])

    @property
    def unfinished(self) -> Segment:
        """Its current step, if there is a word in it."""
        return self.current if self.step.text.strip() else NOTHING

    @property
    def said(self) -> Segment:
        """All its steps, the unfinished one too."""
        return joined([*self.finished, self.unfinished])

    def take(self, piece: Piece) -> bool:
        """Adds what it said in a call; whether its step ends with that."""
        # What was not even a token has taken its turn as well.
        generated = max(1, piece.generated)
        self.reserved = 0
        self._spent += generated
        self._of_step += generated
        self._silent = 0 if piece.spoken or piece.cut else self._silent + 1
        self.step = piece.step
        if piece.limited_by is not None:
            self.end, self.limited_by = "budget", piece.limited_by
        elif self._spent >= self.max_tokens:
            self.end = "tokens"
        elif self._silent >= _MOST_SILENT:
            self.end = "silence"
        return piece.ends or self._of_step >= self.step_tokens

    def lose(self, reason: str) -> None:
        """A call failed: it writes no more, and what it has said stands."""
        self.reserved = 0
        self.end, self.reason = "failure", reason

    def finish(self, pause: Segment) -> Segment | None:
        """Ends the current step, with a pause where there is none; None if there is no word in it: it begins again."""
        step, spoken = self.current, bool(self.step.text.strip())
        cut = self._of_step >= self.step_tokens
        self.step, self._of_step = NOTHING, 0
        if not spoken:
            return None
        if not step.text.endswith(pause.text):
            step = joined([step, pause])
        self.opening = None
        self.finished.append(step)
        self.cut += cut
        return step
