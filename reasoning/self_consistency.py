"""Self-consistency: many threads from one context, the answer that most agree on (Wang et al. 2022).

          ┌─> sample-0 ─┐
context ──┼─> sample-1 ─┼─> majority
          └─> sample-n ─┘
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Engine, UsageError

from .answer import Answer
from .branching import remark_on_lost, require_candidates, think_side_by_side
from .chain_of_thought import ChainOfThought
from .method import Method
from .reducing.majority import Majority
from .reducing.reducer import Reducer


@dataclass(frozen=True, kw_only=True)
class SelfConsistency:
    """Forks the context, solves every fork, reduces the answers.

    Attributes:
        samples: The number of forks, at least 1.
        method: How each fork thinks.
        reducer: How the answers become one.
    """

    samples: int = 8
    method: Method = ChainOfThought()
    reducer: Reducer = Majority()

    def __post_init__(self) -> None:
        """Refuses to fork into nothing."""
        if self.samples < 1:
            raise UsageError(f"self-consistency with {self.samples} samples: at least 1 is needed")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in all forks at the same time.

        Raises:
            NoCandidates: Every fork failed.
        """
        forks = [context.fork(f"sample-{i}") for i in range(self.samples)]
        branches = await think_side_by_side(forks, self.method.solve, engine)
        candidates = require_candidates(branches, "samples")
        answer = await self.reducer.reduce(candidates, context, engine)
        return answer.after(branches, remark=remark_on_lost(branches, "samples"))
