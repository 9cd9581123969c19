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
    EngineOverloaded,
    EngineUnavailable,
    NotAnEngine,
    RequestRejected,
    RetryPolicy,
    UsageError,
)
from engines.remote.reward_reading import read_rewards
from engines.remote.reward_server import RewardServer
from tests.engines.reward_like import RewardLike, pooling, steps
from tests.engines.servers import serving

QUICK = RetryPolicy(attempts=3, first_delay=0.001)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_a_conversation_is_one_request_in_the_model_s_own_template() -> None:
    server = RewardLike(steps)
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "a<extra_0>"}]
    with serving(server.app) as url:
        async with RewardServer(f"{url}/v1", "reward") as rewards:
            assert await rewards.of_conversation(messages) == ((0.5, 0.5),)
            assert rewards.prompt_tokens == len("a<extra_0>")
    assert server.bodies == [{"messages": messages, "model": "reward"}]


@pytest.mark.anyio
async def test_texts_and_ids_go_in_batches_and_keep_their_order() -> None:
    server = RewardLike()
    with serving(server.app) as url:
        async with RewardServer(url, in_flight=2) as rewards:
            texts = ["x" * (n % 7 + 1) for n in range(20)]
            assert await rewards.of_inputs(texts, batch=3) == [((float(len(t)),),) for t in texts]
            assert [len(body["input"]) for body in server.bodies].count(3) == 6
            assert server.peak <= 2
            assert await rewards.of_inputs([(1, 2), (3,)]) == [((2.0,),), ((1.0,),)]
            assert await rewards.of_inputs([]) == []
    assert server.bodies[-1] == {"input": [[1, 2], [3]]}
    assert len(server.bodies) == 8


@pytest.mark.anyio
@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_takes_no_more_now_is_asked_again(status: int) -> None:
    busy = JSONResponse({"error": {"message": "busy"}}, status_code=status)
    server = RewardLike(answers=[busy, busy])
    with serving(server.app) as url:
        async with RewardServer(url, retry=QUICK) as rewards:
            assert await rewards.of_inputs(["abc"]) == [((3.0,),)]
        server.answers = [busy] * 3
        async with RewardServer(url, retry=QUICK) as rewards:
            with pytest.raises(EngineUnavailable, match=f"answered {status}: busy") as caught:
                await rewards.of_inputs(["abc"])
    assert isinstance(caught.value, EngineOverloaded) == (status == 429)
    assert len(server.bodies) == 6


@pytest.mark.anyio
async def test_what_no_retry_helps_fails_at_once() -> None:
    server = RewardLike(window=5)
    with serving(server.app) as url:
        async with RewardServer(url, retry=QUICK) as rewards:
            with pytest.raises(ContextTooLong, match="9 tokens and the model's window is 5"):
                await rewards.of_inputs(["x" * 9])
            server.answers = [JSONResponse({"error": {"message": "no"}}, status_code=400)]
            with pytest.raises(RequestRejected, match="refuses the request: no"):
                await rewards.of_inputs(["x"])
    assert len(server.bodies) == 2


@pytest.mark.anyio
async def test_a_server_without_pooling_says_what_to_start() -> None:
    missing = JSONResponse({"detail": "Not Found"}, status_code=404)
    for app in (RewardLike(answers=[missing]).app, Starlette()):
        with serving(app) as url:
            async with RewardServer(url) as rewards:
                with pytest.raises(
                    NotAnEngine, match=r"runner pooling|not as an OpenAI-compatible"
                ):
                    await rewards.of_inputs(["x"])


@pytest.mark.anyio
async def test_nobody_there_is_told_after_the_tries() -> None:
    async with RewardServer("http://127.0.0.1:9", retry=QUICK) as rewards:
        with pytest.raises(EngineUnavailable, match="nothing answers at http"):
            await rewards.of_inputs(["x"])


