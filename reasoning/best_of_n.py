"""Best-of-n: many threads from one context, the answer that a scorer likes most (Cobbe et al. 2021).

          ┌─> sample-0 ─> score ─┐
context ──┼─> sample-1 ─> score ─┼─> best
          └─> sample-n ─> score ─┘
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Engine

from .answer import Answer
from .branching import remark_on_lost, require_candidates, require_width, think_side_by_side
from .chain_of_thought import ChainOfThought
from .method import Method
from .reducing.best import Best
from .scoring.reading_logprobs import with_logprobs_for
from .scoring.scorer import Scorer, require_ready
from .scoring.verifier import Verifier


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """Forks the context, solves every fork, scores the answers together, takes the best.

    With `WeightedMajority` as the reducer of `SelfConsistency`, equal answers add up their scores instead.

    Attributes:
        samples: The number of forks, 1 to 10,000.
        method: How each fork thinks.
        scorer: How good each answer is. Where it reads confidences, the forks are asked for logprobs.
    """

    samples: int = 8
    method: Method = ChainOfThought()
    scorer: Scorer = Verifier()

    def __post_init__(self) -> None:
        """Refuses to fork into nothing or too many, and a scorer that is not ready."""
        require_width(self.samples, "best-of-n with {} samples")
        require_ready(self.scorer)

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in all forks at the same time, then scores.

        Raises:
            NoCandidates: Every fork failed.
        """
        forks = [context.fork(f"sample-{i}") for i in range(self.samples)]
        telling = with_logprobs_for(self.scorer, engine)
        branches = await think_side_by_side(forks, self.method.solve, telling)
        candidates = require_candidates(branches, "samples")
        answer = await Best(scorer=self.scorer).reduce(candidates, context, engine)
        return answer.after(branches, remark=remark_on_lost(branches, "samples"))
