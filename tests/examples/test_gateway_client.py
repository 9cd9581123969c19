from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from examples import gateway_client
from tests.orchestrator.processes import FORKJOIN, started

MINE = r"""
import json
from engines import FakeEngine

def reply(context, sampling):
    if context.path == "plan":
        return '1. weather("Paris")\n2. weather("Oslo")\njoin()'
    if context.path == "plan/joiner-1":
        known = "11 degrees" in context.turns[-2].text and "-3 degrees" in context.turns[-2].text
        return json.dumps({"thought": "so", "action": "finish", "answer": f"known: {known}"})
    return "So \\boxed{122}."

def engine():
    return FakeEngine(reply)
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[openai.OpenAI]:
    (tmp_path / "mine.py").write_text(MINE)
    command = [str(FORKJOIN), "serve", "--engine", "mine:engine", "--port", "0"]
    with started(*command, folder=tmp_path, stderr=None) as process:
        assert process.stdout is not None
        address = re.search(r" at (\S+/v1);", process.stdout.readline())
        assert address is not None
        with openai.OpenAI(base_url=address[1], api_key="none", max_retries=0) as client:
            yield client


def test_it_votes_streams_and_calls_its_own_tools(
    client: openai.OpenAI, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway_client.talk(client)
    voted, streamed, asked = capsys.readouterr().out.strip().split("\n\n")
    assert voted == f"a vote of eight took {8 * len('So .boxed{122}.')} tokens\nSo \\boxed{{122}}."
    *thoughts, answer = streamed.splitlines()
    assert {f"[1/thread-{number}] So \\boxed{{122}}." for number in range(3)} <= {*thoughts}
    assert answer == "So \\boxed{122}."
    weather = {f"weather in {city}: {said}" for city, said in gateway_client.WEATHER.items()}
    begun, *called, again, concluded = asked.splitlines()
    assert {*called} == weather
    assert (begun[:9], again[:9]) == ("request 1", "request 2")
    assert concluded == "known: True"


def test_without_a_server_it_says_in_a_line_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = "http://127.0.0.1:9/v1"
    monkeypatch.setattr(sys, "argv", ["gateway_client", nowhere])
    monkeypatch.setattr(
        gateway_client, "OpenAI", lambda **given: openai.OpenAI(**given, max_retries=0)
    )
    with pytest.raises(SystemExit, match="start one with forkjoin serve") as end:
        gateway_client.main()
    assert nowhere in str(end.value)


def test_a_model_that_is_too_slow_ends_it_in_a_line(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = client.models.list().data[0].id
    monkeypatch.setattr(sys, "argv", ["gateway_client", str(client.base_url)])
    monkeypatch.setattr(
        gateway_client,
        "talk",
        lambda client: gateway_client.with_tools(client, model, seconds=1e-9),
    )
    with pytest.raises(SystemExit, match=r"gives no answer: .*budget exhausted"):
        gateway_client.main()
