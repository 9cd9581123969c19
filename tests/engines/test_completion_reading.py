from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Chunk, EngineUnavailable, NotAnEngine
from engines.remote.completion_reading import Reading, TextReading

PARTS = st.lists(st.tuples(st.text(max_size=3), st.lists(st.integers(0, 9), max_size=3)))


def choice(text: str, ids: list[int], finish_reason: str | None = None) -> dict[str, Any]:
    return {"text": text, "token_ids": ids, "finish_reason": finish_reason, "stop_reason": None}


def usage(tokens: int) -> dict[str, Any]:
    return {"prompt_tokens": 7, "completion_tokens": tokens}


@given(PARTS, st.booleans(), st.booleans())
def test_a_stream_says_what_a_whole_answer_says(
    parts: list[tuple[str, list[int]]], is_told: bool, ends_with_the_last: bool
) -> None:
    """However it is cut, and wherever the end and the usage stand."""
    text = "".join(part for part, _ in parts)
    ids = [id for _, part in parts for id in part]
    events: list[dict[str, Any]] = [{"choices": [choice(*part)]} for part in parts]
    if ends_with_the_last and events:
        events[-1]["choices"][0]["finish_reason"] = "stop"
    else:
        events.append({"choices": [choice("", [], "stop")]})
    tail: dict[str, Any] = {"usage": usage(len(ids))} if is_told else {}
    reading, whole = Reading("http://server", 7), Reading("http://server", 7)
    chunks = [
        chunk for event in [*events, {"choices": [], **tail}] if (chunk := reading.feed(event))
    ]
    chunks.append(reading.end())
    answer = whole.whole({"choices": [choice(text, ids, "stop")], **tail})
    assert "".join(chunk.text for chunk in chunks) == answer.text == text
    assert tuple(id for chunk in chunks for id in chunk.token_ids) == answer.token_ids == tuple(ids)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert chunks[-1].usage == answer.usage == reading.usage == whole.usage
    assert answer.usage.generated_tokens == len(ids)
    counts = [chunk.usage.generated_tokens for chunk in chunks]
    assert counts == sorted(counts)


def test_usage_that_comes_with_every_event() -> None:
    reading = Reading("http://server", 7)
    first = reading.feed({"choices": [choice("a", [1])], "usage": usage(1)})
    assert isinstance(first, Chunk)
    assert first.usage.generated_tokens == 1
    reading.feed({"choices": [choice("b", [2, 3], "length")], "usage": usage(3)})
    assert reading.end().usage.generated_tokens == 3


def test_a_stream_that_is_cut_counts_what_came() -> None:
    reading = Reading("http://server", 7)
    reading.feed({"choices": [choice("ab", [1, 2])]})
    assert (reading.usage.prompt_tokens, reading.usage.generated_tokens) == (7, 2)
    with pytest.raises(EngineUnavailable, match="in the middle"):
        reading.end()


def test_a_server_without_token_ids() -> None:
    with pytest.raises(NotAnEngine, match=r"update it to 0\.25"):
        Reading("http://server", 7).feed({"choices": [{"text": "a"}]})


def test_a_chat_answer_without_content() -> None:
    reading = TextReading("http://server")
    answer = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    chunk = reading.whole(answer)
    assert (chunk.text, chunk.usage.generated_tokens) == ("", 0)
    assert chunk.usage.lower_bound


@pytest.mark.parametrize(
    ("reading", "answer"),
    [
        (Reading, {"choices": [{"token_ids": [1], "finish_reason": "stop"}]}),
        (Reading, {"choices": [choice("a", [1], "stop") | {"text": 1}]}),
        (Reading, {"choices": [choice("a", [1], "stop") | {"token_ids": "1"}]}),
        (Reading, {"choices": [choice("a", [1], "stop") | {"token_ids": ["1"]}]}),
        (Reading, {"choices": [choice("a", [1], "stop") | {"stop_reason": {}}]}),
        (TextReading, {"choices": ["x"]}),
        (TextReading, {"choices": 1}),
        (TextReading, {"choices": [{"message": "x", "finish_reason": "stop"}]}),
        (TextReading, {"choices": [{"message": {"content": [{"type": "text"}]}}]}),
        (TextReading, {"choices": [], "usage": {"prompt_tokens": 1.5}}),
        (TextReading, {"choices": [], "usage": "none"}),
    ],
)
def test_an_answer_of_another_shape(reading: type[Reading], answer: dict[str, Any]) -> None:
    made = TextReading("http://server") if reading is TextReading else Reading("http://server", 7)
    with pytest.raises(NotAnEngine, match="http://server sent an answer that") as caught:
        made.feed(answer)
    assert "\n" not in str(caught.value)


def test_a_stream_that_ends_twice() -> None:
    """Nothing that comes with or after the first end is lost."""
    reading = Reading("http://server", 7)
    reading.feed({"choices": [choice("a", [1], "length") | {"stop_reason": "x"}]})
    assert reading.feed({"choices": [choice("b", [2])]}) is None
    reading.feed({"choices": [choice("", [], "stop")], "usage": usage(2)})
    last = reading.end()
    assert (last.text, last.token_ids, last.usage.generated_tokens) == ("ab", (1, 2), 2)
    assert (last.finish_reason, last.stop_reason) == ("stop", "x")
