from __future__ import annotations

import pytest
from openai import APIError
from openai.types import Completion

from engines import EngineUnavailable, Usage
from orchestrator.openai_api.model_request import ModelRequest
from orchestrator.openai_api.pieces import Ended, Finished, Reasoning, Said, Told
from orchestrator.openai_api.writing import whole
from tests.orchestrator.openai_api.clients import IDENTITY, Server, client, data, lines

PIECES = (
    Told({"kind": "run-started"}),
    Reasoning("Hm."),
    *(Said("a"), Said("b", 1), Said("c")),
    *(Finished("length", 0), Finished("stop", 1)),
    Ended(usage=Usage(prompt_tokens=2, cached_tokens=None, generated_tokens=3), detail={"run": ""}),
)


def request(usage: bool = False) -> ModelRequest:
    return ModelRequest(
        turns=(("user", "1, 2,"),), endpoint="completions", choices=2, stream_usage=usage
    )


@pytest.mark.parametrize("usage", [True, False])
def test_bodies_and_chunks_are_those_of_the_api(usage: bool) -> None:
    Completion.model_validate(whole(request(), PIECES, **IDENTITY), strict=True)
    for chunk in data(lines(request(usage), PIECES)):
        # OpenAI's own chunks have no reason before the last; its types do not know that.
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        Completion.model_validate(chunk, strict=True)


def test_answers_come_as_a_whole_and_as_streams() -> None:
    server = Server(PIECES)
    completions = client(server).completions
    answer = completions.create(model="m", prompt="1, 2,", n=2, max_tokens=4)
    assert [(each.text, each.finish_reason) for each in answer.choices] == [
        ("ac", "length"),
        ("b", "stop"),
    ]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens is None
    assert server.requests[0].turns == (("user", "1, 2,"),)
    said = {0: "", 1: ""}
    for chunk in completions.create(model="m", prompt="1, 2,", n=2, stream=True):
        said[chunk.choices[0].index] += chunk.choices[0].text
    assert said == {0: "ac", 1: "b"}


def test_an_error_in_a_stream_is_raised_by_the_client() -> None:
    server = Server((Said("a"),), EngineUnavailable("nothing at http://10.0.0.1:80/v1"))
    stream = client(server).completions.create(model="m", prompt="p", stream=True)
    with pytest.raises(APIError, match="the engine does not answer") as caught:
        list(stream)
    assert "10.0" not in str(caught.value)
