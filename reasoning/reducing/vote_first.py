"""A vote, and a second way to an answer where the vote decides nothing.

candidates ─> vote ─┬─ more than half agree ─> their answer
                    └─ no majority ──────────> another reducer, such as a synthesis
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engines import Context, Engine

from ..answer import Answer
from ..equality import Equality, equal
from ..voting.stopping import leader
from ..voting.tally import votes_of
from .fallback import reduce_or_vote
from .majority import Majority
from .reducer import Reducer
from .synthesis import Synthesise


@dataclass(frozen=True, kw_only=True)
class VoteFirst:
    """The answer that more than half of all candidates give; what another reducer makes of them where none does.

    A candidate without a final answer agrees with nobody, but counts as one that does not agree.

    Attributes:
        otherwise: Reduces where no answer has a majority.
        equality: Tells whether two answers are the same.
    """

    otherwise: Reducer = Synthesise()
    # A function is shown by its address, which would make equal configurations differ.
    equality: Equality = field(default=equal, repr=False)

    @property
    def reads_unfinished(self) -> bool:
        """Whether the other reducer makes use of candidates that were cut: they have no vote."""
        return getattr(self.otherwise, "reads_unfinished", False)

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the first that gives the majority's answer, or asks the other reducer.

        Where that cannot do its work, the answer is the one that most give.
        """
        votes = await votes_of((candidate.value for candidate in candidates), self.equality)
        winner = leader(votes)
        if winner >= 0 and 2 * votes.count(winner) > len(candidates):
            return candidates[votes.index(winner)].costless
        # Without a final answer from anyone, there is nothing to vote on.
        voters = [candidate for candidate in candidates if candidate.value is not None]
        return await reduce_or_vote(
            self.otherwise,
            candidates,
            context,
            engine,
            voters=voters,
            vote=Majority(equality=self.equality),
        )
