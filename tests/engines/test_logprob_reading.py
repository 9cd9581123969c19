"""How likely servers say that tokens were."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engines import Logprob, NotAnEngine, TokenLogprobs
from engines.remote.completion_reading import Reading, TextReading
from engines.remote.logprob_reading import logprobs_of_chat, logprobs_of_ids


def told(*places: tuple[str, float | None, dict[str, float] | None]) -> dict[str, Any]:
    """Places as vLLM's completions have them."""
    texts, values, tops = zip(*places, strict=True) if places else ((), (), ())
    return {"tokens": texts, "token_logprobs": values, "top_logprobs": tops, "text_offset": []}


def test_the_likeliest_of_a_completion_are_known_by_text() -> None:
    found = told(("c", -3.0, {"c": -3.0, "b": -2.5, "a": -0.1}))
    assert logprobs_of_ids(found, [5], 2) == (
        TokenLogprobs(Logprob("c", -3.0, 5), (Logprob("a", -0.1), Logprob("b", -2.5))),
    )


def test_a_chosen_token_among_the_likeliest_keeps_its_id() -> None:
    (place,) = logprobs_of_ids(told(("7", -0.5, {"7": -0.5, "3": -1.0})), [55], 2)
    assert place.top == (place.chosen, Logprob("3", -1.0))


def test_what_is_impossible_is_not_among_them() -> None:
    (place,) = logprobs_of_ids(told(("7", 0.0, {"7": 0.0, "a": -9999.0})), [55], 2)
    assert [token.text for token in place.top] == ["7"]
    (place,) = logprobs_of_ids(told(("7", -9999.0, None)), [55], 0)
    assert place == TokenLogprobs(Logprob("7", -math.inf, 55))


def test_a_broken_model_has_no_number() -> None:
    (place,) = logprobs_of_ids(told(("7", None, {"7": 0.0})), [55], 1)
    assert math.isnan(place.chosen.value)


def test_chat_completions_have_an_object_for_each_token() -> None:
    token = {"token": "c", "logprob": -3, "bytes": [99]}
    top = [{"token": "a", "logprob": -0.1}, {"token": "c", "logprob": -3}]
    found = {"content": [{**token, "top_logprobs": top}, token], "refusal": None}
    c = Logprob("c", -3.0)
    assert logprobs_of_chat(found, 2) == (
        TokenLogprobs(c, (Logprob("a", -0.1), c)),
        TokenLogprobs(c),
    )


@pytest.mark.parametrize("found", [None, {}, {"content": None}, {"content": []}])
def test_servers_that_do_not_know_logprobs_say_nothing(found: Any) -> None:
    assert logprobs_of_chat(found, 2) == ()
    assert logprobs_of_ids(None, [5], 2) == ()


@pytest.mark.parametrize(
    "found",
    [
        told(("a", -1.0, {})),
        told(("a", -1.0, {}), ("b", "likely", {})),  # type: ignore[arg-type]
        told(("a", -1.0, {}), (7, -1.0, {})),  # type: ignore[arg-type]
        {"content": []},
        [1, 2],
    ],
)
def test_other_shapes_are_no_engine(found: Any) -> None:
    choice = {"text": "ab", "token_ids": [1, 2], "logprobs": found}
    with pytest.raises(NotAnEngine, match="no OpenAI-compatible API sends"):
        Reading("http://server", 7).feed({"choices": [choice]})


def test_a_part_without_text_is_passed_on_for_its_logprobs() -> None:
    """A token that ends in the middle of a character has no text yet."""
    reading = TextReading("http://server", 0)
    places = {"content": [{"token": "\\xe6", "logprob": -1.0}]}
    chunk = reading.feed({"choices": [{"delta": {"content": ""}, "logprobs": places}]})
    assert chunk is not None
    assert [place.chosen.value for place in chunk.logprobs] == [-1.0]


def test_what_comes_after_the_end_belongs_to_it() -> None:
    reading = Reading("http://server", 7)
    for id, reason in ((1, "stop"), (2, None)):
        place = told((str(id), -1.0, {}))
        choice = {"text": str(id), "token_ids": [id], "finish_reason": reason, "logprobs": place}
        assert reading.feed({"choices": [choice]}) is None
    assert [place.chosen.token_id for place in reading.end().logprobs] == [1, 2]
