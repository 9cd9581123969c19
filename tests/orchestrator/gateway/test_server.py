from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import httpx
import pytest

from engines import (
    BudgetExhausted,
    Context,
    EngineDead,
    EngineStatistics,
    EngineUnavailable,
    FakeEngine,
    Role,
    Segment,
)
from orchestrator.errors import InvalidRequest
from orchestrator.gateway.serving.access_log import told_failure
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Piece, Said, Told
from tests.orchestrator.processes import SECONDS

from .gateways import ASKED, CHAT, FakeAnswering, Gateway, end, gateway, says_hello


@pytest.fixture(scope="module")
def answering() -> FakeAnswering:
    return FakeAnswering()


@pytest.fixture(scope="module")
def served(answering: FakeAnswering) -> Iterator[Gateway]:
    with gateway(answering) as running:
        yield running


@pytest.fixture
def client(served: Gateway, answering: FakeAnswering) -> Iterator[httpx.Client]:
    answering.script = says_hello
    with served.client() as client:
        yield client


def error_in(response: httpx.Response) -> dict[str, Any]:
    """The error of a response, which has to be of OpenAI's form."""
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert "\n" not in error["message"]
    return error


def events_in(text: str) -> list[Any]:
    lines = [line for line in text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def test_it_answers_whole(client: httpx.Client) -> None:
    response = client.post(CHAT, json=ASKED)
    assert response.status_code == 200
    body = response.json()
    assert body["choices"][0]["message"]["content"] == "Hello"
    assert body["usage"]["total_tokens"] == 8
    assert body["model"] == "fake"
    assert len(response.headers["x-request-id"]) == 24


def test_it_streams(client: httpx.Client) -> None:
    response = client.post(CHAT, json=ASKED | {"stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    said = [
        choice["delta"].get("content")
        for event in events_in(response.text)
        for choice in event["choices"]
    ]
    assert "".join(filter(None, said)) == "Hello"


def test_it_completes_texts_and_responds(client: httpx.Client) -> None:
    text = client.post("/v1/completions", json={"model": "fake", "prompt": "Say"}).json()
    assert text["choices"][0]["text"] == "Hello"
    response = client.post("/v1/responses", json={"model": "fake", "input": "Say"}).json()
    assert response["output"][-1]["content"][0]["text"] == "Hello"


def test_a_long_answer_comes_whole(client: httpx.Client, answering: FakeAnswering) -> None:
    async def talks(request: ModelRequest) -> AsyncIterator[Piece]:
        yield Said("ä" * 1_000_000)
        for piece in end():
            yield piece

    answering.script = talks
    content = client.post(CHAT, json=ASKED).json()["choices"][0]["message"]["content"]
    assert content == "ä" * 1_000_000


def test_models_are_listed_and_found(client: httpx.Client) -> None:
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert names == ["fake", "fake@self-consistency"]
    assert client.get("/v1/models/fake@self-consistency").json()["object"] == "model"
    missing = client.get("/v1/models/org/other")
    assert (missing.status_code, error_in(missing)["code"]) == (404, "model_not_found")


def test_it_is_healthy_as_long_as_its_engine_answers() -> None:
    class Mortal(FakeEngine):
        dead = False

        async def statistics(self) -> EngineStatistics:
            if self.dead:
                raise EngineDead("its process is gone")
            return await super().statistics()

    engine = Mortal()
    with gateway(engine=engine) as served, served.client() as client:
        assert client.get("/health").status_code == 200
        engine.dead = True
        assert client.get("/health").status_code == 503
        assert "forkjoin_engine_up 0.0" in client.get("/metrics").text


def test_an_engine_that_counts_but_does_not_answer_is_not_healthy() -> None:
    class Gone(FakeEngine):
        async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
            raise EngineUnavailable("no replica answers")

    with gateway(engine=Gone()) as served, served.client() as client:
        assert client.get("/health").status_code == 503


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("n of 0 does not fit", "n"), 400),
        (BudgetExhausted("tokens", 10, 10, "q"), 400),
        (EngineUnavailable("no answer from http://10.0.0.1:8000"), 503),
        (EngineDead("gone"), 503),
        (ZeroDivisionError("secret"), 500),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_before_the_first_piece_have_a_status_of_their_own(
    client: httpx.Client, answering: FakeAnswering, served: Gateway, error: Exception, status: int, stream: bool
) -> None:  # fmt: skip
    async def fails(request: ModelRequest) -> AsyncIterator[Piece]:
        raise error
        yield

    answering.script = fails
    response = client.post(CHAT, json=ASKED | {"stream": stream})
    assert response.status_code == status
    assert "secret" not in error_in(response)["message"]
    assert "10.0.0.1" not in response.text
    name = response.headers["x-request-id"]
    told = [line for line in served.lines if line.startswith(f"request {name} failed")]
    assert len(told) == (1 if status >= 500 else 0), "what the client is not told, the operator is"


def test_an_error_behind_the_first_piece_ends_the_stream(
    client: httpx.Client, answering: FakeAnswering
) -> None:
    async def breaks(request: ModelRequest) -> AsyncIterator[Piece]:
        yield Said("Hel")
        raise EngineDead("gone")

    answering.script = breaks
    text = client.post(CHAT, json=ASKED | {"stream": True}).text
    assert '"Hel"' in text
    *_, last = [line for line in text.split("\n\n") if line.startswith("data: {")]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_dead"


def test_a_quiet_stream_gets_comments_that_clients_ignore() -> None:
    gate = anyio.Event()

    async def thinks(request: ModelRequest) -> AsyncIterator[Piece]:
        await gate.wait()
        async for piece in says_hello(request):
            yield piece

    with (
        gateway(FakeAnswering(thinks), comment_seconds=0.05) as served,
        served.client() as client,
        client.stream("POST", CHAT, json=ASKED | {"stream": True}) as response,
    ):
        lines = response.iter_lines()
        assert [next(lines) for _ in range(3)] == [": working", "", ": working"]
        anyio.from_thread.run_sync(gate.set, token=served.token)
        assert "data: [DONE]" in list(lines)


def test_keys_are_asked_for_before_anything_else_and_told_nowhere() -> None:
    from orchestrator.gateway.serving.keys import Keys

    answering = FakeAnswering()
    with gateway(answering, keys=Keys(["sk-one", "sk-two"])) as served, served.client() as client:
        for headers in ({}, {"authorization": "Bearer sk-wrong"}):
            refused = [
                client.post(CHAT, content=b"{", headers=headers),
                client.get("/v1/models", headers=headers),
            ]
            for response in refused:
                assert (response.status_code, error_in(response)["code"]) == (
                    401,
                    "invalid_api_key",
                )
                assert response.headers["www-authenticate"] == "Bearer"
                assert "sk-" not in response.text
        for key in ("sk-one", "sk-two", "sk-one"):
            headers = {"authorization": f"Bearer {key}"}
            assert client.post(CHAT, json=ASKED, headers=headers).status_code == 200
        assert client.get("/health").status_code == 200
        assert "sk-" not in client.get("/metrics").text
    owners = [owner for _, owner in answering.asked]
    assert owners[0] == owners[2] != owners[1]
    assert not any("sk-" in text for text in (*served.lines, *owners))


def test_what_a_run_tells_of_itself_is_no_first_piece_of_an_answer() -> None:
    async def tells(request: ModelRequest) -> AsyncIterator[Piece]:
        yield Told({"kind": "run-started"})
        raise EngineDead("gone")

    with gateway(FakeAnswering(tells)) as served, served.client() as client:
        client.post(CHAT, json=ASKED | {"stream": True})
        assert "forkjoin_first_piece_seconds_count" not in client.get("/metrics").text


def test_a_line_of_the_log_is_not_as_long_as_what_a_client_sends() -> None:
    for error in (EngineDead("x" * 10**6), ZeroDivisionError("x" * 10**6)):
        assert len(told_failure(error, "name")) < 5_000


def test_metrics_count_what_happened() -> None:
    with gateway() as served, served.client() as client:
        client.post(CHAT, json=ASKED)
        client.post(CHAT, json=ASKED | {"model": "fake@self-consistency:n=3", "stream": True})
        client.post(CHAT, json=ASKED | {"model": "fake@" + "x" * 50})
        client.post(CHAT, content=b"{")
        text = client.get("/metrics").text
    for line in (
        'forkjoin_requests_total{endpoint="chat",status="200",way="plain"} 1.0',
        'forkjoin_requests_total{endpoint="chat",status="200",way="self-consistency"} 1.0',
        'forkjoin_requests_total{endpoint="chat",status="200",way="unknown"} 1.0',
        'forkjoin_requests_total{endpoint="chat",status="415",way="unread"} 1.0',
        'forkjoin_request_seconds_count{endpoint="chat",way="plain"} 1.0',
        'forkjoin_first_piece_seconds_count{endpoint="chat",way="plain"} 1.0',
        'forkjoin_tokens_total{kind="prompt"} 15.0',
        'forkjoin_tokens_total{kind="cached"} 6.0',
        'forkjoin_tokens_total{kind="generated"} 9.0',
        "forkjoin_requests_running 0.0",
        "forkjoin_requests_waiting 0.0",
        "forkjoin_engine_up 1.0",
        'forkjoin_engine{what="running"} 0.0',
    ):
        assert line in text
    assert "xxx" not in text


def test_each_request_has_a_line_and_an_id(client: httpx.Client, served: Gateway) -> None:
    response = client.get("/v1/none/%0a%1b[2J?key=secret", headers={"x-request-id": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    line = served.line_of("mine-1")
    assert line.startswith("127.0.0.1 GET /v1/none/\\n\\x1b[2J 404 ")
    assert line.endswith(" mine-1")
    assert "secret" not in line
    forged = client.get("/health", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    assert forged != "a b\tc"


def test_more_than_may_wait_are_sent_away_and_served_later() -> None:
    gate = anyio.Event()

    async def waits(request: ModelRequest) -> AsyncIterator[Piece]:
        await gate.wait()
        async for piece in says_hello(request):
            yield piece

    answering = FakeAnswering(waits)
    statuses: list[int] = []

    async def ask_all(served: Gateway) -> None:
        async with httpx.AsyncClient(
            base_url=served.url, trust_env=False, timeout=SECONDS
        ) as client:

            async def ask() -> None:
                response = await client.post(CHAT, json=ASKED)
                statuses.append(response.status_code)
                if response.status_code == 429:
                    assert response.headers["retry-after"] == "1"
                    assert error_in(response)["type"] == "rate_limit_error"
                    if statuses.count(429) == 5:
                        anyio.from_thread.run_sync(gate.set, token=served.token)

            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(ask)

    with gateway(answering, max_requests=2, max_waiting=3) as served:
        anyio.run(ask_all, served)
    assert sorted(statuses) == [200] * 5 + [429] * 5
    assert len(answering.asked) == 5


@pytest.mark.parametrize("size", [100, 10**5, 10**6])
def test_a_body_is_read_however_long_it_is(size: int) -> None:
    with gateway() as served, served.client() as client:
        said = client.post(CHAT, json=ASKED | {"user": "x" * size})
        assert said.json()["choices"][0]["message"]["content"] == "Hello"
        wrong = client.post(CHAT, json=ASKED | {"n": 0, "user": "x" * size})
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "n")
