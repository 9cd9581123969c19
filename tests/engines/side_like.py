"""What is the same in all servers that stand in for a model beside the run's engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
from starlette.responses import JSONResponse, Response


class SideLike:
    """Counts requests, and answers the first ones otherwise if told to.

    Attributes:
        bodies: What was asked for, in order.
        peak: The most requests at once.
        answers: What is answered first, one after another, instead.
    """

    def __init__(self, answers: Sequence[Response], window: int) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.peak = 0
        self.answers = list(answers)
        self._window = window
        self._running = 0

    async def _otherwise(self, body: dict[str, Any]) -> Response | None:
        """Takes some time; gives the next of `answers`, if there is one."""
        self.bodies.append(body)
        self._running += 1
        self.peak = max(self.peak, self._running)
        await anyio.sleep(0.001)
        self._running -= 1
        return self.answers.pop(0) if self.answers else None

    def _too_long(self, texts: Sequence[str]) -> Response | None:
        """vLLM's refusal of inputs where one does not fit."""
        longest = max(map(len, texts))
        if longest <= self._window:
            return None
        message = (
            f"This model's maximum context length is {self._window} tokens. "
            f"However, your request has {longest} input tokens."
        )
        return JSONResponse({"error": {"message": message, "code": 400}}, status_code=400)
