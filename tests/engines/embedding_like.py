"""A server that answers as vLLM's does with an embedding model: a text is its length and a one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Embed = Callable[[str], Any]


def length(text: str) -> list[float]:
    """What a text means."""
    return [float(len(text)), 1.0]


class EmbeddingLike:
    """The route `/v1/embeddings`.

    Attributes:
        bodies: What was asked for, in order.
        peak: The most requests at once.
        answers: What is answered first, one after another, instead of embeddings.
    """

    def __init__(
        self,
        embed: Embed = length,
        answers: Sequence[Response] = (),
        window: int = 1000,
        *,
        cuts: bool = True,
    ) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.peak = 0
        self.answers = list(answers)
        self._embed = embed
        self._window = window
        self._cuts = cuts
        self._running = 0
        self.app = Starlette(routes=[Route("/v1/embeddings", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self._running += 1
        self.peak = max(self.peak, self._running)
        await anyio.sleep(0.001)
        self._running -= 1
        if self.answers:
            return self.answers.pop(0)
        texts = body["input"]
        if self._cuts and body.get("truncate_prompt_tokens") == -1:
            texts = [text[: self._window] for text in texts]
        longest = max(map(len, texts))
        if longest > self._window:
            message = (
                f"This model's maximum context length is {self._window} tokens. "
                f"However, your request has {longest} input tokens."
            )
            return JSONResponse({"error": {"message": message, "code": 400}}, status_code=400)
        return JSONResponse(embedded(*map(self._embed, texts), tokens=sum(map(len, texts))))


def embedded(*data: Any, tokens: int = 0) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "id": "embd-1",
        "object": "list",
        "created": 1,
        "model": "embedder",
        "data": [
            {"index": i, "object": "embedding", "embedding": item} for i, item in enumerate(data)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
    }
