"""An engine whose calls stand beneath a name: what two runs inside one run ask alike is told apart by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from engines import STREAMED, Chunk, Context, Delivery, Engine, EngineWrapper, Sampling, Segment

T = TypeVar("T")


class PrefixedEngine(EngineWrapper):
    """Puts a name before the paths of all calls and decisions; whoever calls does not see it.

    Args:
        inner: Sees the paths with the name.
        prefix: The name.
    """

    def __init__(self, inner: Engine, prefix: str) -> None:
        super().__init__(inner)
        self._prefix = prefix

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The inner engine's stream."""
        return self.inner.stream(beneath(self._prefix, context), sampling, delivery)

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        """The inner engine's decision."""
        return await self.inner.decide(f"{self._prefix}/{path}", choose)

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        """What the inner engine has of it."""
        return await self.inner.unfinished(beneath(self._prefix, context), sampling)


def beneath(name: str, context: Context) -> Context:
    """The same conversation on a path that begins with `name`.

    >>> root = Context(Segment("user", "2 + 2?", (5, 6)), name="root")
    >>> beneath("3", root).path, beneath("3", root).token_ids
    ('3/root', (5, 6))
    """
    first = context.lineage[0].segment
    ids = None if first.token_ids is None else ()
    moved = Context(Segment(first.role, "", ids), None, name)
    for node in context.lineage:
        moved = Context(node.segment, moved, node.name)
    return moved
