"""The HTTP engine against small servers that answer in the ways that servers do."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from engines import (
    CapabilityMissing,
    Completion,
    ContextTooLong,
    EngineError,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Grammar,
    HttpEngine,
    JsonSchema,
    NotAnEngine,
    RequestRejected,
    Sampling,
    UsageError,
    converse,
    join,
)
from engines.wire_formats import EventDecoder
from tests.engines.servers import MODELS, chat_app, delta, event_response, serving

pytestmark = pytest.mark.anyio

Handler = Callable[[Request], Awaitable[Response]]


def answering(response: Response) -> Handler:
    async def handle(request: Request) -> Response:
        return response

    return handle


def events(*parts: dict[str, Any] | str) -> Handler:
    async def handle(request: Request) -> Response:
        return event_response(_each(parts))

    return handle


async def _each(parts: tuple[dict[str, Any] | str, ...]) -> AsyncIterator[dict[str, Any] | str]:
    for part in parts:
        yield part


def app(chat: Handler | None = None, models: Handler | None = None) -> Starlette:
    unused = answering(JSONResponse({}, status_code=404))
    return Starlette(
        routes=[
            Route("/v1/models", models or answering(JSONResponse(MODELS))),
            Route("/v1/chat/completions", chat or unused, methods=["POST"]),
        ]
    )


async def ask(engine: HttpEngine, sampling: Sampling | None = None) -> Completion:
    context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    return await engine.generate(context, sampling or Sampling())


async def test_no_server_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(EngineUnavailable, match=f"nothing answers at {url}") as caught:
            await HttpEngine.open(url)
    assert caught.value.retryable


async def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(EngineUnavailable, match=r"nothing answers at http://nowhere\.invalid"):
        await HttpEngine.open("http://nowhere.invalid/v1")


@pytest.mark.parametrize("url", ["", "ftp://host/v1", "http://", "http://host:port"])
async def test_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="is no server's address"):
        HttpEngine(url)


NO_MODELS = "no list of models"
NO_API = "it usually ends in /v1"


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (HTMLResponse("<h1>hello</h1>"), NotAnEngine, NO_API),
        (HTMLResponse("<h1>no</h1>", 404), NotAnEngine, NO_API),
        (JSONResponse([1, 2]), NotAnEngine, NO_API),
        (JSONResponse({"hello": "world"}), NotAnEngine, NO_MODELS),
        (JSONResponse({"data": ["x"]}), NotAnEngine, NO_MODELS),
        (JSONResponse({"data": []}), UsageError, "no single model"),
        (
            RedirectResponse("https://elsewhere/v1"),
            NotAnEngine,
            "redirects to https://elsewhere/v1",
        ),
        (JSONResponse({"error": {"message": "bad key"}}, 401), RequestRejected, "OPENAI_API_KEY"),
        (HTMLResponse("forbidden", 403), RequestRejected, "OPENAI_API_KEY"),
        (JSONResponse({"error": "slow down"}, 429), EngineUnavailable, "429: slow down"),
        (HTMLResponse("bad gateway", 502), EngineUnavailable, "502: bad gateway"),
        (JSONResponse({"detail": "no such route"}, 404), RequestRejected, "no such route"),
    ],
)
async def test_answers_that_are_no_models(
    response: Response, error: type[ForkjoinError], message: str
) -> None:
    with serving(app(models=answering(response))) as url, pytest.raises(error) as caught:
        await HttpEngine.open(url)
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_an_unknown_model() -> None:
    with serving(app()) as url, pytest.raises(UsageError, match=r"'gpt'.*\(fake\)"):
        await HttpEngine.open(url, "gpt")


async def test_several_models() -> None:
    models = JSONResponse({"data": [{"id": "a"}, {"id": "b"}, {"id": "c", "parent": "a"}]})
    with serving(app(models=answering(models))) as url:
        with pytest.raises(UsageError, match=r"choose one of its models \(a, b, c\)"):
            await HttpEngine.open(url)
        async with HttpEngine(url, "b") as engine:
            assert engine.model == "b"


@pytest.mark.parametrize(
    ("chat", "error", "message"),
    [
        (answering(JSONResponse({"message": "no"}, 400)), RequestRejected, "request: no"),
        (answering(JSONResponse({"error": {"message": "busy"}}, 503)), EngineUnavailable, "busy"),
        (answering(JSONResponse({"choices": []})), NotAnEngine, NO_API),
        (events(delta("a"), "data: {broken\n\n"), NotAnEngine, "without JSON"),
        (events(delta("a")), EngineUnavailable, "in the middle"),
        (events(delta("a"), "data: [DONE]\n\n"), EngineUnavailable, "in the middle"),
        (events({"error": {"message": "bad", "code": 400}}), RequestRejected, "request: bad"),
        (events({"error": {"message": "gone"}}), EngineUnavailable, "500: gone"),
        (events(delta(None, "content_filter")), EngineError, "content_filter"),
    ],
)
async def test_answers_that_are_no_completion(
    chat: Handler, error: type[ForkjoinError], message: str
) -> None:
    with serving(app(chat)) as url:
        async with HttpEngine(url) as engine:
            with pytest.raises(error) as caught:
                await ask(engine)
            assert (await engine.statistics()).running == 0
    assert type(caught.value) is error
    assert message in str(caught.value)


async def test_a_connection_that_breaks() -> None:
    async def breaking() -> AsyncIterator[dict[str, Any] | str]:
        yield delta("a")
        raise ConnectionError

    async def chat(request: Request) -> Response:
        return event_response(breaking())

    with serving(app(chat)) as url:
        async with HttpEngine(url) as engine:
            with pytest.raises(EngineUnavailable, match="broke off the connection"):
                await ask(engine)


async def test_a_stream_that_goes_idle() -> None:
    async def idle() -> AsyncIterator[dict[str, Any] | str]:
        yield delta("a")
        await anyio.sleep_forever()

    async def chat(request: Request) -> Response:
        return event_response(idle())

    with serving(app(chat)) as url:
        async with HttpEngine(url, idle_seconds=0.1) as engine:
            with pytest.raises(EngineUnavailable, match=r"sent nothing for 0\.1 s"):
                await ask(engine)


async def test_a_context_beyond_the_window_of_a_text_server() -> None:
    with serving(chat_app(FakeEngine(text_only=True, window=5))) as url:
        async with HttpEngine(url) as engine:
            with pytest.raises(ContextTooLong) as caught:
                await ask(engine)
    assert (caught.value.tokens, caught.value.window) == (6, 5)


async def test_what_a_text_server_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = []
    keys = []

    async def chat(request: Request) -> Response:
        bodies.append(await request.json())
        keys.append(request.headers["authorization"])
        return event_response(_each((delta("4"), delta(None, "stop"))))

    monkeypatch.setenv("OPENAI_API_KEY", "secret\n")
    with serving(app(chat)) as url:
        async with HttpEngine(f"{url}/v1/") as engine:
            completion = await ask(engine, Sampling(max_tokens=9, seed=1, stop=("x",), top_k=5))
    assert completion.text == "4"
    assert completion.token_ids == ()
    assert keys == ["Bearer secret"]
    assert bodies == [
        {
            "model": "fake",
            "messages": [{"role": "user", "content": "2 + 2?"}],
            "max_tokens": 9,
            "temperature": 0.7,
            "top_p": 1.0,
            "seed": 1,
            "stop": ["x"],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


async def test_a_server_without_usage() -> None:
    chat = events(": a comment\n\n", delta(""), delta("4"), delta("2"), delta(None, "length"))
    with serving(app(chat)) as url:
        async with HttpEngine(url) as engine:
            completion = await ask(engine)
            statistics = await engine.statistics()
    assert completion.text == "42"
    assert completion.finish_reason == "length"
    assert completion.usage.generated_tokens == statistics.generated_tokens == 2
    assert completion.usage.cached_tokens is None
    assert completion.usage.lower_bound


async def test_usage_of_a_server_that_tells_it() -> None:
    with serving(chat_app(FakeEngine("four", text_only=True))) as url:
        async with HttpEngine(url) as engine:
            usage = (await ask(engine)).usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens) == (6, 0, 4)
    assert not usage.lower_bound


async def test_what_needs_ids_says_so() -> None:
    with serving(app()) as url:
        async with HttpEngine(url) as engine:
            context = await converse(engine, [("user", "2 + 2?"), ("assistant", "It is ")])
            with pytest.raises(CapabilityMissing, match="cannot continue the model's own turn"):
                await engine.generate(context, Sampling())
            with pytest.raises(CapabilityMissing, match="cannot decode ids"):
                await engine.decode([1])
            with pytest.raises(CapabilityMissing, match="grammar constraint"):
                await ask(engine, Sampling(constraint=Grammar(rules='root ::= "a"')))


async def test_vllm_without_its_own_routes_takes_messages() -> None:
    """A proxy may let through `/v1` only."""
    bodies = []

    async def chat(request: Request) -> Response:
        bodies.append(await request.json())
        return event_response(_each((delta("{}"), delta(None, "stop"))))

    models = JSONResponse({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 99}]})
    with serving(app(chat, answering(models))) as url:
        async with HttpEngine(url) as engine:
            assert not engine.capabilities.token_ids
            assert engine.capabilities.window == 99
            constraint = JsonSchema(definition={"type": "object"})
            assert (await ask(engine, Sampling(constraint=constraint))).text == "{}"
    assert bodies[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_a_connection_serves_many_calls() -> None:
    clients = set()
    inner = chat_app(FakeEngine("four", text_only=True))

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        clients.add(scope["client"])
        await inner(scope, receive, send)

    with serving(counting) as url:
        async with HttpEngine(url) as engine:
            for _ in range(3):
                await ask(engine)
    assert len(clients) == 1


async def test_calls_run_at_the_same_time_without_a_limit() -> None:
    """The fake answers no call before it has all of them."""
    calls = 150

    async def wait_for_all(*_: object) -> str:
        while len(fake.calls) < calls:  # noqa: ASYNC110 -- runs on the server's loop
            await anyio.sleep(0.01)
        return "ok"

    fake = FakeEngine(wait_for_all, text_only=True)
    with serving(chat_app(fake)) as url:
        async with HttpEngine(url) as engine:
            outcomes = await join([lambda: ask(engine)] * calls)
    assert [outcome.status for outcome in outcomes] == ["ok"] * calls


async def test_leaving_a_stream_reaches_the_server() -> None:
    fake = FakeEngine("word " * 1000, seconds_per_token=0.001, text_only=True)
    with serving(chat_app(fake)) as url:
        async with HttpEngine(url) as engine:
            context = await converse(engine, [("user", "Go on.")])
            async with engine.stream(context, Sampling(max_tokens=5000)) as chunks:
                async for _ in chunks:
                    break
            with anyio.fail_after(5):
                while fake.aborted == 0:  # noqa: ASYNC110 -- is set on the server's loop
                    await anyio.sleep(0.01)


async def test_an_engine_that_is_not_open() -> None:
    engine = HttpEngine("localhost:8000")
    with pytest.raises(RuntimeError, match="not open"):
        await ask(engine)
    await engine.aclose()


async def test_text_that_looks_like_line_ends() -> None:
    text = "a\u2028b\u0085c\r\nd"

    async def chat(request: Request) -> Response:
        raw = json.dumps(delta(text), ensure_ascii=False)
        return event_response(_each((f"data: {raw}\r\n\r\n", delta(None, "stop"))))

    with serving(app(chat)) as url:
        async with HttpEngine(url) as engine:
            assert (await ask(engine)).text == text


def test_events_do_not_depend_on_how_they_are_cut() -> None:
    stream = 'data: {"a": "é\u2028"}\r\n\r\n: ping\n\ndata:2\n\nevent: x\ndata: [DONE]\n\n'.encode()
    for size in range(1, len(stream) + 1):
        decoder = EventDecoder()
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        found = [data for piece in pieces for data in decoder.feed(piece)]
        assert found == ['{"a": "é\u2028"}', "2", "[DONE]"]
