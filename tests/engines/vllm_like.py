"""A server that answers as vLLM's does, over an engine with token ids in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engines import (
    Choice,
    Chunk,
    Constraint,
    Context,
    Engine,
    Grammar,
    JsonSchema,
    Logprob,
    Regex,
    Sampling,
    Segment,
    TokenLogprobs,
    Usage,
)
from tests.engines.servers import event_response, unless_it_leaves, usage_of

MODELS = {"data": [{"id": "fake", "owned_by": "vllm", "max_model_len": 2048}]}


class VllmLike:
    """The routes of a vLLM server.

    Attributes:
        bodies: The completions asked for, in order.
        tokenized: How often texts and conversations were to be made tokens, and tokens a text.
    """

    def __init__(self, engine: Engine, refused: frozenset[str] = frozenset()) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.tokenized = 0
        self._engine = engine
        self._refused = refused
        self.app = Starlette(
            routes=[
                Route("/v1/models", lambda _: JSONResponse(MODELS)),
                Route("/v1/completions", self._complete, methods=["POST"]),
                Route("/tokenize", self._tokenize, methods=["POST"]),
                Route("/detokenize", self._detokenize, methods=["POST"]),
                Route("/metrics", self._metrics),
            ]
        )

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        for name in sorted(self._refused & set(body)):
            message = f"Extra inputs are not permitted: {name}"
            return JSONResponse({"error": {"message": message}}, status_code=400)
        if body["stream"]:
            return event_response(self._events(body))
        return await unless_it_leaves(request, lambda: self._answer(body))

    async def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        context, sampling = _asked(body)
        completion = await self._engine.generate(context, sampling)
        choice = {
            "text": completion.text,
            "token_ids": completion.token_ids,
            "prompt_token_ids": body["prompt"],
            "finish_reason": completion.finish_reason,
            "stop_reason": completion.stop_reason,
            "logprobs": _logprobs(completion.logprobs, sampling),
        }
        return {"choices": [choice], "usage": usage_of(completion.usage)}

    async def _events(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any] | str]:
        usage = Usage()
        context, sampling = _asked(body)
        async with self._engine.stream(context, sampling) as chunks:
            async for chunk in chunks:
                yield {"choices": [_choice(chunk, sampling)]}
                usage = chunk.usage
        yield {"choices": [], "usage": usage_of(usage)}
        yield "data: [DONE]\n\n"

    async def _tokenize(self, request: Request) -> Response:
        self.tokenized += 1
        body = await request.json()
        text = body.get("prompt")
        if text is None:
            turns = [f"<|{turn['role']}|>{turn['content']}" for turn in body["messages"]]
            text = "".join(turns) + "<|assistant|>" * body["add_generation_prompt"]
        return JSONResponse({"tokens": [ord(character) for character in text], **_WINDOW})

    async def _detokenize(self, request: Request) -> Response:
        self.tokenized += 1
        return JSONResponse({"prompt": "".join(map(chr, (await request.json())["tokens"]))})

    async def _metrics(self, request: Request) -> Response:
        found = await self._engine.statistics()
        lines = [
            f"vllm:num_requests_running {found.running}",
            f"vllm:num_requests_waiting {found.waiting}",
            f"vllm:prompt_tokens_total {found.prompt_tokens}",
            f"vllm:generation_tokens_total {found.generated_tokens}",
            f'vllm:cache_config_info{{block_size="{self._engine.capabilities.block_size}"}} 1.0',
        ]
        return PlainTextResponse("\n".join(lines))


_WINDOW = {"max_model_len": 2048}


def _choice(chunk: Chunk, sampling: Sampling) -> dict[str, Any]:
    return {
        "text": chunk.text,
        "token_ids": chunk.token_ids,
        "finish_reason": chunk.finish_reason,
        "stop_reason": chunk.stop_reason,
        "logprobs": _logprobs(chunk.logprobs, sampling),
    }


def _logprobs(places: Sequence[TokenLogprobs], sampling: Sampling) -> dict[str, Any] | None:
    """As vLLM writes them: the chosen token first, and beyond the likeliest where it is none of them."""
    if sampling.logprobs is None:
        return None
    return {
        "text_offset": [0] * len(places),
        "tokens": [place.chosen.text for place in places],
        "token_logprobs": [_told(place.chosen) for place in places],
        "top_logprobs": [
            {token.text: _told(token) for token in (place.chosen, *place.top)} for place in places
        ],
    }


def _told(token: Logprob) -> float:
    return max(token.value, -9999.0)


def _asked(body: dict[str, Any]) -> tuple[Context, Sampling]:
    sampling = Sampling(
        max_tokens=body["max_tokens"],
        stop=tuple(body.get("stop", ())),
        ignore_eos=body["ignore_eos"],
        constraint=_constraint(body.get("structured_outputs")),
        logprobs=body.get("logprobs"),
    )
    return Context(Segment("user", "", tuple(body["prompt"]))), sampling


def _constraint(asked: dict[str, Any] | None) -> Constraint | None:
    if asked is None:
        return None
    ((kind, value),) = asked.items()
    if kind == "choice":
        return Choice(options=tuple(value))
    if kind == "regex":
        return Regex(pattern=value)
    return JsonSchema(definition=value) if kind == "json" else Grammar(rules=value)
