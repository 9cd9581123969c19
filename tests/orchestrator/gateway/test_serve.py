"""`forkjoin serve` as a process, and the official openai client against it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import openai
import pytest
from pydantic import BaseModel

from orchestrator.command_line import main
from orchestrator.commands.serve import _ready
from tests.orchestrator.processes import FORKJOIN, SECONDS, started, to_end

from .gateways import CHAT, head

ENGINES = """
from engines import FakeEngine
from orchestrator import tool

@tool(approval=True)
def launch() -> str:
    "Launches it."
    return "launched"

def reply(context, sampling):
    if context.path == "plan":
        return "1. launch()\\njoin()"
    if "action" in str(sampling.constraint):
        done = "$1: launched" in str(context.turns)
        return '{"action": "finish", "answer": "launched: %s"}' % done
    if sampling.constraint is not None:
        return '{"product": 84}'
    return "The product is \\\\boxed{84}."

def fake():
    return FakeEngine(reply)

def slow():
    return FakeEngine(reply, latency=600)
"""
KEY = "sk-test-1234"
MESSAGES: list[openai.types.chat.ChatCompletionMessageParam] = [
    {"role": "user", "content": "How much is 12 times 7?"}
]


class Product(BaseModel):
    product: int


@contextmanager
def serving(
    folder: Path, *options: str, engine: str = "fake"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    (folder / "mine.py").write_text(ENGINES)
    command = [str(FORKJOIN), "serve", "--engine", f"mine:{engine}", "--port", "0", *options]
    with started(*command, folder=folder, more={"FORKJOIN_API_KEY": KEY}) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"at (http://\S+)/v1; try: curl", line)
        assert found, line
        yield found[1], process


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    options = ["--max-threads", "8", "--tools", "mine:launch", "--approve", "all"]
    with serving(tmp_path_factory.mktemp("serve"), *options) as (url, _):
        yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_the_client_chats(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fake", messages=MESSAGES)
    assert answer.choices[0].message.content == "The product is \\boxed{84}."
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert answer._request_id


def test_the_client_chats_with_a_method(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="fake", messages=MESSAGES).usage
    for model, more in (
        ("fake@self-consistency:n=4", {}),
        ("fake", {"method": "self-consistency", "set": {"method.samples": 4}}),
    ):
        answer = client.chat.completions.create(
            model=model, messages=MESSAGES, extra_body={"forkjoin": more} if more else None
        )
        assert "84" in str(answer.choices[0].message.content)
        assert plain is not None
        assert answer.usage is not None
        assert answer.usage.completion_tokens >= 4 * plain.completion_tokens


@pytest.mark.parametrize("model", ["fake", "fake@self-consistency:n=3"])
def test_the_client_streams(client: openai.OpenAI, model: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert "84" in said
    assert chunks[-1].usage is not None


def test_tools_that_have_to_be_approved_are_called_where_all_are(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fake@llm-compiler", messages=MESSAGES)
    assert answer.choices[0].message.content == "launched: True"


def test_the_client_gets_structured_output(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="fake", messages=MESSAGES, response_format=Product)
    assert answer.choices[0].message.parsed == Product(product=84)


def test_the_client_gets_responses(client: openai.OpenAI) -> None:
    assert "84" in client.responses.create(model="fake", input="12 times 7?").output_text
    with client.responses.stream(model="fake", input="12 times 7?") as stream:
        assert "84" in stream.get_final_response().output_text


def test_the_client_lists_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "fake"
    assert "fake@self-consistency" in names
    assert client.models.retrieve("fake").id == "fake"


def test_the_client_knows_the_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="other"):
        client.chat.completions.create(model="other", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="self-consistency"):
        client.chat.completions.create(model="fake@none", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="samples"):
        client.chat.completions.create(model="fake@self-consistency:nonsense=1", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="at most 8"):
        client.chat.completions.create(model="fake@self-consistency:n=9", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="fake", messages=MESSAGES, temperature=-1)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.AuthenticationError) as refused:
        client.with_options(api_key="sk-wrong").models.list()
    assert "sk-" not in str(refused.value)


def test_many_asynchronous_clients_at_once(url: str) -> None:
    async def ask_all() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:

            async def ask() -> None:
                answer = await client.chat.completions.create(model="fake", messages=MESSAGES)
                assert "84" in str(answer.choices[0].message.content)

            async with anyio.create_task_group() as group:
                for _ in range(64):
                    group.start_soon(ask)

    anyio.run(ask_all)


def test_a_signal_ends_it_in_order_and_no_key_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, "--out", "runs") as (url, process):
        with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY) as client:
            client.chat.completions.create(model="fake@self-consistency:n=2", messages=MESSAGES)
        process.send_signal(signal.SIGTERM)
        _, told = to_end(process)
    assert process.returncode == 0
    assert f"POST {CHAT} 200" in told
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "events.jsonl").exists()
    # They hold what clients have asked.
    kept = (tmp_path / "runs").rglob("*")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "runs", *kept)} == {0}
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in told
    assert KEY.encode() not in written


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    body = json.dumps({"model": "fake", "messages": MESSAGES}).encode()
    with serving(tmp_path, "--drain", "600", engine="slow") as (url, process):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(head(CHAT, f"authorization: Bearer {KEY}", length=len(body)) + body)
            with httpx.Client(base_url=url, trust_env=False, timeout=SECONDS) as client:
                while 'forkjoin_engine{what="running"} 1.0' not in client.get("/metrics").text:
                    pass
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")
        _, told = to_end(process)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "forkjoin: cancelled"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "--no-key"),
        (["--host", "::"], "--api-key-file"),
        (["--no-key", "--api-key-file", "keys"], "leave out one"),
        (["--model", "foo"], "leave --model out"),
        (["--port", "70000"], "65535"),
        (["--max-requests", "0"], "from 1 on"),
        (["--max-body", "0"], "from 1 on"),
        (["--max-threads", "0"], "from 1 on"),
        (["--approve", "ask"], "write all"),
        (["--journal-dir", "journals"], "--out"),
        (["--drain", "nan"], "from 0 on"),
        (["--planner", "none"], "llm-compiler"),
        (["--budget", "tokens=x"], "tokens=N"),
        (["--api-key-file", "none"], "cannot be read"),
        (["--tools", "serve_tools:nothing"], "nothing"),
        (["--engine", "nonsense"], "there is no engine"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORKJOIN_API_KEY", raising=False)
    (tmp_path / "serve_tools.py").touch()
    (tmp_path / "keys").write_text("a-key-of-its-own")
    monkeypatch.setattr(sys, "path", [*sys.path])
    engine = "tests.orchestrator.gateway.test_serve:nothing"
    assert main(["serve", "--engine", engine, "--port", "0", *options]) == 2
    output, errors = capsys.readouterr()
    (line,) = [line for line in errors.splitlines() if line.startswith("forkjoin: ")]
    assert said in line
    assert output == ""


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000/v1/"),
        ("http://[::]:8000", "http://[::1]:8000/v1/"),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000/v1/"),
    ],
)
def test_the_line_to_try_names_an_address_that_can_be_reached(address: str, reached: str) -> None:
    line = _ready(address, "fake", needs_key=False)
    assert f"at {address}/v1; try: curl {reached}" in line
