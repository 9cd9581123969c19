r"""One of the workers of a session: the step that it writes now. Pure.

    opening | what it wrote | pause      the ids of a step; the last of them the cache does not hold yet

It knows no cache, no other worker, and neither limits nor answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..completion import Draft
from .steps import end_of_step
from .tokenizer import Reader


class Worker:
    """A worker and its current step.

    Args:
        number: Its number, from 0, which is its block's.
        reader: Reads all that is its own.
        step_tokens: The most tokens that it writes in a step.
        pause: The ids that end a step that did not end by itself.
        answer: What stands before and after an answer.
        moves_steps: Whether its block has to be cleared of a finished step before the next one begins there.

    Attributes:
        number: As above.
        opening: What its next step begins with, or the current one while nothing of it is written.
        ids: The ids of its current step.
        unfed: Of these the last ones, which its block does not hold yet.
        generated: How many of the ids it wrote.
        written: The text of those.
        ended: Whether the step is finished.
        wrote: How many tokens it wrote in all its steps.
        put_in: How many were put in between.
    """

    def __init__(
        self,
        number: int,
        reader: Reader,
        step_tokens: int,
        pause: Sequence[int],
        *,
        answer: tuple[str, str],
        moves_steps: bool,
    ) -> None:
        self.number = number
        self.opening: Sequence[int] = ()
        self.ids: list[int] = []
        self.unfed: list[int] = []
        self.generated = 0
        self.written = ""
        self.ended = False
        self.wrote = 0
        self.put_in = 0
        self._reader = reader
        self._step_tokens = step_tokens
        self._pause = pause
        self._answer = answer
        self._moves_steps = moves_steps
        self._draft: list[int] = []
        self._drafted = ""

    @property
    def goes_on(self) -> bool:
        """Whether what is sampled after its next feed is its next token.

        After the end of a step that moves it is none: the opening of the next comes first, if there is one.
        """
        return not (self.ended and self.opening and self._moves_steps)

    @property
    def feed(self) -> Sequence[int]:
        """What its block is fed next: what it does not hold yet, and the next step's opening where that may follow."""
        if self.ended and not self._moves_steps:
            return [*self.unfed, *self.opening]
        return self.unfed

    @property
    def next_tokens(self) -> int:
        """How many tokens its step grows by when it goes on, without a pause."""
        return 1 if self.is_writing else len(self.opening) + 1

    @property
    def is_writing(self) -> bool:
        """Whether it is in the middle of a step."""
        return self.generated > 0 and not self.ended

    def begin(self) -> None:
        """Begins the next step."""
        self.ids, self.unfed = [], [*self.opening]
        self.generated, self.written, self.ended = 0, "", False

    def write(self, token_id: int) -> None:
        """Goes on with a token, after which the step may have ended."""
        if not self.generated:
            self._say(self.opening)
            self.put_in += len(self.opening)
        seen = len(self.written)
        self.written += self._say((token_id,))
        self.unfed = [token_id]
        self.generated += 1
        self.wrote += 1
        if end_of_step(self.written, seen, self._answer) is not None:
            self.ended = True
        elif self.generated == self._step_tokens:
            self.pause()

    def pause(self) -> None:
        """Ends the step here."""
        self._say(self._pause)
        self.put_in += len(self._pause)
        self.unfed += self._pause
        self.ended = True

    def draft(self) -> Draft | None:
        """What is new since the last time, if anything is."""
        if not self._draft:
            return None
        draft = Draft(self.number, self._drafted, tuple(self._draft))
        self._draft, self._drafted = [], ""
        return draft

    def _say(self, token_ids: Sequence[int]) -> str:
        text = "".join(map(self._reader.read, token_ids))
        self.ids += token_ids
        self._draft += token_ids
        self._drafted += text
        return text
