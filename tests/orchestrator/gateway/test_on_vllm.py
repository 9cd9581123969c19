"""The official openai client against `forkjoin serve` over a real vLLM server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import anyio
import httpx
import openai
import pytest

from tests.orchestrator.processes import FORKJOIN, started

pytestmark = pytest.mark.real_vllm

MESSAGES: list[openai.types.chat.ChatCompletionMessageParam] = [
    {"role": "user", "content": "How much is 12 times 7?"}
]
WEATHER: openai.types.chat.ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(scope="module")
def url(vllm_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    command = [str(FORKJOIN), "serve", "--engine", f"{vllm_server}/v1", "--port", "0"]
    with (
        (folder / "log").open("wb") as log,
        started(*command, folder=folder, stderr=log) as process,
    ):
        assert process.stdout is not None
        found = re.search(r"at (http://\S+/v1);", process.stdout.readline())
        assert found, (folder / "log").read_text()
        yield found[1]


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300) as client:
        yield client


@pytest.fixture
def model(client: openai.OpenAI) -> str:
    return next(iter(client.models.list())).id


def running(vllm_server: str) -> float:
    """Requests in the engine, by its own count."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        text = client.get(f"{vllm_server}/metrics").text
    return sum(
        map(
            float, re.findall(r"^vllm:num_requests_(?:running|waiting)\{[^}]*\} (\S+)$", text, re.M)
        )
    )


def test_plain(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 8


def test_method(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=f"{model}@self-consistency:n=4", messages=MESSAGES, max_tokens=8, seed=1
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 8


def test_streaming(client: openai.OpenAI, model: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=MESSAGES,
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = [each.choices[0].delta.content for each in chunks if each.choices]
    assert len([text for text in said if text]) > 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 8


def test_tools(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model,
        messages=MESSAGES,
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=64,
        seed=1,
    )
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls


@pytest.mark.parametrize("way", ["", "@self-consistency:n=4"])
def test_a_client_that_goes_leaves_nothing_in_the_engine(
    client: openai.OpenAI, model: str, vllm_server: str, way: str
) -> None:
    stream = client.chat.completions.create(
        model=model + way,
        messages=MESSAGES,
        max_tokens=1500,
        stream=True,
        extra_body={} if way else {"ignore_eos": True},
    )
    with stream:
        next(iter(stream))
        while not running(vllm_server):
            time.sleep(0.05)
    gone = time.monotonic()
    while running(vllm_server):
        assert time.monotonic() - gone < 60
        time.sleep(0.02)
    # The CPU is shared, and the engine says it after its next step only.
    print(f"empty after {time.monotonic() - gone:.2f} s")  # noqa: T201 -- a figure, not a condition


def test_64_at_once(url: str, model: str) -> None:
    async def ask_all() -> None:
        async with openai.AsyncOpenAI(
            base_url=url, api_key="none", max_retries=0, timeout=300
        ) as client:

            async def ask() -> None:
                answer = await client.chat.completions.create(
                    model=model, messages=MESSAGES, max_tokens=4
                )
                assert answer.choices[0].message.content

            async with anyio.create_task_group() as group:
                for _ in range(64):
                    group.start_soon(ask)

    anyio.run(ask_all)
