"""The answer that most agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engines import Context, Engine

from ..answer import Answer
from ..equality import Equality, equal
from ..voting.stopping import leader
from ..voting.tally import votes_of


@dataclass(frozen=True, kw_only=True)
class Majority:
    """The answer that most candidates give; of equally many, the one given first.

    Answers are compared by mathematical equality. Candidates without a final answer vote only if none has one.

    Attributes:
        equality: Tells whether two answers are the same.
    """

    # A function is shown by its address, which would make equal configurations differ.
    equality: Equality = field(default=equal, repr=False)

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the first of those that give the winning answer."""
        voters = [c for c in candidates if c.value is not None] or list(candidates)
        votes = await votes_of((voter.final for voter in voters), self.equality)
        return voters[votes.index(leader(votes))].costless
