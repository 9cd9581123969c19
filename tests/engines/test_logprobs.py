"""How likely one of several one-token texts was."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Logprob, TokenLogprobs, choice_probabilities

OPTIONS = ["0", "1", "2"]


def place(*top: tuple[str, float], chosen: str = "1") -> TokenLogprobs:
    tokens = tuple(Logprob(text, value) for text, value in top)
    return TokenLogprobs(Logprob(chosen, -0.5), tokens)


def test_only_the_options_share_what_is_there() -> None:
    likely = choice_probabilities(place(("the", -0.1), ("0", math.log(0.2)), ("1", -0.5)), OPTIONS)
    assert likely["0"] == pytest.approx(0.2 / (0.2 + math.exp(-0.5)))
    assert likely["2"] == 0


def test_with_no_option_among_the_likeliest_the_chosen_one_has_all() -> None:
    unknown = TokenLogprobs(Logprob("2", -math.inf), (Logprob("the", -0.1),))
    assert choice_probabilities(unknown, OPTIONS) == {"0": 0, "1": 0, "2": 1}


def test_nan_counts_as_nothing() -> None:
    broken = place(("0", math.nan), ("1", -1.0))
    assert choice_probabilities(broken, OPTIONS)["0"] == 0


@given(
    st.lists(st.tuples(st.sampled_from([*OPTIONS, "x", " 1"]), st.floats(allow_nan=True))),
    st.sampled_from([*OPTIONS]),
)
def test_they_add_up_to_one(top: list[tuple[str, float]], chosen: str) -> None:
    likely = choice_probabilities(place(*top, chosen=chosen), OPTIONS)
    assert math.fsum(likely.values()) == pytest.approx(1)
    assert set(likely) == set(OPTIONS)
