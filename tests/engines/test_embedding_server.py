from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from engines import (
    ContextTooLong,
    EngineError,
    EngineUnavailable,
    NotAnEngine,
    RetryPolicy,
    UsageError,
)
from engines.remote.embedding_reading import read_embeddings
from engines.remote.embedding_server import EmbeddingServer
from tests.engines.embedding_like import EmbeddingLike, embedded
from tests.engines.servers import serving

QUICK = RetryPolicy(attempts=3, first_delay=0.001)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_texts_go_in_batches_and_keep_their_order() -> None:
    like = EmbeddingLike()
    texts = ["x" * (number % 7) for number in range(20)]
    with serving(like.app) as url:
        async with EmbeddingServer(f"{url}/v1", "embedder", in_flight=2) as server:
            embeddings = await server.of_texts(texts, batch=3)
            assert embeddings == [(float(len(text)), 1.0) for text in texts]
            assert server.prompt_tokens == sum(map(len, texts))
            assert await server.of_texts([]) == []
    assert len(like.bodies) == 7
    assert like.peak <= 2
    assert {body["model"] for body in like.bodies} == {"embedder"}
    assert sorted(len(body["input"]) for body in like.bodies) == [2, *[3] * 6]


@pytest.mark.anyio
async def test_without_a_name_the_server_s_only_model_is_asked() -> None:
    like = EmbeddingLike()
    with serving(like.app) as url:
        async with EmbeddingServer(url) as server:
            await server.of_texts(["a"])
    assert like.bodies == [{"input": ["a"]}]


@pytest.mark.anyio
async def test_a_server_that_takes_no_more_now_is_asked_again() -> None:
    busy = JSONResponse({"error": {"message": "busy"}}, status_code=503)
    like = EmbeddingLike(answers=[busy, busy])
    with serving(like.app) as url:
        async with EmbeddingServer(url, retry=QUICK) as server:
            assert await server.of_texts(["abc"]) == [(3.0, 1.0)]
            like.answers = [busy] * 3
            with pytest.raises(EngineUnavailable, match="answered 503: busy"):
                await server.of_texts(["abc"])


@pytest.mark.anyio
async def test_vllm_cuts_a_text_that_is_too_long_when_it_is_asked_to() -> None:
    like = EmbeddingLike(window=5)
    with serving(like.app) as url:
        async with EmbeddingServer(url) as server:
            embeddings = await server.of_texts(["x", "y" * 9, "z"], batch=2)
    assert embeddings == [(1.0, 1.0), (5.0, 1.0), (1.0, 1.0)]
    # Others than vLLM may not know the word, and see it only where they have refused a text already.
    cut = [body.get("truncate_prompt_tokens") for body in like.bodies]
    assert sorted(cut, key=str) == [-1, None, None]


@pytest.mark.anyio
async def test_a_text_that_a_server_does_not_cut_fails_all_and_nothing_is_left_running() -> None:
    with serving(EmbeddingLike(window=5, cuts=False).app) as url:
        async with EmbeddingServer(url) as server:
            with anyio.fail_after(300), pytest.raises(ContextTooLong, match="9 tokens"):
                await server.of_texts(["x", "x" * 9, "y"], batch=1)
            assert await server.of_texts(["z"]) == [(1.0, 1.0)]


@pytest.mark.anyio
async def test_a_server_of_another_model_says_what_to_start() -> None:
    missing = JSONResponse({"detail": "Not Found"}, status_code=404)
    for app in (EmbeddingLike(answers=[missing]).app, Starlette()):
        with serving(app) as url:
            async with EmbeddingServer(url) as server:
                with pytest.raises(NotAnEngine, match=r"embedding model, .*runner pooling"):
                    await server.of_texts(["x"])


@pytest.mark.anyio
async def test_what_is_no_json_and_who_is_not_there_are_errors() -> None:
    page = Response("<html>", media_type="text/html")
    with serving(EmbeddingLike(answers=[page]).app) as url:
        async with EmbeddingServer(url, retry=QUICK) as server:
            with pytest.raises(NotAnEngine):
                await server.of_texts(["x"])
    async with EmbeddingServer("http://127.0.0.1:9", retry=QUICK) as server:
        with pytest.raises(EngineUnavailable, match="nothing answers at http"):
            await server.of_texts(["x"])


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    body = embedded([0.5, 0.5], [0.25, 1])
    change(body)
    return body


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": [1, 2]},
        embedded([0.5]),
        embedded([0.5], [0.5], [0.5]),
        embedded([0.5], []),
        embedded([0.5], [0.5, 0.5]),
        embedded([0.5], 0.5),
        embedded([0.5], "AAAAPw=="),
        embedded([0.5], ["0.5"]),
        embedded([0.5], [True]),
        embedded([0.5], [[0.5]]),
        broken(lambda body: body["data"][1].update(index=0)),
        broken(lambda body: body["data"][1].update(index=2)),
        broken(lambda body: body["data"][1].pop("embedding")),
        broken(lambda body: body["data"].append(body["data"][0])),
    ],
    ids=json.dumps,
)
def test_another_shape_is_one_error(body: dict[str, Any]) -> None:
    with pytest.raises(NotAnEngine, match="sent an answer that no") as caught:
        read_embeddings("http://x/v1/embeddings", body, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None])
def test_a_number_that_is_none_is_an_error(number: float | None) -> None:
    with pytest.raises(EngineError, match="--dtype float32"):
        read_embeddings("x", embedded([0.5, number]), 1)


VECTORS = st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3))


@given(VECTORS, st.randoms(use_true_random=False))
def test_embeddings_come_in_the_order_of_their_texts(vectors: list[Any], chance: Any) -> None:
    body = embedded(*map(list, vectors))
    chance.shuffle(body["data"])
    assert read_embeddings("x", json.loads(json.dumps(body)), len(vectors)) == vectors


@pytest.mark.anyio
async def test_nothing_at_once_asks_for_nothing() -> None:
    with pytest.raises(UsageError, match=r"^in_flight=0 asks for nothing: give at least 1$"):
        EmbeddingServer("http://x", in_flight=0)
    async with EmbeddingServer("http://x") as server:
        with pytest.raises(UsageError, match=r"^batch=0 asks for nothing: give at least 1$"):
            await server.of_texts(["a"], batch=0)
