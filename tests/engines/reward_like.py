"""A server that answers as vLLM's does with a pooling model: the reward of a text is its length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.engines.side_like import SideLike

Judge = Callable[[str], Any]


def outcome(text: str) -> list[float]:
    """As a sequence classifier with one class answers."""
    return [float(len(text))]


def steps(text: str, tag: str = "<extra_0>") -> list[list[float]]:
    """As Qwen2.5-Math-PRM answers: two classes for each step tag."""
    lengths = [len(step) for step in text.split(tag)[:-1]]
    return [[1 - 1 / (1 + length), 1 / (1 + length)] for length in lengths]


class RewardLike(SideLike):
    """The route `/pooling`.

    Attributes:
        keys: The keys that were shown with each request.
    """

    def __init__(
        self, judge: Judge = outcome, answers: Sequence[Response] = (), window: int = 1000
    ) -> None:
        super().__init__(answers, window)
        self.keys: list[str | None] = []
        self._judge = judge
        self.app = Starlette(routes=[Route("/pooling", self._pool, methods=["POST"])])

    async def _pool(self, request: Request) -> Response:
        body = await request.json()
        self.keys.append(request.headers.get("authorization"))
        if answer := await self._otherwise(body):
            return answer
        texts = _texts(body)
        if refusal := self._too_long(texts):
            return refusal
        return JSONResponse(pooling(*map(self._judge, texts), tokens=sum(map(len, texts))))


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
