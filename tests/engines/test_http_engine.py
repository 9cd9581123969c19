"""The HTTP engine: what it sends, how it opens and closes, and whose client it uses."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engines import (
    STREAMED,
    WHOLE,
    CapabilityMissing,
    Completion,
    Delivery,
    EngineUnavailable,
    FakeEngine,
    Grammar,
    HttpEngine,
    JsonSchema,
    RequestRejected,
    Sampling,
    converse,
    join,
)
from engines.remote import api_client
from tests.engines import http_ways
from tests.engines.http_ways import Connect, Way
from tests.engines.servers import (
    answering,
    app,
    chat_app,
    delta,
    message,
    serving,
    streaming,
)
from tests.engines.vllm_like import VllmLike
from tests.ports import held_port

pytestmark = pytest.mark.anyio
way = http_ways.way
connect = http_ways.connect
anyio_backend = http_ways.anyio_backend


async def ask(
    engine: HttpEngine, sampling: Sampling | None = None, delivery: Delivery = WHOLE
) -> Completion:
    context = await converse(engine, [("user", "2 + 2?"), ("assistant", "")])
    return await engine.generate(context, sampling or Sampling(), delivery)


async def test_no_server_listens(connect: Connect) -> None:
    with held_port() as port:
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(EngineUnavailable, match=f"nothing answers at {url}") as caught:
            async with connect(url):
                pass
    assert caught.value.retryable


async def test_a_host_that_does_not_exist(connect: Connect) -> None:
    with pytest.raises(EngineUnavailable, match=r"nothing answers at http://nowhere\.invalid"):
        async with connect("http://nowhere.invalid/v1"):
            pass


@pytest.mark.parametrize(
    ("delivery", "fields"),
    [
        (STREAMED, {"stream": True, "stream_options": {"include_usage": True}}),
        (WHOLE, {"stream": False}),
        (Delivery(whole=True, priority=3, interval=8), {"stream": False}),
    ],
)
async def test_what_a_text_server_is_sent(
    delivery: Delivery, fields: dict[str, Any], connect: Connect
) -> None:
    requests: list[dict[str, Any]] = []
    keys = []

    async def chat(request: Request) -> Response:
        requests.append(await request.json())
        keys.append(request.headers["authorization"])
        if requests[0]["stream"]:
            return await streaming(delta("4"), delta(None, "stop"))(request)
        return JSONResponse(message("4"))

    with serving(app(chat)) as url:
        async with connect(f"{url}/v1/", api_key="secret\n") as engine:
            sampling = Sampling(max_tokens=9, seed=1, stop=("x",), top_k=5)
            completion = await ask(engine, sampling, delivery)
    assert completion.text == "4"
    assert completion.token_ids == ()
    assert keys == ["Bearer secret"]
    assert requests == [
        {
            "model": "fake",
            "messages": [{"role": "user", "content": "2 + 2?"}],
            "max_tokens": 9,
            "temperature": 0.7,
            "top_p": 1.0,
            "seed": 1,
            "stop": ["x"],
            **fields,
        }
    ]


@pytest.mark.parametrize(
    ("delivery", "fields"),
    [
        (STREAMED, {"stream": True}),
        (Delivery(interval=8), {"stream": True, "stream_interval": 8}),
        (WHOLE, {"stream": False}),
        (Delivery(whole=True, interval=8, priority=3), {"stream": False, "priority": 3}),
        (
            Delivery(interval=2, priority=-1),
            {"stream": True, "stream_interval": 2, "priority": -1},
        ),
    ],
)
async def test_how_a_vllm_server_is_asked_to_deliver(
    delivery: Delivery, fields: dict[str, Any], connect: Connect
) -> None:
    server = VllmLike(FakeEngine("4", chunk_tokens=1))
    with serving(server.app) as url:
        async with connect(url) as engine:
            assert (await ask(engine, delivery=delivery)).token_ids == (ord("4"),)
    (body,) = server.bodies
    assert {k: body[k] for k in ("stream", "stream_interval", "priority") if k in body} == fields


@pytest.mark.parametrize("whole", [True, False])
async def test_a_server_that_refuses_wishes_is_spared_them(whole: bool, connect: Connect) -> None:
    delivery = Delivery(whole=whole, priority=1, interval=4)
    wishes = {"priority"} if whole else {"priority", "stream_interval"}
    server = VllmLike(FakeEngine("4"), refused=frozenset(wishes))
    with serving(server.app) as url:
        async with connect(url) as engine:
            for _ in range(2):
                assert (await ask(engine, delivery=delivery)).text == "4"
    asked = [set(body) & wishes for body in server.bodies]
    # One refusal for each wish, and none for the second call.
    assert len(asked) == len(wishes) + 2
    assert asked[0] == wishes
    assert asked[-2:] == [set(), set()]


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_what_a_call_cannot_do_without_is_refused(
    delivery: Delivery, connect: Connect
) -> None:
    server = VllmLike(FakeEngine("4"), refused=frozenset({"seed"}))
    with serving(server.app) as url:
        async with connect(url) as engine:
            with pytest.raises(RequestRejected, match="seed"):
                await ask(engine, Sampling(seed=1), delivery)
    assert len(server.bodies) == 1


async def test_what_needs_ids_says_so(connect: Connect) -> None:
    with serving(chat_app(FakeEngine("four", text_only=True))) as url:
        async with connect(url) as engine:
            context = await converse(engine, [("user", "Go on."), ("assistant", "One, ")])
            with pytest.raises(CapabilityMissing, match="cannot continue the model's own turn"):
                await engine.generate(context, Sampling())
            with pytest.raises(CapabilityMissing, match="cannot decode ids"):
                await engine.decode([1])
            with pytest.raises(CapabilityMissing, match="grammar constraint"):
                await ask(engine, Sampling(constraint=Grammar(rules='root ::= "a"')))


async def test_vllm_without_its_own_routes_takes_messages(connect: Connect) -> None:
    """A proxy may let through `/v1` only."""
    bodies = []

    async def chat(request: Request) -> Response:
        bodies.append(await request.json())
        return JSONResponse(message("{}"))

    models = JSONResponse({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 99}]})
    with serving(app(chat, answering(models))) as url:
        async with connect(url) as engine:
            assert not engine.capabilities.token_ids
            assert engine.capabilities.window == 99
            constraint = JsonSchema(definition={"type": "object"})
            assert (await ask(engine, Sampling(constraint=constraint))).text == "{}"
    assert bodies[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_a_connection_serves_many_calls(
    delivery: Delivery, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The end of an answer may take long to come on a busy machine.
    monkeypatch.setattr(api_client, "_GRACE_SECONDS", 300)
    clients = set()
    inner = chat_app(FakeEngine("four", text_only=True))

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        clients.add(scope["client"])
        await inner(scope, receive, send)

    with serving(counting) as url:
        async with connect(url) as engine:
            for _ in range(3):
                await ask(engine, delivery=delivery)
    assert len(clients) == 1


async def test_calls_run_at_the_same_time_without_a_limit(connect: Connect) -> None:
    """The fake answers no call before it has all of them."""
    calls = 150

    async def wait_for_all(*_: object) -> str:
        while len(fake.calls) < calls:  # noqa: ASYNC110 -- runs on the server's loop
            await anyio.sleep(0.01)
        return "ok"

    fake = FakeEngine(wait_for_all, text_only=True)
    with serving(chat_app(fake)) as url:
        async with connect(url) as engine:
            outcomes = await join([lambda: ask(engine)] * calls)
            statistics = engine.client_statistics
    assert [outcome.status for outcome in outcomes] == ["ok"] * calls
    assert (statistics.peak_in_flight, statistics.in_flight) == (calls, 0)
    assert statistics.requests == calls + 1
    assert statistics.bytes_sent > calls * 50
    assert statistics.bytes_received > calls * 50


async def test_leaving_a_stream_reaches_the_server(connect: Connect) -> None:
    fake = FakeEngine("word " * 1000, seconds_per_token=0.01, text_only=True)
    with serving(chat_app(fake)) as url:
        async with connect(url) as engine:
            context = await converse(engine, [("user", "Go on.")])
            async with engine.stream(context, Sampling(max_tokens=5000)) as chunks:
                async for _ in chunks:
                    break
            await _wait_for_abort(fake)


async def test_cancelling_a_whole_call_reaches_the_server(connect: Connect) -> None:
    fake = FakeEngine("word " * 1000, seconds_per_token=0.1, text_only=True)
    with serving(chat_app(fake)) as url:
        async with connect(url) as engine:
            tasks = len(anyio.get_running_tasks())
            async with anyio.create_task_group() as group:
                group.start_soon(ask, engine, Sampling(max_tokens=5000))
                while not fake.calls:  # noqa: ASYNC110 -- is set on the server's loop
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()
            await _wait_for_abort(fake)
            assert len(anyio.get_running_tasks()) <= tasks
            assert engine.client_statistics.in_flight == 0


async def _wait_for_abort(fake: FakeEngine) -> None:
    with anyio.fail_after(60):
        while fake.aborted == 0:  # noqa: ASYNC110 -- is set on the server's loop
            await anyio.sleep(0.01)


async def test_an_engine_that_is_not_open() -> None:
    engine = HttpEngine("localhost:8000")
    with pytest.raises(RuntimeError, match="not open"):
        await ask(engine)
    await engine.aclose()


async def test_the_key_of_the_environment(
    way: Way, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of the user's has auth of its own."""
    keys = []

    async def models(request: Request) -> Response:
        keys.append(request.headers.get("authorization"))
        return JSONResponse({"data": [{"id": "m"}]})

    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serving(app(models=models)) as url:
        async with connect(url):
            pass
    assert keys == [None if way.brings_client else "Bearer secret"]


