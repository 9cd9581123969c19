"""Small real HTTP servers on this machine."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from engines import Engine, Sampling, Usage, converse

MODELS = {"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "tests"}]}


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serves an app on a free port; gives its address."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def chat_app(engine: Engine) -> Starlette:
    """The chat completions API over an engine that works on text."""

    async def chat(request: Request) -> Response:
        body = await request.json()
        window = engine.capabilities.window or 0
        length = sum(len(message["content"]) for message in body["messages"])
        if length >= window:
            message = (
                f"This model's maximum context length is {window} tokens. "
                f"However, your messages resulted in {length} tokens."
            )
            return JSONResponse({"error": {"message": message}}, status_code=400)
        return event_response(_chat_events(engine, body))

    return Starlette(
        routes=[
            Route("/v1/models", lambda _: JSONResponse(MODELS)),
            Route("/v1/chat/completions", chat, methods=["POST"]),
        ]
    )


def event_response(events: AsyncIterator[dict[str, Any] | str]) -> StreamingResponse:
    """A response that streams these events; a text goes out as it is."""

    async def lines() -> AsyncIterator[str]:
        async for event in events:
            yield event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


def delta(text: str | None, finish_reason: str | None = None) -> dict[str, Any]:
    """An event of a chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return {"object": "chat.completion.chunk", "choices": [choice]}


async def _chat_events(engine: Engine, body: dict[str, Any]) -> AsyncIterator[dict[str, Any] | str]:
    messages = [(message["role"], message["content"]) for message in body["messages"]]
    context = await converse(engine, messages)
    sampling = Sampling(max_tokens=body["max_tokens"], stop=tuple(body.get("stop", ())))
    usage = Usage()
    async with engine.stream(context, sampling) as chunks:
        async for chunk in chunks:
            yield delta(chunk.text, chunk.finish_reason)
            usage = chunk.usage
    yield {
        "choices": [],
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.generated_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        },
    }
    yield "data: [DONE]\n\n"