@pytest.mark.anyio
async def test_one_failed_batch_fails_all_with_its_error_and_none_is_left_running() -> None:
    server = RewardLike(window=5)
    with serving(server.app) as url:
        async with RewardServer(url) as rewards:
            with anyio.fail_after(300), pytest.raises(ContextTooLong):
                await rewards.of_inputs(["x", "x" * 9, "y"], batch=1)
            assert await rewards.of_inputs(["z"]) == [((1.0,),)]


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    body = pooling([0.5], [0.25])
    change(body)
    return body


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": {}},
        {"data": []},
        {"data": [1, 2]},
        pooling([0.5]),
        pooling([0.5], [0.5], [0.5]),
        pooling([0.5], 0.5),
        pooling([0.5], "AAAAPw=="),
        pooling([0.5], ["0.5"]),
        pooling([0.5], [True]),
        pooling([0.5], [[0.5], 0.5]),
        pooling([0.5], [0.5, [0.5]]),
        pooling([0.5], [[]]),
        pooling([0.5], [[[0.5]]]),
        broken(lambda body: body["data"][1].update(index=0)),
        broken(lambda body: body["data"][1].update(index=2)),
        broken(lambda body: body["data"][1].update(index="1")),
        broken(lambda body: body["data"][1].pop("data")),
        broken(lambda body: body["data"].append(body["data"][0])),
    ],
    ids=json.dumps,
)
def test_another_shape_is_one_error(body: dict[str, Any]) -> None:
    with pytest.raises(NotAnEngine, match="sent an answer that no") as caught:
        read_rewards("http://x/pooling", body, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None])
def test_a_reward_that_is_no_number_is_an_error(number: float | None) -> None:
    for data in ([number], [[0.1, 0.2], [0.3, number]]):
        with pytest.raises(EngineError, match=r"no number \((nan|inf)\)"):
            read_rewards("http://x/pooling", pooling([0.5], data), 2)


def test_an_embedding_is_no_reward() -> None:
    with pytest.raises(EngineError, match="gave 576 numbers where a reward model gives one or two"):
        read_rewards("http://x/pooling", pooling([0.1] * 576), 1)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.lists(FLOATS, min_size=2, max_size=2), min_size=1, max_size=4)


@given(st.lists(st.one_of(st.lists(FLOATS, min_size=1, max_size=2), ROWS)), st.randoms())
def test_rewards_come_in_the_order_of_their_inputs(data: list[Any], chance: Any) -> None:
    body = pooling(*data)
    chance.shuffle(body["data"])
    found = read_rewards("x", json.loads(json.dumps(body)), len(data))
    rows = [item if isinstance(item[0], list) else [item] for item in data]
    assert [list(map(list, reward)) for reward in found] == rows


def test_no_step_is_no_row() -> None:
    assert read_rewards("x", pooling([]), 1) == [()]


@pytest.mark.anyio
async def test_what_is_no_json_is_one_error() -> None:
    page = Response("<html>", media_type="text/html")
    with serving(RewardLike(answers=[page]).app) as url:
        async with RewardServer(url, retry=QUICK) as rewards:
            with pytest.raises(NotAnEngine):
                await rewards.of_inputs(["x"])


@pytest.mark.anyio
async def test_nothing_at_once_asks_for_nothing() -> None:
    with pytest.raises(UsageError, match="in_flight=-1 asks for nothing: give at least 1"):
        RewardServer("http://x", in_flight=-1)
    async with RewardServer("http://x") as rewards:
        with pytest.raises(UsageError, match="batch=0 asks for nothing: give at least 1"):
            await rewards.of_inputs(["a"], batch=0)


@pytest.mark.anyio
async def test_it_has_to_be_opened() -> None:
    with pytest.raises(RuntimeError, match="async with RewardServer"):
        await RewardServer("http://x").of_inputs(["x"])


@pytest.mark.anyio
async def test_a_key_and_an_address_are_checked_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match="no server's address"):
        RewardServer("ftp://x")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u2026")
    with pytest.raises(UsageError, match="copy it again"):
        RewardServer("http://x")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    server = RewardLike()
    with serving(server.app) as url:
        async with RewardServer(url) as rewards:
            await rewards.of_inputs(["x"])
    assert server.keys == ["Bearer sk-1"]
