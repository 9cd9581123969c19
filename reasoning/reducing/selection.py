"""GenSelect: the model reads the answers and names the best (Toshniwal et al. 2025).

question + answers 1 to 9 ───> "which?" ─┐
question + answers 10 to 18 ─> "which?" ─┼─> the winners, in the same way, until one is left
question + ...                          ─┘
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Context, Engine, Sampling, UsageError

from ..answer import Answer, Branch
from ..branching import remark_on_lost, require_candidates, think_side_by_side
from ..scoring.judging import ROOM, judge, remark_on_unread
from .ballot import Ballot

_DEMAND = "Which answer is the best? Say its number, and nothing else."


@dataclass(frozen=True, kw_only=True)
class Select:
    """The candidate that the model picks by its number, in a tournament where they are many or long.

    Candidates stand in the prompt by their token ids, behind the question: as many as fit, nine at most, and two that
    are too long with their tails only. The groups of a round are judged side by side. If no call for a group
    names one of it, its first candidate goes on.

    Attributes:
        votes: How often each group is judged, at least 1, each time in another order, so that no place is favoured. Of
            equally many votes, the first candidate wins.
        thinking_tokens: The most that each vote thinks before it picks; 0 picks at once, in one call of a token.
        sampling: How to sample thoughts and picks; its limit is set here, and a seed is made the branch's own.
    """

    votes: int = 1
    thinking_tokens: int = 0
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        """Refuses to pick without a vote, and to think of less than nothing."""
        if self.votes < 1:
            raise UsageError(f"a selection with {self.votes} votes: at least 1 is needed")
        if self.thinking_tokens < 0:
            raise UsageError(f"thinking_tokens={self.thinking_tokens}: give 0 or more")

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Plays rounds until one candidate is left.

        Raises:
            NoCandidates: Every call of a round failed.
        """
        if len(candidates) == 1:
            return candidates[0].costless
        ballot = await Ballot.of(candidates, context, engine, self.thinking_tokens + ROOM)
        standing = list(range(len(candidates)))
        spent = Answer(text="")
        number = 0
        while len(standing) > 1:
            groups = ballot.groups(standing)
            place = context.fork(f"select-{number}")
            branches = await self._votes(groups, ballot, place, engine)
            require_candidates(branches, "selections")
            remarks = (remark_on_lost(branches, "selections"), remark_on_unread(branches))
            spent = spent.after(branches, remark="; ".join(filter(None, remarks)))
            standing = [
                _winner(group, branches[i * self.votes : (i + 1) * self.votes])
                for i, group in enumerate(groups)
            ]
            number += 1
        winner = candidates[standing[0]].costless
        return replace(
            winner,
            usage=spent.usage,
            critical_path=spent.critical_path,
            remark="; ".join(filter(None, (winner.remark, spent.remark))),
        )

    async def _votes(
        self, groups: Sequence[Sequence[int]], ballot: Ballot, place: Context, engine: Engine
    ) -> list[Branch]:
        """The votes on each group, each for a candidate's number; the last group may be one that needs none."""
        orders = {
            place.fork(f"{i}-{vote}"): _rotated(group, vote)
            for i, group in enumerate(groups)
            if len(group) > 1
            for vote in range(self.votes)
        }

        async def pick(fork: Context, engine: Engine) -> Answer:
            order = orders[fork]
            question = await ballot.prompt(fork, order, engine)
            names = [str(number) for number in range(1, len(order) + 1)]
            verdict = await judge(
                engine, question, _DEMAND, names, self.sampling, self.thinking_tokens
            )
            said = max(names, key=lambda name: verdict.probabilities[name])
            return verdict.as_answer(str(order[int(said) - 1]))

        return await think_side_by_side(list(orders), pick, engine)


def _rotated(group: Sequence[int], by: int) -> Sequence[int]:
    start = by % len(group)
    return [*group[start:], *group[:start]]


def _winner(group: Sequence[int], votes: Sequence[Branch]) -> int:
    """The candidate with the most votes; of equally many, or none, the first."""
    cast = Counter(vote.answer.value for vote in votes if vote.usable and vote.answer)
    return max(group, key=lambda candidate: cast[str(candidate)])
