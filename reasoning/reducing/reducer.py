"""The interface of reducers, and the simplest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engines import Context, Engine

from ..answer import Answer


class Reducer(Protocol):
    """Makes one answer of many."""

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Reduces at least one candidate to one answer.

        Args:
            candidates: In a fixed order, whatever the order in which they came.
            context: The question that they answer.
            engine: For reducers that ask the model.

        Returns:
            An answer whose usage and critical path are the reducer's own calls only.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class First:
    """The first candidate."""

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Takes the first."""
        return candidates[0].costless
