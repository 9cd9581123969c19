"""The board that workers write on: what has been said, what each of them sees of it, and who can go on. Pure.

    prompt | step | step | step |                      the common history, which only grows: one prefix, for all of them
                                 | current steps | marks | own step |          what one of them sees behind it
                                                                    └─> it goes on here

Steps stand in the history in the order of their ends. It knows no engine and no time: who ended first, it is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

from engines import Collaboration, Context, Segment
from engines.hogwild.layout import views
from engines.hogwild.steps import Openings, final_answer

from .desk import Desk, joined
from .piece import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Texts that are put in, as an engine encodes them: see `Collaboration`."""

    others: Segment
    own: Segment
    pause: Segment
    closing: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a worker asks an engine for.

    Attributes:
        context: What it sees, up to where it goes on. Its path is its own.
        tokens: The most tokens until it looks at the board again.
        opening: What its step begins with.
        before: What it has written of the step.
        answer: What stands before and after an answer, which ends a step as well.
        number: Of the worker's calls, from 1.
    """

    context: Context
    tokens: int
    opening: Segment
    before: Segment
    answer: tuple[str, str]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer that stands in a finished step.

    Attributes:
        worker: Whose step it is.
        value: The answer.
    """

    worker: int
    value: str


class Board:
    """A board at work.

    Args:
        prompt: Ends in the model's turn, which is empty.
        collaboration: Who works, and how.
        marks: What is put in.
        max_tokens: The most tokens that each worker generates.
        refresh: Tokens after which a worker looks at the board again; 0 is at the ends of its steps only.
        window: The longest sequence of the model in tokens; None where unknown.

    Attributes:
        desks: What each worker has written.
        transcript: The prompt and the finished steps, in the order of their ends.
        found: The answer that ended the work, if one did.
    """

    def __init__(
        self,
        prompt: Context,
        collaboration: Collaboration,
        marks: Marks,
        *,
        max_tokens: int,
        refresh: int,
        window: int | None = None,
    ) -> None:
        self.desks = [
            Desk(name=name, max_tokens=max_tokens, step_tokens=collaboration.step_tokens)
            for name in collaboration.workers
        ]
        self.transcript = prompt
        self.found: Found | None = None
        self._prompt = prompt
        self._collaboration = collaboration
        self._marks = marks
        self._refresh = refresh or math.inf
        self._window = math.inf if window is None else window
        self._views = views(collaboration.layout, len(self.desks))
        self._openings = Openings(collaboration)
        put_in = (marks.others, marks.own, marks.closing, *[marks.pause] * len(self.desks))
        self._length = len(prompt.token_ids) + sum(map(_length, put_in))
        self._length += collaboration.answer_tokens

    @property
    def common(self) -> Context:
        """What all workers see alike: a prefix of whatever each of them sees."""
        return self.transcript if self._views.moves_steps else self._prompt

    @property
    def tokens(self) -> int:
        """How long all of it can become with the calls in flight, the closing included."""
        return self._length + sum(_length(desk.current) + desk.reserved for desk in self.desks)

    def opening(self, worker: int) -> str:
        """What a worker's next step begins with; to be asked once for each step."""
        return self._openings.next(worker)

    def request(self, worker: int) -> Request | None:
        """What a worker whose step has its opening asks for next; None if the window has no room for it now."""
        desk = self.desks[worker]
        if desk.opening is None:
            raise ValueError(f"{desk.name} has begun no step: give it an opening")
        tokens = min(desk.left, self._refresh, self._window - self.tokens)
        if tokens < 1:
            return None
        desk.reserved = int(tokens)
        desk.asked += 1
        seen = joined(self._block(block) for block in self._views.of[worker][:-1])
        fork = self.common.fork(desk.name, seen)
        return Request(
            context=fork.fork(f"call-{desk.asked}", self._block(worker)),
            tokens=desk.reserved,
            opening=desk.opening,
            before=desk.step,
            answer=self._collaboration.answer,
            number=desk.asked,
        )

    def take(self, worker: int, piece: Piece) -> None:
        """Adds what a worker said. A step that ends goes to the end of the history, if there is a word in it."""
        desk = self.desks[worker]
        self._openings.count(piece.generated)
        if not desk.take(piece):
            return
        self.look(worker)
        step = desk.finish(self._marks.pause)
        if step is None:
            return
        self.transcript = self.transcript.extend(step)
        self._length += _length(step)

    def look(self, worker: int) -> None:
        """Sees whether a worker's current step has the answer, if none was found before."""
        value = final_answer(self.desks[worker].step.text, self._collaboration.answer)
        if value is not None and self.found is None:
            self.found = Found(worker=worker, value=value)

    @property
    def written(self) -> Context:
        """The prompt and all that was written, unfinished steps last and each with a pause."""
        unfinished = [step for desk in self.desks if (step := desk.unfinished).text]
        paused = chain.from_iterable((step, self._marks.pause) for step in unfinished)
        return self.transcript.extend(joined(paused))

    def asking(self, written: Context) -> Context:
        """What was written, with the words that ask for the answer."""
        return written.extend(self._marks.closing)

    def _block(self, block: int) -> Segment:
        """What stands in a block of a view."""
        if block == self._views.others:
            return self._marks.others
        if block == self._views.own:
            return self._marks.own
        desk = self.desks[block]
        return desk.current if self._views.moves_steps else joined([*desk.finished, desk.current])


def _length(segment: Segment) -> int:
    return len(segment.token_ids or ())
