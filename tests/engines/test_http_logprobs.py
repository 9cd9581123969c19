"""How the HTTP engine asks servers how likely tokens were, and those that refuse to tell."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engines import (
    STREAMED,
    WHOLE,
    Completion,
    Delivery,
    FakeEngine,
    HttpEngine,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    converse,
)
from engines.choosing import score_choice
from tests.engines import http_ways
from tests.engines.http_ways import Connect
from tests.engines.servers import app, chat_app, delta, message, serving, streaming
from tests.engines.vllm_like import VllmLike

pytestmark = pytest.mark.anyio
way = http_ways.way
connect = http_ways.connect
anyio_backend = http_ways.anyio_backend

SEVEN = Scripted(
    "7", [TokenLogprobs(Logprob("7", -0.5, ord("7")), (Logprob("7", -0.5), Logprob("3", -1.0)))]
)


async def ask(engine: HttpEngine, sampling: Sampling, delivery: Delivery = WHOLE) -> Completion:
    context = await converse(engine, [("user", "2 + 5?"), ("assistant", "")])
    return await engine.generate(context, sampling, delivery)


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_a_vllm_server_is_asked_for_as_many_as_are_wanted(
    delivery: Delivery, connect: Connect
) -> None:
    server = VllmLike(FakeEngine(SEVEN))
    with serving(server.app) as url:
        async with connect(url) as engine:
            found = await ask(engine, Sampling(logprobs=1), delivery)
            await ask(engine, Sampling(), delivery)
    assert [body.get("logprobs") for body in server.bodies] == [1, None]
    (place,) = found.logprobs
    assert place.chosen == Logprob("7", -0.5, ord("7"))
    assert place.top == (place.chosen,)


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
@pytest.mark.parametrize("count", [0, 2])
async def test_a_text_server_is_asked_for_as_many_as_are_wanted(
    count: int, delivery: Delivery, connect: Connect
) -> None:
    inner = FakeEngine(SEVEN, text_only=True)
    with serving(chat_app(inner)) as url:
        async with connect(url) as engine:
            found = await ask(engine, Sampling(logprobs=count), delivery)
            assert (await ask(engine, Sampling(), delivery)).logprobs == ()
    assert [call.sampling.logprobs for call in inner.calls] == [count, None]
    (place,) = found.logprobs
    assert [token.text for token in place.top] == ["7", "3"][:count]


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
@pytest.mark.parametrize("named", ["logprobs", "top_logprobs"])
async def test_a_text_server_that_refuses_them_is_spared_them(
    named: str, delivery: Delivery, connect: Connect
) -> None:
    """OpenAI's reasoning models and many gateways do; one names this field, another that."""
    asked = []

    async def chat(request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        refused = {"logprobs", "top_logprobs"} & set(body)
        asked.append(refused)
        if refused:
            name = named if named in refused else min(refused)
            error = {"error": {"message": f"{name} is not supported with this model"}}
            return JSONResponse(error, status_code=400)
        if body["stream"]:
            return await streaming(delta("7"), delta(None, "stop"))(request)
        return JSONResponse(message("7"))

    with serving(app(chat)) as url:
        async with connect(url) as engine:
            for _ in range(2):
                found = await ask(engine, Sampling(logprobs=2), delivery)
                assert (found.text, found.logprobs) == ("7", ())
    assert asked[0] == {"logprobs", "top_logprobs"}
    # At most one refusal for each field, and none for the second call.
    assert asked[-2:] == [set(), set()]
    assert len(asked) <= 4


@pytest.mark.parametrize("delivery", [STREAMED, WHOLE], ids=["streamed", "whole"])
async def test_a_vllm_server_that_refuses_them_is_spared_them(
    delivery: Delivery, connect: Connect
) -> None:
    server = VllmLike(FakeEngine("7"), refused=frozenset({"logprobs"}))
    with serving(server.app) as url:
        async with connect(url) as engine:
            for _ in range(2):
                assert (await ask(engine, Sampling(logprobs=2), delivery)).logprobs == ()
    assert ["logprobs" in body for body in server.bodies] == [True, False, False]


async def test_a_choice_is_scored_on_either_server(connect: Connect) -> None:
    apps = [VllmLike(FakeEngine(SEVEN)).app, chat_app(FakeEngine(SEVEN, text_only=True))]
    for server in apps:
        with serving(server) as url:
            async with connect(url) as engine:
                context = await converse(engine, [("user", "2 + 5?"), ("assistant", "")])
                chosen = await score_choice(engine, context, ["3", "7", "9"], Sampling())
        assert chosen.probabilities["7"] == pytest.approx(1 / (1 + 2.718281828**-0.5))
        assert chosen.probabilities["9"] == 0
