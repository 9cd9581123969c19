"""The interface of scorers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engines import Context, Engine, Usage

from ..answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good some candidates are.

    Attributes:
        values: One for each candidate, in their order; higher is better. Never NaN: what cannot be scored has the
            scorer's least value.
        usage: What it took.
        critical_path: Tokens generated one after another for it.
        remark: What a reader should know, such as candidates that could not be scored; empty if nothing.
    """

    values: tuple[float, ...]
    usage: Usage = Usage()
    critical_path: int = 0
    remark: str = ""


class Scorer(Protocol):
    """Says how good answers are, finished or not: best-of-n, weighted votes and tree search stand on it."""

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Scores all candidates, side by side where it asks a model.

        Args:
            candidates: In a fixed order.
            context: The question that they answer, which ends in the user's turn.
            engine: For scorers that ask the model.
        """
        ...
