"""Small real HTTP servers on this machine."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from engines import Context, Engine, Sampling, TokenLogprobs, Usage, converse

MODELS = {"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "tests"}]}


Handler = Callable[[Request], Awaitable[Response]]


class _Server(uvicorn.Server):
    """Ends at once. Uvicorn takes 0.2 s, for which hundreds of tests would wait."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 -- another thread sets it
            await anyio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()


@contextmanager
def serving(app: ASGIApp, port: int = 0, certificate: Path | None = None) -> Iterator[str]:
    """Serves an app, on a free port unless one is given, with TLS if there is a certificate; gives its address."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        ws="none",
        ssl_certfile=certificate,
        # Who asks again may take long on a busy machine.
        timeout_keep_alive=300,
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def answering(response: Response) -> Handler:
    """Answers always the same."""

    async def handle(request: Request) -> Response:
        return response

    return handle


def streaming(*parts: dict[str, Any] | str) -> Handler:
    """Streams always the same events."""

    async def handle(request: Request) -> Response:
        return event_response(each(parts))

    return handle


async def each(parts: Iterable[dict[str, Any] | str]) -> AsyncIterator[dict[str, Any] | str]:
    """The parts, one by one."""
    for part in parts:
        yield part


def app(chat: Handler | None = None, models: Handler | None = None) -> Starlette:
    """A server of chat completions with these handlers; without, it lists one model and has no completions."""
    unused = answering(JSONResponse({}, status_code=404))
    return Starlette(
        routes=[
            Route("/v1/models", models or answering(JSONResponse(MODELS))),
            Route("/v1/chat/completions", chat or unused, methods=["POST"]),
        ]
    )


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
        if body["stream"]:
            return event_response(_chat_events(engine, body))
        return await unless_it_leaves(request, lambda: _chat_answer(engine, body))

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


def delta(
    text: str | None, finish_reason: str | None = None, logprobs: Sequence[TokenLogprobs] = ()
) -> dict[str, Any]:
    """An event of a chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return {"object": "chat.completion.chunk", "choices": [choice | _told(logprobs)]}


def message(
    text: str, finish_reason: str | None = "stop", logprobs: Sequence[TokenLogprobs] = ()
) -> dict[str, Any]:
    """A chat completion as a whole."""
    said = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": said, "finish_reason": finish_reason}
    return {"object": "chat.completion", "choices": [choice | _told(logprobs)]}


def _told(logprobs: Sequence[TokenLogprobs]) -> dict[str, Any]:
    """What a choice says of logprobs; nothing without them, as servers do that do not know them."""
    if not logprobs:
        return {}
    content = [
        {
            "token": place.chosen.text,
            "logprob": place.chosen.value,
            "top_logprobs": [{"token": top.text, "logprob": top.value} for top in place.top],
        }
        for place in logprobs
    ]
    return {"logprobs": {"content": content}}


def usage_of(usage: Usage) -> dict[str, Any]:
    """A usage as servers write it."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.generated_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


async def unless_it_leaves(
    request: Request, answer: Callable[[], Awaitable[dict[str, Any]]]
) -> Response:
    """Answers with JSON; gives the work up when the client closes the connection."""
    found: list[dict[str, Any]] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(watch)
        found.append(await answer())
        group.cancel_scope.cancel()
    return JSONResponse(found[0]) if found else Response(status_code=499)


async def _chat_answer(engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
    context, sampling = await _asked(engine, body)
    completion = await engine.generate(context, sampling)
    return message(completion.text, completion.finish_reason, completion.logprobs) | {
        "usage": usage_of(completion.usage)
    }


async def _chat_events(engine: Engine, body: dict[str, Any]) -> AsyncIterator[dict[str, Any] | str]:
    context, sampling = await _asked(engine, body)
    usage = Usage()
    async with engine.stream(context, sampling) as chunks:
        async for chunk in chunks:
            yield delta(chunk.text, chunk.finish_reason, chunk.logprobs)
            usage = chunk.usage
    yield {"choices": [], "usage": usage_of(usage)}
    yield "data: [DONE]\n\n"


async def _asked(engine: Engine, body: dict[str, Any]) -> tuple[Context, Sampling]:
    messages = [(message["role"], message["content"]) for message in body["messages"]]
    sampling = Sampling(
        max_tokens=body["max_tokens"],
        stop=tuple(body.get("stop", ())),
        logprobs=body["top_logprobs"] if body.get("logprobs") else None,
    )
    return await converse(engine, messages), sampling
