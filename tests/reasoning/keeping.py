"""An engine that keeps decisions as a journal does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from engines import Engine, EngineWrapper

T = TypeVar("T")


class Deciding(EngineWrapper):
    """Keeps decisions as a journal does.

    Attributes:
        decided: What was decided, as JSON, by its name.
    """

    def __init__(self, inner: Engine) -> None:
        super().__init__(inner)
        self.decided: dict[str, str] = {}

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        if path not in self.decided:
            self.decided[path] = json.dumps(await choose())
        kept: T = json.loads(self.decided[path])
        return kept
