"""vLLM's records of how likely tokens were, as ours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engines import Logprob, TokenLogprobs
from engines.vllm_logprobs import read_logprobs


@dataclass
class Entry:
    logprob: float
    decoded_token: str | None


def test_the_likeliest_stand_in_order_wherever_vllm_has_the_chosen_one() -> None:
    place = {5: Entry(-3.0, "c"), 1: Entry(-0.1, "a"), 2: Entry(-2.5, "b")}
    assert read_logprobs([5], [place], 2) == (
        TokenLogprobs(Logprob("c", -3.0, 5), (Logprob("a", -0.1, 1), Logprob("b", -2.5, 2))),
    )


def test_what_a_constraint_forbids_is_not_among_them() -> None:
    place = {7: Entry(0.0, "7"), 1: Entry(-math.inf, "a"), 2: Entry(-math.inf, None)}
    (found,) = read_logprobs([7], [place], 3)
    assert found.top == (found.chosen,)


def test_a_part_gets_the_places_of_its_ids() -> None:
    """Older versions give a part without ids those of all parts before."""
    places = [{1: Entry(-1.0, "a")}, {2: Entry(-2.0, "b")}]
    assert read_logprobs([], places, 0) == ()
    assert [found.chosen.token_id for found in read_logprobs([2], places, 0)] == [2]
