"""The interface of scorers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engines import Context, Engine, Usage, UsageError

from ..answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good some candidates are.

    NaN is no score: it compares with nothing, so that it would decide by its place. It becomes the least there is, and
    the remark says so.

    Attributes:
        values: One for each candidate, in their order; higher is better. What cannot be scored has the scorer's least
            value.
        usage: What it took of the engine.
        critical_path: Tokens generated one after another for it.
        remark: What a reader should know, such as candidates that could not be scored; empty if nothing.
    """

    values: tuple[float, ...]
    usage: Usage = Usage()
    critical_path: int = 0
    remark: str = ""

    def __post_init__(self) -> None:
        """Puts the least in the place of NaN."""
        lost = sum(map(math.isnan, self.values))
        if lost:
            known = tuple(-math.inf if math.isnan(value) else value for value in self.values)
            told = f"{lost} of {len(known)} scores are NaN, and count as the least"
            object.__setattr__(self, "values", known)
            object.__setattr__(self, "remark", "; ".join(filter(None, (self.remark, told))))


class Scorer(Protocol):
    """Says how good answers are, finished or not: best-of-n, weighted votes and tree search stand on it.

    One that can be made before it is complete says in an attribute `problem` what it needs, and what would ask it
    refuses it.
    """

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Scores all candidates, side by side where it asks a model.

        Args:
            candidates: In a fixed order.
            context: The question that they answer, which ends in the user's turn. Two calls need contexts of different
                names.
            engine: For scorers that ask the model.
        """
        ...


def require_ready(scorer: Scorer) -> None:
    """Refuses a scorer that can score nothing, before anything is paid for that it is to score.

    Raises:
        UsageError: It says that it needs something.
    """
    problem = getattr(scorer, "problem", "")
    if problem:
        raise UsageError(problem)


async def scores_of(
    scorer: Scorer, candidates: Sequence[Answer], context: Context, engine: Engine
) -> Scores:
    """The scores of candidates, one for each.

    Raises:
        UsageError: The scorer gave more or fewer.
    """
    scores = await scorer.score(candidates, context, engine)
    if len(scores.values) != len(candidates):
        raise UsageError(
            f"{type(scorer).__name__} scored {len(scores.values)} of {len(candidates)} candidates: give one value for "
            f"each"
        )
    return scores
