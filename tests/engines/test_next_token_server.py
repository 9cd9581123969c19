from __future__ import annotations

import math
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from engines import (
    ContextTooLong,
    EngineError,
    EngineUnavailable,
    NotAnEngine,
    RetryPolicy,
    UsageError,
)
from engines.remote.next_token_server import NextTokenServer
from tests.engines.next_token_like import Logprobs, NextTokenLike
from tests.engines.reward_like import RewardLike
from tests.engines.servers import serving

QUICK = RetryPolicy(attempts=3, first_delay=0.001)
PLUS, MINUS = ord("+"), ord("-")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def certain(prompt: str) -> Logprobs:
    return {"+": -0.25, "-": -1.5}


@pytest.mark.anyio
async def test_after_a_text_and_a_conversation_the_tokens_asked_for_are_told_in_their_order() -> (
    None
):
    like = NextTokenLike(certain)
    messages = [{"role": "user", "content": "2 + 2?"}]
    with serving(like.app) as url:
        async with NextTokenServer(f"{url}/v1", "judge") as server:
            assert await server.after_text("2 + 2? 4 ки", [PLUS, MINUS]) == (-0.25, -1.5)
            assert await server.after_conversation(messages, [MINUS, PLUS]) == (-1.5, -0.25)
            assert server.prompt_tokens == sum(map(len, like.prompts))
    assert like.prompts == ["2 + 2? 4 ки", "<user>2 + 2?<assistant>"]
    assert [body["model"] for body in like.bodies] == ["judge", "judge"]


@pytest.mark.anyio
async def test_the_server_s_tokenizer_tells_the_id_of_a_text_that_is_one_token() -> None:
    like = NextTokenLike()
    with serving(like.app) as url:
        async with NextTokenServer(url) as server:
            assert await server.token_id("+") == PLUS
            with pytest.raises(UsageError, match=r"^'\+\+' is 2 tokens of the model at http"):
                await server.token_id("++")
            with pytest.raises(UsageError, match="is 0 tokens"):
                await server.token_id("")


@pytest.mark.anyio
async def test_an_older_server_tells_of_the_likeliest_only() -> None:
    like = NextTokenLike(lambda prompt: {"+": -0.25, "x": -3.0}, knows_ids=False)
    with serving(like.app) as url:
        async with NextTokenServer(url) as server:
            assert await server.after_text("a", [PLUS, MINUS]) == (-0.25, -math.inf)
            with pytest.raises(EngineError, match=r"finds tokens \[45\] impossible, or too unlik"):
                await server.after_text("a", [MINUS])


@pytest.mark.anyio
async def test_what_is_no_number_is_an_error() -> None:
    like = NextTokenLike(lambda prompt: {"+": None, "-": -1.0})
    with serving(like.app) as url:
        async with NextTokenServer(url) as server:
            with pytest.raises(EngineError, match="logprobs that are no numbers: see its log"):
                await server.after_text("a", [PLUS, MINUS])


@pytest.mark.anyio
async def test_what_may_pass_is_tried_again_and_what_does_not_fails_at_once() -> None:
    busy = JSONResponse({"error": {"message": "busy"}}, status_code=503)
    like = NextTokenLike(certain, answers=[busy, busy], window=5)
    with serving(like.app) as url:
        async with NextTokenServer(url, retry=QUICK) as server:
            assert await server.after_text("a", [PLUS]) == (-0.25,)
            like.answers = [busy] * 3
            with pytest.raises(EngineUnavailable, match="busy"):
                await server.after_text("a", [PLUS])
            with pytest.raises(ContextTooLong, match="has 6 tokens and the model's window is 5"):
                await server.after_text("x" * 6, [PLUS])
    assert len(like.bodies) == 7


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([], "no OpenAI-compatible API sends"),
        ([{"logprobs": None}], "no OpenAI-compatible API sends"),
        ([{"logprobs": {"top_logprobs": []}}], "no OpenAI-compatible API sends"),
        ([{"logprobs": {"top_logprobs": [{"+": -1.0}]}}], "does not tell tokens by their ids"),
        ([{"logprobs": {"top_logprobs": [{}]}}], "does not tell tokens by their ids"),
    ],
)
async def test_an_answer_of_another_server_is_told_in_one_line(choices: Any, message: str) -> None:
    like = NextTokenLike(answers=[JSONResponse({"choices": choices})])
    with serving(like.app) as url:
        async with NextTokenServer(url, retry=QUICK) as server:
            with pytest.raises(NotAnEngine, match=message) as caught:
                await server.after_text("a", [PLUS])
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("app", [Starlette(), RewardLike().app])
async def test_a_server_that_does_not_generate_is_told(app: Starlette) -> None:
    with serving(app) as url:
        async with NextTokenServer(url) as server:
            with pytest.raises(
                NotAnEngine,
                match=r"has no /tokenize: start .*`python -m vllm\.[\w.]+ --model MODEL --runner generate",
            ):
                await server.token_id("+")
            with pytest.raises(NotAnEngine, match=r"has no /v1/completions: start one"):
                await server.after_text("a", [PLUS])


def test_a_server_is_opened_before_it_is_asked() -> None:
    with pytest.raises(UsageError, match="in_flight=0 asks for nothing"):
        NextTokenServer("http://127.0.0.1:9", in_flight=0)
    with pytest.raises(RuntimeError, match=r"use `async with NextTokenServer\(url\)"):
        _ = NextTokenServer("http://127.0.0.1:9")._opened
