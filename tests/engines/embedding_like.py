"""A server that answers as vLLM's does with an embedding model: a text is its length and a one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.engines.side_like import SideLike

Embed = Callable[[str], Any]


def length(text: str) -> list[float]:
    """What a text means."""
    return [float(len(text)), 1.0]


class EmbeddingLike(SideLike):
    """The route `/v1/embeddings`."""

    def __init__(
        self,
        embed: Embed = length,
        answers: Sequence[Response] = (),
        window: int = 1000,
        *,
        cuts: bool = True,
    ) -> None:
        super().__init__(answers, window)
        self._embed = embed
        self._cuts = cuts
        self.app = Starlette(routes=[Route("/v1/embeddings", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        if answer := await self._otherwise(body):
            return answer
        texts = body["input"]
        if self._cuts and body.get("truncate_prompt_tokens") == -1:
            texts = [text[: self._window] for text in texts]
        if refusal := self._too_long(texts):
            return refusal
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
