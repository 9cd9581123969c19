"""Best-of-n: many threads from one context, the answer that a scorer likes most (Cobbe et al. 2021).

          ┌─> sample-0 ─> score ─┐
context ──┼─> sample-1 ─> score ─┼─> best
          └─> sample-n ─> score ─┘
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Engine, UsageError

from .answer import Answer
from .branching import remark_on_lost, require_candidates, think_side_by_side
from .chain_of_thought import ChainOfThought
from .method import Method
from .reducing.best import Best
from .scoring.scorer import Scorer
from .scoring.verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """Forks the context, solves every fork, scores the answers together, takes the best.

    With `WeightedMajority` as the reducer of `SelfConsistency`, equal answers add up their scores instead.

    Attributes:
        samples: The number of forks, at least 1.
        method: How each fork thinks.
        scorer: How good each answer is.
    """

    samples: int = 8
    method: Method = ChainOfThought()
    scorer: Scorer = Verifier()

    def __post_init__(self) -> None:
        """Refuses to fork into nothing."""
        if self.samples < 1:
            raise UsageError(f"best-of-n with {self.samples} samples: at least 1 is needed")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in all forks at the same time, then scores.

        Raises:
            NoCandidates: Every fork failed.
        """
        forks = [context.fork(f"sample-{i}") for i in range(self.samples)]
        branches = await think_side_by_side(forks, self.method.solve, engine)
        candidates = require_candidates(branches, "samples")
        answer = await Best(scorer=self.scorer).reduce(candidates, context, engine)
        return answer.after(branches, remark=remark_on_lost(branches, "samples"))
