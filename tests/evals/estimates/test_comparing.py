from __future__ import annotations

import pytest

from engines import UsageError
from evals import Trials
from evals.estimates.comparing import compare, pair
from evals.estimates.estimating import estimate, has_weights, mean_of, oracle
from evals.estimates.measures import average_at, majority_at, pass_at
from tests.evals.estimates.making_trials import trials


def problems(*rows: list[int], first: int = 0) -> list[Trials]:
    return [trials(f"p{number}", row) for number, row in enumerate(rows, first)]


def test_only_problems_of_both_are_compared_and_the_rest_is_told() -> None:
    ours = problems([1, 1], [1, 0], [0], [], [])
    theirs = problems([0, 0], [1, 1], [1, 1], [1], [], first=1)
    found = pair(ours, theirs)
    assert found.k == 2
    assert [one.problem for one in found.first] == [two.problem for two in found.second] == ["p1"]
    assert found.missing_in_first == ("p3", "p4")
    assert found.missing_in_second == ("p0",)
    # One has too few, the other none of either's.
    assert found.short == ("p2", "p5")


def test_differences_are_the_second_less_the_first() -> None:
    ours = problems([1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 0])
    theirs = problems([1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1])
    found = compare(pair(ours, theirs), average_at)
    assert (found.first.value, found.second.value) == (0.4375, 0.625)
    assert found.difference.value == 0.1875
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    # Of the eight ways to sign 1/4, 1/4 and 3/4, only two come nearer to 0.
    assert found.p == 0.75
    assert not found.told_apart


def test_more_samples_of_one_change_nothing_but_how_sure_it_is() -> None:
    few, many = problems([1, 0, 0, 0]), problems([1, 0] * 8)
    found = pair(few, many)
    assert found.k == 4
    assert len(found.second[0].trials) == 16
    passed = compare(found, pass_at)
    assert passed.first.value == 1.0
    assert passed.second.value == pytest.approx(1 - 70 / 1820)
    assert compare(found, majority_at).second.value == majority_at(many[0].trials, 4)


def test_a_difference_on_most_problems_is_told() -> None:
    ours, theirs = problems(*[[1, 0, 0, 0]] * 12), problems(*[[1, 1, 1, 0], [1, 1, 0, 0]] * 6)
    found = compare(pair(ours, theirs), average_at)
    assert found.told_apart
    assert found.p == 2 / 2**12
    assert not compare(pair(ours, ours), average_at).told_apart


def test_neither_order_of_problems_nor_time_changes_a_comparison() -> None:
    ours, theirs = problems([1, 0], [1, 1], [0, 0]), problems([1, 1], [1, 0], [1, 0])
    for measure in (average_at, majority_at):
        assert compare(pair(ours, theirs), measure) == compare(
            pair(ours[::-1], theirs[::-1]), measure
        )


@pytest.mark.parametrize(
    ("k", "message"),
    [(3, "k is 3, but both have at most 2 samples of a problem: give 1 to 2"), (0, "k is 0")],
)
def test_a_k_that_cannot_be_is_refused(k: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pair(problems([1, 1]), problems([0, 0, 1]), k)


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(UsageError, match="no problem that both have samples of"):
        pair(problems([1]), problems([1], first=1))
    with pytest.raises(UsageError, match="no problem that both have samples of"):
        pair([], [])


def test_estimates_use_all_samples_at_hand() -> None:
    found = problems([1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1])
    assert estimate(average_at, found, 2).value == pytest.approx(7 / 12)
    assert estimate(pass_at, found, 2).value == pytest.approx(2 / 3)
    assert oracle(found).value == pytest.approx(2 / 3)
    assert oracle(found).how == "Wilson, 3 problems"
    costs = [trials("p", [1, 0], tokens=10), trials("q", [1], tokens=40)]
    assert mean_of(lambda trial: trial.tokens, costs).value == 25
    assert not has_weights(found)
    assert not has_weights([])


def test_estimates_of_too_few_samples_are_refused() -> None:
    with pytest.raises(
        UsageError, match="k is 2, but problem 'p1' has 1 samples: give a k of at most 1"
    ):
        estimate(pass_at, problems([1, 1], [1]), 2)
    with pytest.raises(UsageError, match="there are no problems"):
        estimate(pass_at, [], 1)
    with pytest.raises(UsageError, match="k is 0: give 1 or more"):
        estimate(pass_at, problems([1]), 0)
