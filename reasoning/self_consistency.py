"""Self-consistency: many threads from one context, the answer that most agree on (Wang et al. 2022).

          ┌─> sample-0 ─┐                     ┌─> sample-0 ─> vote ─> decided? ─┐
context ──┼─> sample-1 ─┼─> majority          ├─> sample-1 ─> vote ─> decided! ─┼─> majority
          └─> sample-n ─┘            context ─┴─> sample-n, aborted             ┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engines import Context, Engine, UsageError

from .answer import Answer, Branch
from .branching import (
    remark_on_lost,
    remark_on_unanswered,
    require_candidates,
    require_width,
    think_in_order,
    think_side_by_side,
)
from .chain_of_thought import ChainOfThought
from .equality import Equality, equal
from .method import Method
from .reducing.majority import Majority
from .reducing.reducer import Reducer
from .scoring.reading_logprobs import with_logprobs_for
from .voting.stopping import Never, StoppingRule, reason_of
from .voting.tally import Tally


@dataclass(frozen=True, kw_only=True)
class SelfConsistency:
    """Forks the context, solves every fork, reduces the answers.

    With a stopping rule the answers vote in the order of the samples, and when the rule calls the vote decided, what
    still runs is aborted. So the result does not depend on which sample ends first.

    Attributes:
        samples: The number of forks, 1 to 10,000.
        method: How each fork thinks.
        reducer: How the answers become one. Where it reads confidences, the forks are asked for logprobs.
        stop: When the vote is decided before all have voted.
        in_flight: How many think at once, at least 1. None is all, or half of them with a stopping rule: as a vote is
            mostly decided by the first half, that takes no longer than the full vote, and saves most of the rest.
        equality: Tells the rule whether two answers are the same, as the reducer should see them.
    """

    samples: int = 8
    method: Method = ChainOfThought()
    reducer: Reducer = Majority()
    stop: StoppingRule = Never()
    in_flight: int | None = None
    # A function is shown by its address, which would make equal configurations differ.
    equality: Equality = field(default=equal, repr=False)

    def __post_init__(self) -> None:
        """Refuses to fork into nothing or too many, and to think of nothing at once."""
        require_width(self.samples, "self-consistency with {} samples")
        if self.in_flight is not None and self.in_flight < 1:
            raise UsageError(f"{self.in_flight} samples in flight never end: at least 1 is needed")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in the forks, all of them or until the vote is decided.

        Raises:
            NoCandidates: Every fork failed.
        """
        forks = [context.fork(f"sample-{i}") for i in range(self.samples)]
        telling = with_logprobs_for(self.reducer, engine)
        if self._at_once >= self.samples and isinstance(self.stop, Never):
            branches = await think_side_by_side(forks, self.method.solve, telling)
        else:
            branches = await self._until_decided(forks, telling)
        candidates = require_candidates(branches, "samples")
        answer = await self.reducer.reduce(candidates, context, engine)
        remark = "; ".join(filter(None, self._remarks(branches, candidates)))
        return answer.after(branches, remark=remark, in_flight=self._at_once)

    @property
    def _at_once(self) -> int:
        if self.in_flight is not None:
            return self.in_flight
        return self.samples if isinstance(self.stop, Never) else (self.samples + 1) // 2

    async def _until_decided(self, forks: Sequence[Context], engine: Engine) -> list[Branch]:
        tally = Tally(self.equality)

        async def enough(first: Sequence[Branch]) -> bool:
            last = first[-1]
            await tally.add(last.answer.value if last.usable and last.answer else None)
            return self.stop.decided(tally.votes, self.samples)

        return await think_in_order(
            forks, self.method.solve, engine, enough, in_flight=self._at_once
        )

    def _remarks(self, branches: Sequence[Branch], candidates: Sequence[Answer]) -> list[str]:
        used = sum(branch.status != "cancelled" for branch in branches)
        remarks = [remark_on_lost(branches, "samples")]
        if used < self.samples:
            remarks.append(f"{used} of {self.samples} samples were used: {reason_of(self.stop)}")
        elif not isinstance(self.stop, Never):
            remarks.append(f"all {self.samples} samples were used")
        return [*remarks, remark_on_unanswered(candidates, "samples")]
