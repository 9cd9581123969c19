from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from engines.settings import configured
from reasoning.voting.stopping import (
    BetaPosterior,
    Certain,
    Never,
    StoppingRule,
    UnanimousWindow,
    lead_probability,
    leader,
)

RULES: list[StoppingRule] = [Certain(), UnanimousWindow(size=3), BetaPosterior(confidence=0.8)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)


def numbered(answers: list[str | None]) -> list[int]:
    """As a tally numbers them."""
    order = [answer for answer in dict.fromkeys(answers) if answer is not None]
    return [-1 if answer is None else order.index(answer) for answer in answers]


def some_votes(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.none() | st.sampled_from("abc"), max_size=most).map(numbered)


@given(some_votes(12))
def test_the_leader_has_the_most_votes_and_of_equals_came_first(votes: list[int]) -> None:
    answered = [vote for vote in votes if vote >= 0]
    expected = max(answered, key=answered.count) if answered else -1
    assert leader(votes) == expected


@given(some_votes(6).filter(lambda votes: any(vote >= 0 for vote in votes)), st.integers(0, 3))
def test_certain_is_when_no_way_to_go_on_changes_the_leader(votes: list[int], left: int) -> None:
    # The known answers, new ones, and no answer.
    options = [*range(-1, max(votes) + 1 + left)]
    ends = {leader([*votes, *rest]) for rest in product(options, repeat=left)}
    assert Certain().decided(votes, len(votes) + left) is (ends == {leader(votes)})


@given(some_votes(8), some_votes(8), st.integers(0, 4))
def test_what_is_certain_stays_certain(votes: list[int], more: list[int], left: int) -> None:
    samples = len(votes) + len(more) + left
    if Certain().decided(votes, samples):
        assert Certain().decided([*votes, *more], samples)


@given(some_votes(16), st.integers(1, 5))
def test_a_window_decides_when_it_ends_and_all_in_it_agree(votes: list[int], size: int) -> None:
    windows = [votes[i : i + size] for i in range(0, len(votes), size)]
    agree = bool(windows) and len(windows[-1]) == size and len(set(windows[-1])) == 1
    assert UnanimousWindow(size=size).decided(votes, 99) is (agree and windows[-1][0] >= 0)


@given(some_votes(8), st.integers(1, 8))
def test_a_window_of_half_the_samples_decides_only_what_is_certain(
    votes: list[int], samples: int
) -> None:
    votes = votes[:samples]
    if UnanimousWindow(size=(samples + 1) // 2).decided(votes, samples):
        assert Certain().decided(votes, samples)


@given(st.integers(0, 14), st.integers(0, 14))
def test_the_probability_of_the_lead_is_the_integral_of_the_posterior(
    first: int, second: int
) -> None:
    def mass(start: Fraction) -> Fraction:
        """Of x^first (1 - x)^second, from `start` to 1, term by term."""
        return sum(
            (
                Fraction((-1) ** k * comb(second, k), first + k + 1)
                * (1 - start ** (first + k + 1))
                for k in range(second + 1)
            ),
            Fraction(0),
        )

    assert lead_probability(first, second) == mass(Fraction(1, 2)) / mass(Fraction(0))


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_lead_is_surer_with_more_votes_and_less_sure_with_more_against_it(
    first: int, second: int
) -> None:
    sure = lead_probability(first, second)
    assert lead_probability(first + 1, second) > sure > lead_probability(first, second + 1)
    assert sure + lead_probability(second, first) == 1


@pytest.mark.parametrize(
    ("votes", "decided"),
    [
        ([0, 0, 0], False),  # 0.9375
        ([0, 0, 0, 0], True),  # 0.96875
        ([0, 0, 0, 0, 1], False),  # 57/64 = 0.8906
        ([0, 0, 0, 0, 1, 0, 0], True),  # 247/256 = 0.9648
        ([0, 0, 0, 0, 1, 2, 3, 0, 0], True),  # a third answer does not matter
    ],
)
def test_the_posterior_stops_above_95_percent(votes: list[int], decided: bool) -> None:
    assert BetaPosterior().decided(votes, 40) is decided


def test_a_probability_that_only_reaches_the_confidence_does_not_exceed_it() -> None:
    rule = BetaPosterior(confidence=0.75)
    assert [rule.decided([0] * number, 8) for number in (1, 2)] == [False, True]


@given(st.integers(0, 8), some_votes(10))
def test_a_vote_for_the_leader_never_undoes_the_posteriors_decision(
    index: int, votes: list[int]
) -> None:
    rule = BetaPosterior(confidence=0.5 + index / 20)
    if rule.decided(votes, 99):
        assert rule.decided([*votes, leader(votes)], 99)


@every_rule
@given(votes=some_votes(12), names=st.permutations(range(12)), left=st.integers(0, 5))
def test_it_does_not_matter_which_number_an_answer_has(
    rule: StoppingRule, votes: list[int], names: list[int], left: int
) -> None:
    renamed = [vote if vote < 0 else names[vote] for vote in votes]
    samples = len(votes) + left
    assert rule.decided(renamed, samples) is rule.decided(votes, samples)


@every_rule
@pytest.mark.parametrize("number", range(7))
def test_samples_without_an_answer_never_decide(rule: StoppingRule, number: int) -> None:
    assert not rule.decided([-1] * number, 6)


@given(some_votes(10), st.integers(0, 10))
def test_a_sample_without_an_answer_does_not_change_the_posterior(
    votes: list[int], place: int
) -> None:
    silent = [*votes[:place], -1, *votes[place:]]
    assert BetaPosterior().decided(silent, 20) is BetaPosterior().decided(votes, 20)


def test_never_waits_for_all() -> None:
    assert [Never().decided([0] * number, 3) for number in range(4)] == [False, False, False, True]


@pytest.mark.parametrize("confidence", [-1, 0.49, 1, float("nan")])
def test_a_confidence_that_means_nothing_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match=f"a confidence of {confidence:g}: choose from 0.5"):
        BetaPosterior(confidence=confidence)


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="a window of 0 samples decides nothing"):
        UnanimousWindow(size=0)


def test_options_are_given_as_text_and_told_in_the_reason() -> None:
    assert str(configured(UnanimousWindow(), {"size": "5"})) == "a window of 5 agreed"
    rule = configured(BetaPosterior(), {"confidence": "0.9"})
    assert str(rule) == "the lead holds with a probability above 0.9"
