from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.scoring.check import Check
from reasoning.searching.tree import Place
from tests.reasoning.searches import Chain, Reply, branches_of, engine_that, found, search


def voted(*votes: tuple[float | str, str], aggregation: str = "last") -> str:
    """The answer of thoughts of one step each, in the order of their places."""
    tells = {(i,): f"[{score}] \\boxed{{{value}}}" for i, (score, value) in enumerate(votes)}
    method = search(width=len(votes), aggregation=aggregation)
    return found(method, engine_that(tells)).final  # type: ignore[arg-type]


def test_equal_answers_add_up_their_scores() -> None:
    assert voted((0.9, "a"), (0.5, "b"), (0.5, "b")) == "b"
    assert voted((0.9, "a"), (0.3, "b"), (0.3, "b")) == "a"


def test_of_equally_heavy_answers_the_one_whose_place_comes_first_wins() -> None:
    assert voted((0.5, "a"), (0.5, "b")) == "a"
    assert voted((0.25, "b"), (0.5, "a"), (0.25, "b")) == "b"


def test_places_are_compared_from_the_root_and_not_by_their_depth() -> None:
    tells: dict[Place, Reply] = {
        (0,): "[0.5] on\n\n",
        (1,): "[0.5] \\boxed{b}",
        (0, 0): "[0.5] \\boxed{a}",
    }
    assert found(search(width=2, rule=Chain()), engine_that(tells)).value == "a"


def test_the_text_is_that_of_the_best_thought_of_the_winner() -> None:
    tells: dict[Place, Reply] = {
        (0,): "[0.1] first \\boxed{a}",
        (1,): "[0.8] best \\boxed{a}",
        (2,): "[0.8] late \\boxed{a}",
    }
    answer = found(search(width=3), engine_that(tells))
    assert answer.text == "[0.8] best \\boxed{a}"


def test_a_score_that_is_not_known_weighs_nothing() -> None:
    assert voted(("-inf", "a"), ("-inf", "a"), (0.1, "b")) == "b"
    assert voted(("-inf", "a"), ("-inf", "b"), ("-inf", "b")) == "b"
    assert voted(("nan", "a"), (0.1, "b")) == "b"


def test_scores_below_nothing_do_not_weigh_against() -> None:
    assert voted((-1.0, "a"), (-1.0, "a"), (-2.0, "b")) == "a"


def test_thoughts_without_an_answer_do_not_vote_where_one_has_one() -> None:
    tells: dict[Place, Reply] = {
        (0,): "[0.9] I give up",
        (1,): "[0.9] I give up",
        (2,): "[0.1] \\boxed{7}",
    }
    answer = found(search(width=3), engine_that(tells))
    assert (answer.value, answer.truncated) == ("7", False)


def test_thoughts_that_are_too_long_do_not_vote_and_are_the_last_resort() -> None:
    tells: dict[Place, Reply] = {
        (0,): "[0.9] good so far\n\n",
        (1,): "[0.1] poor\n\n",
        (1, 0): "[0.2] on and on",
        (0, 0): "[0.05] \\boxed{7}",
    }
    assert found(search(width=2, rule=Chain()), engine_that(tells)).value == "7"
    del tells[0, 0]
    tells |= {(0, 0): "[0.05] worse\n\n", (1, 0): "[0.2] better\n\n"}
    answer = found(search(width=2, rule=Chain(), max_depth=2), engine_that(tells))
    assert (answer.text, answer.truncated) == ("[0.1] poor\n\n[0.2] better\n\n", True)
    assert answer.value is None


def test_the_last_resort_has_the_answer_that_it_spoke_of_by_then() -> None:
    engine = engine_that({(0,): "[0.5] The answer is 7.\n\n"})
    answer = found(search(width=1, max_depth=1), engine)
    assert (answer.value, answer.truncated) == ("7", True)


def test_a_thought_that_went_all_the_way_is_closer_than_a_promising_first_step() -> None:
    tells: dict[Place, Reply] = {(0,): "[0.9] good\n\n", (0, 0): "[0.1] bad\n\n"}
    answer = found(search(width=1, max_depth=2), engine_that(tells))
    assert answer.text == "[0.9] good\n\n[0.1] bad\n\n"


# The rewards of two steps of a right and of a wrong thought, and what is answered then.
@pytest.mark.parametrize(
    ("aggregation", "answer"), [("last", "b"), ("min", "a"), ("mean", "b"), ("prod", "b")]
)
def test_thoughts_weigh_by_the_aggregation_of_their_rewards(aggregation: str, answer: str) -> None:
    rewards = {"a0": 0.5, "a": 0.5, "b0": 0.3, "b": 0.9}
    tells: dict[Place, Reply] = {
        (0,): "a0\n\n",
        (1,): "b0\n\n",
        (0, 0): "\\boxed{a}",
        (1, 0): "\\boxed{b}",
    }

    def reward(candidate: object) -> float:
        text = str(getattr(candidate, "text", ""))
        return rewards[str(getattr(candidate, "value", None) or text.strip())]

    method = search(
        width=2, rule=Chain(), scorer=Check(check=reward), aggregation=aggregation, max_depth=2
    )
    assert found(method, engine_that(tells)).value == answer


quarters = st.integers(0, 8).map(lambda n: n / 4)


@given(
    st.lists(st.tuples(quarters, st.sampled_from("abc")), min_size=1, max_size=6),
)
def test_the_winner_is_the_heaviest_and_of_ties_the_first(votes: list[tuple[float, str]]) -> None:
    known = votes if any(score for score, _ in votes) else [(1.0, value) for _, value in votes]
    weights: dict[str, float] = {}
    for score, value in known:
        weights[value] = weights.get(value, 0.0) + score
    assert voted(*votes) == max(weights, key=lambda value: weights[value])


def test_each_thought_that_answered_is_told_with_its_score() -> None:
    answer = found(
        search(width=2), engine_that({(0,): "[0.9] \\boxed{a}", (1,): "[nan] \\boxed{b}"})
    )
    assert [branch.score for branch in branches_of(answer).values()] == [0.9, float("-inf")]
