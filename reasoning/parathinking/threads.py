"""How some threads begin, think, and become one answer: with tags of the model's own, or as any model can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engines import Context, Engine

from ..branching import Think
from ..method import Method
from ..reducing.reducer import Reducer


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Threads that have not begun.

    Attributes:
        start: What all of them, and what reduces them, go on from.
        forks: Where each begins.
        think: How each thinks.
        reducer_of: What makes one answer of the threads of these numbers.
    """

    start: Context
    forks: Sequence[Context]
    think: Think
    reducer_of: Callable[[Sequence[int]], Reducer]


async def plain_threads(
    hints: Sequence[str], method: Method, reducer: Reducer, context: Context, engine: Engine
) -> Threads:
    """Threads of any model: one for each hint, which the user adds to the question; empty for nothing."""
    forks = [
        context.fork(
            f"thread-{i}",
            await engine.encode(f"\n\n{hint}", role="user", after=context) if hint else None,
        )
        for i, hint in enumerate(hints)
    ]
    return Threads(start=context, forks=forks, think=method.solve, reducer_of=lambda read: reducer)
