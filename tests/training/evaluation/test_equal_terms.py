from __future__ import annotations

import pytest

from evals import Trial, Trials
from training.evaluation.equal_terms import affordable, by_level, fewest, voted


def problem(name: str, *samples: tuple[bool, int]) -> Trials:
    """Samples that are right or not, each wrong one with a vote of its own, of so many tokens."""
    return Trials(
        problem=name,
        trials=tuple(
            Trial(
                correct=right, vote=0 if right else 1 + i, tokens=2 * length, critical_path=length
            )
            for i, (right, length) in enumerate(samples)
        ),
    )


ONE = problem("one", (True, 100), (True, 300), (False, 200))


def test_a_vote_takes_all_tokens_and_the_longest_path() -> None:
    single, vote = voted([ONE], 1), voted([ONE], 3)
    assert (single.tokens, single.path) == (400, 200)
    assert single.right.value == pytest.approx(2 / 3)
    assert (vote.right.value, vote.tokens, vote.path) == (1, 1200, 300)


def test_what_takes_a_longer_path_is_wrong_and_votes_for_nothing() -> None:
    assert voted([ONE], 1, longest=200).right.value == pytest.approx(1 / 3)
    # Of three, one is right, one is wrong, and one was cut: a tie.
    assert voted([ONE], 3, longest=200).right.value == pytest.approx(1 / 2)
    assert voted([ONE], 3, longest=99).right.value == 0
    cut = voted([ONE], 3, longest=150)
    assert (cut.path, cut.tokens) == (150, 200 + 300 + 300)


def test_what_is_cut_does_not_vote_for_its_wrong_answer() -> None:
    right, short, long = (
        Trial(correct=vote == 0, vote=vote, tokens=path, critical_path=path)
        for vote, path in ((0, 100), (1, 150), (1, 300))
    )
    trials = [Trials(problem="one", trials=(right, short, long))]
    assert voted(trials, 3).right.value == 0
    assert voted(trials, 3, longest=200).right.value == pytest.approx(1 / 2)


def test_a_budget_buys_as_many_votes_as_there_are_for_it() -> None:
    found = [affordable([ONE], tokens) for tokens in (300, 370, 800, 1300, 5000)]
    # A tenth above the budget is the budget still; there are no more than three samples.
    assert [cell and cell.samples for cell in found] == [None, 1, 2, 3, 3]


def test_a_system_that_failed_before_its_first_token_can_be_told() -> None:
    assert affordable([problem("one", (False, 0))], 100) is None


def test_problems_without_samples_are_of_no_level() -> None:
    empty = Trials(problem="none", trials=())
    levels = {"one": "5x4", "two": "6x5", "none": "7x6"}
    two = problem("two", (True, 1), (True, 1))
    assert by_level([ONE, two, empty], levels) == {"5x4": [ONE], "6x5": [two]}
    assert fewest([ONE, two]) == 2
