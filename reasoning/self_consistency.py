"""Self-consistency: many threads from one context, the answer that most agree on (Wang et al. 2022).

          ┌─> sample-0 ─┐
context ──┼─> sample-1 ─┼─> majority
          └─> sample-n ─┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from engines import Context, Engine, Outcome, UsageError, join

from .answer import Answer, reduced
from .chain_of_thought import ChainOfThought
from .errors import NoCandidates
from .method import Method
from .reducers import Majority, Reducer


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
        outcomes = await join([partial(self.method.solve, fork, engine) for fork in forks])
        candidates = [outcome.value for outcome in outcomes if outcome.value is not None]
        if not candidates:
            raise NoCandidates(
                f"all {self.samples} samples failed, the first: {outcomes[0].reason}"
            )
        answer = await self.reducer.reduce(candidates, context, engine)
        return replace(reduced(answer, candidates), remark=_remark(outcomes))


def _remark(outcomes: Sequence[Outcome[Answer]]) -> str:
    """How many samples were lost, and the first cause."""
    reasons = [outcome.reason for outcome in outcomes if not outcome.usable]
    if not reasons:
        return ""
    return f"{len(reasons)} of {len(outcomes)} samples were lost, the first: {reasons[0]}"
