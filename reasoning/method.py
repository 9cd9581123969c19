"""The interface of methods."""

from __future__ import annotations

from typing import Protocol

from engines import Context, Engine

from .answer import Answer


class Method(Protocol):
    """A way to think about a question."""

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks from `context`, which ends in the user's turn, and comes to an answer.

        Every call goes to `engine` and starts from `context`, so that branches share its KV cache.
        """
        ...
