from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planners.scaling.routing import expected_tokens, is_hard, thinking_tokens, threshold_for

SCORES = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.7, 0.9, 1.0]), min_size=1, max_size=8)
TOKENS = st.integers(1, 500)


def test_a_step_at_the_threshold_is_easy() -> None:
    assert is_hard(0.51, 0.5)
    assert not is_hard(0.5, 0.5)


def test_steps_of_one_score_go_the_same_way() -> None:
    # Two hard steps of three cost 210; a budget for one buys none, since they cannot be told apart.
    assert threshold_for([0.5, 0.5, 0.1], 10, [100] * 3, 210) == 0.1
    assert threshold_for([0.5, 0.5, 0.1], 10, [100] * 3, 209) == 0.5


def test_with_room_for_all_only_steps_of_no_difficulty_are_easy() -> None:
    assert threshold_for([0.0, 0.1], 10, [100, 100], 1000) == 0.0
    assert expected_tokens([0.0, 0.1], 10, [100, 100], 0.0) == 110


def test_with_no_room_all_are_easy() -> None:
    assert threshold_for([0.2, 1.0], 10, [100, 100], 5) == 1.0
    assert threshold_for([0.2, 1.0], 10, [100, 100], 20) == 1.0
    assert threshold_for([0.2, 0.9], 10, [100, 100], 20) == 0.9


@given(SCORES, TOKENS, st.data(), st.integers(0, 5000), st.integers(0, 5000))
def test_a_larger_budget_never_raises_the_threshold(
    scores: list[float], easy: int, data: st.DataObject, first: int, second: int
) -> None:
    hard = data.draw(st.lists(TOKENS, min_size=len(scores), max_size=len(scores)))
    low, high = sorted((first, second))
    assert threshold_for(scores, easy, hard, low) >= threshold_for(scores, easy, hard, high)


@given(SCORES, TOKENS, st.data(), st.integers(0, 5000))
def test_it_is_the_smallest_that_keeps_to_the_budget(
    scores: list[float], easy: int, data: st.DataObject, budget: int
) -> None:
    hard = data.draw(st.lists(TOKENS, min_size=len(scores), max_size=len(scores)))
    threshold = threshold_for(scores, easy, hard, budget)
    if expected_tokens(scores, easy, hard, threshold) > budget:
        assert easy * len(scores) > budget
        assert not any(is_hard(score, threshold) for score in scores)
    for smaller in (i / 100 for i in range(100) if i / 100 < threshold):
        assert expected_tokens(scores, easy, hard, smaller) > budget


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 9999), st.integers(0, 9999))
def test_the_thinking_budget_grows_with_difficulty_within_its_bounds(
    first: float, second: float, least: int, more: int
) -> None:
    low, high = sorted((first, second))
    tokens = thinking_tokens(low, least, least + more), thinking_tokens(high, least, least + more)
    assert least <= tokens[0] <= tokens[1] <= least + more
    assert thinking_tokens(0, least, least + more) == least
    assert thinking_tokens(1, least, least + more) == least + more
