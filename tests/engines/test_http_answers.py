"""What the HTTP engine makes of the answers that servers give, good and bad."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from engines import (
    STREAMED,
    WHOLE,
    Completion,
    ContextTooLong,
    Delivery,
    EngineError,
    EngineOverloaded,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    HttpEngine,
    NotAnEngine,
    RequestRejected,
    Sampling,
    UsageError,
    converse,
)
from engines.remote.api_client import ApiClient
from engines.remote.httpx_transport import HttpxTransport
from engines.remote.server_address import ServerAddress
from engines.remote.server_tokenizer import ServerTokenizer
from tests.engines import http_ways
from tests.engines.http_ways import Connect
from tests.engines.raw_server import page, raw_serving
from tests.engines.servers import (
    Handler,
    answering,
    app,
    chat_app,
    delta,
    event_response,
    message,
    serving,
    streaming,
)

pytestmark = pytest.mark.anyio
way = http_ways.way
connect = http_ways.connect
anyio_backend = http_ways.anyio_backend

NO_MODELS = "no list of models"
NO_API = "it usually ends in /v1"


async def ask(engine: HttpEngine, delivery: Delivery = WHOLE) -> Completion:
    context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    return await engine.generate(context, Sampling(), delivery)


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
        (JSONResponse({"error": "slow down"}, 429), EngineOverloaded, "429: slow down"),
        (HTMLResponse("bad gateway", 502), EngineUnavailable, "502: bad gateway"),
        (JSONResponse({"detail": "no such route"}, 404), RequestRejected, "no such route"),
    ],
)
async def test_answers_that_are_no_models(
    response: Response, error: type[ForkjoinError], message: str, connect: Connect
) -> None:
    with serving(app(models=answering(response))) as url, pytest.raises(error) as caught:
        async with connect(url):
            pass
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_an_unknown_model(connect: Connect) -> None:
    with serving(app()) as url, pytest.raises(UsageError, match=r"'gpt'.*\(fake\)"):
        async with connect(url, model="gpt"):
            pass


async def test_several_models(connect: Connect) -> None:
    models = JSONResponse({"data": [{"id": "a"}, {"id": "b"}, {"id": "c", "parent": "a"}]})
    with serving(app(models=answering(models))) as url:
        with pytest.raises(UsageError, match=r"choose one of its models \(a, b, c\)"):
            async with connect(url):
                pass
        async with connect(url, model="b") as engine:
            assert engine.model == "b"


@pytest.mark.parametrize(
    ("delivery", "chat", "error", "message"),
    [
        (
            delivery,
            answering(JSONResponse({"message": "no"}, 400)),
            RequestRejected,
            "request: no",
        )
        for delivery in (STREAMED, WHOLE)
    ]
    + [
        (
            delivery,
            answering(JSONResponse({"error": {"message": "busy"}}, 503)),
            EngineUnavailable,
            "busy",
        )
        for delivery in (STREAMED, WHOLE)
    ]
    + [
        (delivery, answering(JSONResponse({"choices": []})), NotAnEngine, NO_API)
        for delivery in (STREAMED, WHOLE)
    ]
    + [
        (STREAMED, streaming(delta("a"), "data: {broken\n\n"), NotAnEngine, "without JSON"),
        (STREAMED, streaming(delta("a")), EngineUnavailable, "in the middle"),
        (
            STREAMED,
            streaming(delta("a"), "data: [DONE]\n\n"),
            EngineUnavailable,
            "in the middle",
        ),
        (
            STREAMED,
            streaming({"error": {"message": "bad", "code": 400}}),
            RequestRejected,
            "request: bad",
        ),
        (STREAMED, streaming({"error": {"message": "gone"}}), EngineUnavailable, "500: gone"),
        (STREAMED, streaming(delta(None, "content_filter")), EngineError, "content_filter"),
        (WHOLE, answering(HTMLResponse("hello")), NotAnEngine, NO_API),
        (WHOLE, answering(JSONResponse(message("a", None))), EngineUnavailable, "in the middle"),
        (WHOLE, answering(JSONResponse(message("a", "content_filter"))), EngineError, "filter"),
        (
            WHOLE,
            answering(JSONResponse({"error": {"message": "bad", "code": 400}})),
            RequestRejected,
            "request: bad",
        ),
    ],
)
async def test_answers_that_are_no_completion(
    delivery: Delivery,
    chat: Handler,
    error: type[ForkjoinError],
    message: str,
    connect: Connect,
) -> None:
    with serving(app(chat)) as url:
        async with connect(url) as engine:
            with pytest.raises(error) as caught:
                await ask(engine, delivery)
            assert (await engine.statistics()).running == 0
    assert type(caught.value) is error
    assert message in str(caught.value)


async def test_a_connection_that_breaks(connect: Connect) -> None:
    async def breaking() -> AsyncIterator[dict[str, Any] | str]:
        yield delta("a")
        raise ConnectionError

    async def chat(request: Request) -> Response:
        return event_response(breaking())

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            with pytest.raises(EngineUnavailable, match="broke off the connection"):
                await ask(engine, STREAMED)


async def test_a_context_beyond_the_window_of_a_text_server(connect: Connect) -> None:
    with serving(chat_app(FakeEngine(text_only=True, window=5))) as url:
        async with connect(url) as engine:
            with pytest.raises(ContextTooLong) as caught:
                await ask(engine)
    assert (caught.value.tokens, caught.value.window) == (6, 5)


async def test_a_stream_without_usage_is_counted(connect: Connect) -> None:
    chat = streaming(": a comment\n\n", delta(""), delta("4"), delta("2"), delta(None, "length"))
    with serving(app(chat)) as url:
        async with connect(url) as engine:
            completion = await ask(engine, STREAMED)
            statistics = await engine.statistics()
    assert completion.text == "42"
    assert completion.finish_reason == "length"
    assert completion.usage.generated_tokens == statistics.generated_tokens == 2
    assert completion.usage.cached_tokens is None
    assert completion.usage.lower_bound


async def test_a_whole_answer_without_usage_is_a_lower_bound(connect: Connect) -> None:
    with serving(app(answering(JSONResponse(message("42", "length"))))) as url:
        async with connect(url) as engine:
            completion = await ask(engine)
    assert (completion.text, completion.finish_reason) == ("42", "length")
    assert completion.usage.generated_tokens == 1
    assert completion.usage.lower_bound


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_usage_of_a_server_that_tells_it(delivery: Delivery, connect: Connect) -> None:
    with serving(chat_app(FakeEngine("four", text_only=True))) as url:
        async with connect(url) as engine:
            usage = (await ask(engine, delivery)).usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens) == (6, 0, 4)
    assert not usage.lower_bound


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_text_that_is_hard_to_carry(delivery: Delivery, connect: Connect) -> None:
    """What ends lines elsewhere, and half of a surrogate pair."""
    text = "a\u2028b\u0085c\r\nd\ud83d"

    async def chat(request: Request) -> Response:
        if (await request.json())["stream"]:
            event = json.dumps(delta(text[:-1]), ensure_ascii=False)
            parts = [f"data: {event}\r\n\r\n", f"data: {json.dumps(delta(text[-1]))}\n\n"]
            return await streaming(*parts, delta(None, "stop"))(request)
        return Response(json.dumps(message(text)), media_type="application/json")

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            assert (await ask(engine, delivery)).text == text


async def test_a_server_that_packs_its_answers(connect: Connect) -> None:
    body = gzip.compress(json.dumps(message("4")).encode())
    headers = {"Content-Encoding": "gzip"}
    packed = Response(body, media_type="application/json", headers=headers)
    with serving(app(answering(packed))) as url:
        async with connect(url) as engine:
            assert (await ask(engine)).text == "4"


@pytest.mark.parametrize(
    ("media_type", "end"),
    [("Text/Event-Stream", "\n\n"), ("text/event-stream", "")],
    ids=["another case", "no last line feed"],
)
async def test_a_stream_with_manners_of_its_own(
    media_type: str, end: str, connect: Connect
) -> None:
    body = f"data: {json.dumps(delta('4', 'stop'))}{end}"
    response = Response(body, headers={"content-type": media_type})
    with serving(app(answering(response))) as url:
        async with connect(url) as engine:
            assert (await ask(engine, STREAMED)).text == "4"


async def test_a_stream_that_ends_within_its_last_event(connect: Connect) -> None:
    with serving(app(streaming(delta("a"), 'data: {"choices": ['))) as url:
        async with connect(url) as engine:
            with pytest.raises(EngineUnavailable, match="in the middle"):
                await ask(engine, STREAMED)


async def test_an_answer_that_is_no_unicode(connect: Connect) -> None:
    body = json.dumps(message("?")).encode().replace(b"?", b"\xff")
    with serving(app(answering(Response(body, media_type="application/json")))) as url:
        async with connect(url) as engine:
            with pytest.raises(NotAnEngine):
                await ask(engine)


async def test_a_list_of_models_with_an_odd_window(connect: Connect) -> None:
    models = JSONResponse({"data": [{"id": "a", "max_model_len": "long"}]})
    with (
        serving(app(models=answering(models))) as url,
        pytest.raises(NotAnEngine, match="/v1/models sent an answer that"),
    ):
        async with connect(url):
            pass


@pytest.mark.parametrize("answer", [{}, {"tokens": 1, "prompt": 1}, {"tokens": ["a"]}])
async def test_a_tokenizer_that_answers_oddly(answer: dict[str, Any]) -> None:
    with raw_serving(lambda connection, head: connection.sendall(page(answer))) as url:
        api = ApiClient(url, HttpxTransport(ServerAddress.parse(url), {}, 5), 5)
        tokenizer = ServerTokenizer(api, "fake")
        with pytest.raises(NotAnEngine, match=f"{url}/tokenize"):
            await tokenizer.encode("a", "user", None)
        with pytest.raises(NotAnEngine, match=f"{url}/tokenize"):
            await tokenizer.window()
        with pytest.raises(NotAnEngine, match=f"{url}/detokenize"):
            await tokenizer.decode([1])
        await api.aclose()
