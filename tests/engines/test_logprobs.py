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


def test_a_token_counts_for_the_option_that_it_begins() -> None:
    likely = choice_probabilities(
        place(("y", math.log(0.3)), (" no", math.log(0.2)), ("yes", math.log(0.1)), chosen="y"),
        ["yes", "no"],
    )
    assert likely == {"yes": pytest.approx(2 / 3), "no": pytest.approx(1 / 3)}


def test_what_begins_several_options_is_shared_unless_it_is_one() -> None:
    options = ["1", "10", "easy", "easier"]
    assert choice_probabilities(place(("eas", 0.0), chosen="eas"), options) == {
        "1": 0,
        "10": 0,
        "easy": 0.5,
        "easier": 0.5,
    }
    assert choice_probabilities(place(("1", 0.0)), options)["1"] == 1


@pytest.mark.parametrize("said", ["maybe", "", " "])
def test_where_nothing_is_known_all_are_alike(said: str) -> None:
    assert choice_probabilities(place((said, -0.1), chosen=said), ["yes", "no"]) == {
        "yes": 0.5,
        "no": 0.5,
    }


def test_a_chosen_token_counts_once() -> None:
    """Servers round the two places differently where they tell it."""
    likely = choice_probabilities(place(("0", -0.6), ("1", -0.5001), chosen="1"), OPTIONS)
    assert likely["1"] == pytest.approx(1 / (1 + math.exp(-0.0999)))


def test_nan_counts_as_nothing() -> None:
    broken = place(("0", math.nan), ("1", -1.0))
    assert choice_probabilities(broken, OPTIONS)["0"] == 0


@given(
    st.lists(st.tuples(st.sampled_from([*OPTIONS, "x", " 1", ""]), st.floats(allow_nan=True))),
    st.sampled_from([*OPTIONS, "x", ""]),
)
def test_they_add_up_to_one(top: list[tuple[str, float]], chosen: str) -> None:
    likely = choice_probabilities(place(*top, chosen=chosen), OPTIONS)
    assert math.fsum(likely.values()) == pytest.approx(1)
    assert set(likely) == set(OPTIONS)
