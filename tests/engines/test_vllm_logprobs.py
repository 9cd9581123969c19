"""vLLM's records of how likely tokens were, as ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from engines import Logprob, TokenLogprobs
from engines.logprobs import LogprobColumns
from engines.vllm_logprobs import decode_once, read_logprobs

Entry = tuple[int, float, str | None]


class Flat:
    """Places as vLLM keeps them, of entries each."""

    def __init__(self, *places: Sequence[Entry]) -> None:
        entries = [entry for place in places for entry in place]
        ends = [sum(map(len, places[: i + 1])) for i in range(len(places))]
        self.start_indices = [0, *ends][:-1]
        self.end_indices = ends
        self.token_ids = [id for id, _, _ in entries]
        self.logprobs = [value for _, value, _ in entries]
        self.decoded_tokens = [text for _, _, text in entries]


A, B, C = (1, -0.1, "a"), (2, -2.5, "b"), (5, -3.0, "c")


def test_the_chosen_one_comes_before_the_likeliest_and_may_be_none_of_them() -> None:
    a, b, c = Logprob("a", -0.1, 1), Logprob("b", -2.5, 2), Logprob("c", -3.0, 5)
    assert read_logprobs([5, 1], Flat([C, A, B], [A, A, B]), 2) == (
        TokenLogprobs(c, (a, b)),
        TokenLogprobs(a, (a, b)),
    )


def test_no_more_are_told_than_were_asked_for() -> None:
    """Of calls that are computed together each has as many as the one that asked for the most."""
    places = Flat([C, A, B], [A, A, B])
    assert [len(found.top) for found in read_logprobs([5, 1], places, 1)] == [1, 1]
    assert [len(found.top) for found in read_logprobs([5, 1], places, 0)] == [0, 0]


def test_what_a_constraint_forbids_is_not_among_them() -> None:
    seven = (7, 0.0, "7")
    place = [seven, seven, (1, -math.inf, "a"), (2, -math.inf, None)]
    (found,) = read_logprobs([7], Flat(place), 3)
    assert found.top == (found.chosen,)


def test_nan_stays_where_it_is() -> None:
    (found,) = read_logprobs([7], Flat([(7, math.nan, "7"), (7, math.nan, "7"), B]), 2)
    assert [token.text for token in found.top] == ["7", "b"]
    assert math.isnan(found.chosen.value)


def test_a_part_gets_the_places_of_its_ids() -> None:
    """Older versions give a part without ids those of all parts before."""
    places = Flat([A], [B])
    assert read_logprobs([], places, 0) == ()
    assert [found.chosen.token_id for found in read_logprobs([2], places, 0)] == [2]


def test_places_that_are_not_there_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        read_logprobs([1, 2], Flat([A]), 0)


def test_columns_are_the_logprobs_that_they_stand_for() -> None:
    columns = LogprobColumns(("a", "b"), (-0.1, -2.5), (1, 2))
    same = (Logprob("a", -0.1, 1), Logprob("b", -2.5, 2))
    assert columns == same == tuple(columns)
    assert same == columns
    assert hash(columns) == hash(same)
    assert columns[-1] == same[1]
    assert columns[:1] == same[:1]
    assert columns != same[:1]
    assert TokenLogprobs(same[0], columns) == TokenLogprobs(same[0], same)
    assert [*TokenLogprobs(same[0], columns).top_values] == TokenLogprobs(same[0], same).top_values


@dataclass
class Tokenizer:
    asked: list[object] = field(default_factory=list)
    decode: Callable[..., str] = field(init=False)

    def __post_init__(self) -> None:
        self.decode = self._decode

    def _decode(self, token_ids: object, *, skip_special_tokens: bool = False) -> str:
        self.asked.append(token_ids)
        return f"{token_ids}{' skipping' * skip_special_tokens}"


def test_single_tokens_are_decoded_once() -> None:
    tokenizer = Tokenizer()
    decode_once(tokenizer)
    first = tokenizer.decode
    # A second engine of the same model.
    decode_once(tokenizer)
    assert tokenizer.decode is first
    assert [tokenizer.decode([3]) for _ in range(3)] == ["[3]"] * 3
    assert tokenizer.asked == [[3]]


@pytest.mark.parametrize("ids", [[3, 4], [], (3,), 3])
def test_nothing_else_is_remembered(ids: object) -> None:
    tokenizer = Tokenizer()
    decode_once(tokenizer)
    tokenizer.decode([3])
    assert tokenizer.decode(ids) == str(ids)
    assert tokenizer.decode([3], skip_special_tokens=True) == "[3] skipping"
    assert tokenizer.asked == [[3], ids, [3]]