async def test_a_client_of_the_users() -> None:
    keys = []

    async def chat(request: Request) -> Response:
        keys.append(request.headers.get("authorization"))
        return JSONResponse(message("4"))

    async with httpx.AsyncClient(auth=("me", "secret"), trust_env=False, timeout=300) as client:
        with serving(app(chat)) as url:
            async with HttpEngine(url, client=client) as engine:
                assert (await ask(engine)).text == "4"
            assert not client.is_closed
            assert (await client.get(f"{url}/v1/models")).is_success
    assert keys == ["Basic bWU6c2VjcmV0"]


async def test_what_many_threads_are_told_alike_is_tokenized_once() -> None:
    like = VllmLike(FakeEngine())
    with serving(like.app) as url:
        async with HttpEngine(url) as engine:
            question = await converse(engine, [("user", "What is 2 * 3?")])
            asked = like.tokenized

            async def open_thread() -> None:
                thread = question.fork("a")
                turns = [("user", "Think."), ("assistant", "")]
                await converse(engine, turns, after=thread)  # type: ignore[arg-type]

            async with anyio.create_task_group() as group:
                for _ in range(20):
                    group.start_soon(open_thread)
            # For each turn its marks, which are rendered and made a text, and then its tokens.
            assert like.tokenized - asked <= 6
