"""A server that answers as vLLM's does with a pooling model: the reward of a text is its length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Judge = Callable[[str], Any]


def outcome(text: str) -> list[float]:
    """As a sequence classifier with one class answers."""
    return [float(len(text))]


def steps(text: str, tag: str = "<extra_0>") -> list[list[float]]:
    """As Qwen2.5-Math-PRM answers: two classes for each step tag."""
    lengths = [len(step) for step in text.split(tag)[:-1]]
    return [[1 - 1 / (1 + length), 1 / (1 + length)] for length in lengths]


class RewardLike:
    """The route `/pooling`.

    Attributes:
        bodies: What was asked for, in order.
        keys: The keys that were shown with it.
        peak: The most requests at once.
        answers: What is answered first, one after another, instead of rewards.
    """

    def __init__(
        self, judge: Judge = outcome, answers: Sequence[Response] = (), window: int = 1000
    ) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.peak = 0
        self.answers = list(answers)
        self._judge = judge
        self._window = window
        self._running = 0
        self.app = Starlette(routes=[Route("/pooling", self._pool, methods=["POST"])])

    async def _pool(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("authorization"))
        self._running += 1
        self.peak = max(self.peak, self._running)
        await anyio.sleep(0.001)
        self._running -= 1
        if self.answers:
            return self.answers.pop(0)
        return self._rewards(body)

    def _rewards(self, body: dict[str, Any]) -> Response:
        texts = _texts(body)
        longest = max(map(len, texts))
        if longest > self._window:
            message = (
                f"This model's maximum context length is {self._window} tokens. "
                f"However, your request has {longest} input tokens."
            )
            return JSONResponse({"error": {"message": message, "code": 400}}, status_code=400)
        tokens = sum(map(len, texts))
        return JSONResponse(pooling(*map(self._judge, texts), tokens=tokens))


def pooling(*data: Any, tokens: int = 0) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "id": "pool-1",
        "object": "list",
        "created": 1,
        "model": "reward",
        "data": [{"index": i, "object": "pooling", "data": item} for i, item in enumerate(data)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
    }


def _texts(body: dict[str, Any]) -> list[str]:
    if "messages" in body:
        return [body["messages"][-1]["content"]]
    return ["".join(map(chr, i)) if isinstance(i, list) else i for i in body["input"]]
