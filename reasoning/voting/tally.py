"""Counts votes for answers while these come. Equal answers are one, in the sense of mathematics.

answer ─> seen before? ─> equal to the first member of a group? ─> a new group
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..equality import Equality, equal


class Tally:
    """A vote in progress. One answer is added at a time.

    Each text is compared once, with the first of each group of equal answers only: math-verify takes milliseconds for
    a pair, and is not transitive.

    Args:
        equality: Tells whether two answers are the same.

    Attributes:
        votes: For each answer added, in their order, the number of its group, from 0 in the order in which these came;
            -1 where there was no answer. As stopping rules take it.
    """

    def __init__(self, equality: Equality = equal) -> None:
        self.votes: list[int] = []
        self._equality = equality
        self._firsts: list[str] = []
        self._known: dict[str, int] = {}

    async def add(self, answer: str | None) -> None:
        """Counts one vote; None is a sample without an answer."""
        if answer is not None and answer not in self._known:
            self._known[answer] = await self._group(answer)
        self.votes.append(-1 if answer is None else self._known[answer])

    async def _group(self, answer: str) -> int:
        for number, first in enumerate(self._firsts):
            if await self._equality(first, answer):
                return number
        self._firsts.append(answer)
        return len(self._firsts) - 1


async def votes_of(answers: Iterable[str | None], equality: Equality = equal) -> Sequence[int]:
    """The votes of answers that are all there, in their order, as `Tally.votes` has them."""
    tally = Tally(equality)
    for answer in answers:
        await tally.add(answer)
    return tally.votes
