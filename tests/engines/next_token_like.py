"""A server that answers as vLLM's does with a model that judges steps by its next token. A token is a character.

The answers have the shape of vLLM 0.32.0, as it was seen on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.engines.side_like import SideLike

Logprobs = Mapping[str, float | None]
Judge = Callable[[str], Logprobs]


def shorter_is_better(prompt: str, tag: str = " ки") -> Logprobs:
    """A step of n characters is good with the probability 1 / n; the rest is bad."""
    step = prompt.removesuffix(tag).rpartition("\n")[2].rpartition("?")[2].strip()
    return {"+": math.log(1 / len(step)), "-": math.log(1 - 1 / len(step) + 1e-12)}


class NextTokenLike(SideLike):
    """The routes of a vLLM server that tokenize and generate.

    Attributes:
        prompts: What a next token was asked for after, in order; conversations as `shown` shows them.
        asked: The paths of all requests, those to tokenize too.
    """

    def __init__(
        self,
        judge: Judge = shorter_is_better,
        *,
        knows_ids: bool = True,
        answers: Sequence[Response] = (),
        window: int = 1000,
    ) -> None:
        super().__init__(answers, window)
        self.prompts: list[str] = []
        self.asked: list[str] = []
        self._judge = judge
        self._knows_ids = knows_ids
        self.app = Starlette(
            routes=[
                Route("/tokenize", self._tokenize, methods=["POST"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _tokenize(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(request.url.path)
        assert body["add_special_tokens"] is False
        tokens = list(map(ord, body["prompt"]))
        return JSONResponse({"count": len(tokens), "tokens": tokens, "token_strs": None})

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        return await self._sampled(request, body, body["prompt"], self._completion)

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        assert body["logprobs"] is True
        return await self._sampled(request, body, shown(body["messages"]), self._message)

    async def _sampled(
        self,
        request: Request,
        body: dict[str, Any],
        prompt: str,
        choice: Callable[[Sequence[tuple[str, float | None]]], dict[str, Any]],
    ) -> Response:
        self.asked.append(request.url.path)
        self.prompts.append(prompt)
        if otherwise := await self._otherwise(body):
            return otherwise
        if len(prompt) > self._window:
            message = (
                f"This model's maximum context length is {self._window} tokens. However, your prompt contains at "
                f"least {len(prompt)} input tokens, which exceeds this limit."
            )
            return JSONResponse({"error": {"message": message, "code": 400}}, status_code=400)
        assert (body["max_tokens"], body["temperature"]) == (1, 0)
        answer = {
            "choices": [choice(self._told(body, prompt))],
            "usage": {"prompt_tokens": len(prompt), "completion_tokens": 1},
        }
        return JSONResponse(answer)

    def _told(self, body: dict[str, Any], prompt: str) -> list[tuple[str, float | None]]:
        """The token that was sampled, and those that were asked for; of an older server the likeliest."""
        likely = self._judge(prompt)
        wanted = map(chr, body["logprob_token_ids"]) if self._knows_ids else iter(likely)
        found = {"#": -0.5} | {token: likely.get(token, -9999.0) for token in wanted}
        by_id = body["return_tokens_as_token_ids"]
        return [(f"token_id:{ord(t)}" if by_id else t, value) for t, value in found.items()]

    def _completion(self, told: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
        (first, value), *_ = told
        logprobs = {
            "text_offset": [0],
            "token_logprobs": [value],
            "tokens": [first],
            "top_logprobs": [dict(told)],
        }
        return {"index": 0, "text": "#", "logprobs": logprobs, "finish_reason": "length"}

    def _message(self, told: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
        top: list[dict[str, Any]] = [
            {"token": token, "logprob": value, "bytes": []} for token, value in told
        ]
        message = {"role": "assistant", "content": "#"}
        logprobs = {"content": [{**top[0], "top_logprobs": top}]}
        return {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "length"}


def shown(messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation in a chat template that opens the assistant's turn."""
    turns = [f"<{message['role']}>{message['content']}" for message in messages]
    return "".join([*turns, "<assistant>"])
