"""Candidates as numbered parts of prompts: in groups that fit into the window, by the ids that the model generated.

question │ these were given: │ 1. excerpt of a candidate │ 2. excerpt of another │ compare them
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from engines import Context, Engine

from ..answer import Answer
from .excerpts import Excerpt, excerpt_of, fair_bound, last_of, stitched

MOST_IN_A_GROUP = 9
"""Numbers of one digit, which one token tells apart."""

_INTRODUCTION = "\n\nThese answers to it were given."
_REQUEST = "\n\nCompare their steps, and see where their results differ."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """The candidates, and how much of them one prompt takes. Made by `Ballot.of`.

    Attributes:
        candidates: What each says, in their order.
        room: Tokens that there are for candidates in one prompt.
    """

    candidates: tuple[Excerpt, ...]
    room: int

    @classmethod
    async def of(
        cls, candidates: Sequence[Answer], context: Context, engine: Engine, reserve: int
    ) -> Ballot:
        """Takes what the candidates say, and measures a prompt without it.

        Args:
            candidates: What there is to choose from.
            context: The question, which ends in the user's turn.
            engine: Of the ids and of the window.
            reserve: Tokens for what follows the prompt.
        """
        return cls(
            candidates=tuple([await excerpt_of(candidate, engine) for candidate in candidates]),
            room=await _room(context, engine, reserve),
        )

    def groups(self, standing: Sequence[int]) -> list[list[int]]:
        """Cuts candidates, in their order, into groups of like sizes that fit into a prompt.

        Each has at least two, except for the last, so that a tournament ends.
        """
        fewest = math.ceil(len(standing) / MOST_IN_A_GROUP)
        most = math.ceil(len(standing) / fewest)
        groups: list[list[int]] = [[]]
        for candidate in standing:
            group = groups[-1]
            fits = sum(self._lengths([*group, candidate])) <= self.room
            if len(group) == most or (len(group) >= 2 and not fits):
                groups.append([])
            groups[-1].append(candidate)
        return groups

    async def prompt(self, fork: Context, order: Sequence[int], engine: Engine) -> Context:
        """The question with these candidates, numbered from 1 in this order; what does not fit is cut to its tail."""
        lengths = self._lengths(order)
        bound = None if sum(lengths) <= self.room else fair_bound(lengths, self.room)
        shown = [await last_of(self.candidates[number], bound, engine) for number in order]
        return await stitched(engine, _pieces(shown), role="user", after=fork, name="answers")

    def _lengths(self, candidates: Sequence[int]) -> list[int]:
        return [self.candidates[number].length for number in candidates]


async def _room(context: Context, engine: Engine, reserve: int) -> int:
    window = engine.capabilities.window
    if window is None:
        return sys.maxsize
    blank = [Excerpt(text="", token_ids=()) for _ in range(MOST_IN_A_GROUP)]
    frame = await stitched(engine, _pieces(blank), role="user", after=context, name="frame")
    return max(window - _length(frame) - reserve, 0)


def _pieces(shown: Sequence[Excerpt]) -> list[str | Excerpt]:
    pieces: list[str | Excerpt] = [_INTRODUCTION]
    for number, excerpt in enumerate(shown, start=1):
        pieces += [f"\n\nAnswer {number}:\n{'... ' if excerpt.cut else ''}", excerpt]
    return [*pieces, _REQUEST]


def _length(context: Context) -> int:
    if context.has_token_ids:
        return len(context.token_ids)
    return sum(Excerpt(text=turn.text).length for turn in context.turns)
