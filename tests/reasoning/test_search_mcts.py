from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.searching.rules.mcts import Mcts, Policy
from reasoning.searching.rules.visits import Visits
from reasoning.searching.tree import ROOT, Place, State

from .search_trees import frontier_of, frontiers, grown, level, tree_of

POLICIES: tuple[Policy, ...] = ("uct", "puct")


def test_visits_and_values_are_those_of_all_steps_below() -> None:
    """Scores from -10 to 30; the failed step counts as the least, the one in flight as a visit of the least."""
    tree = tree_of(
        {(0,): 10.0, (0, 0): 30.0, (0, 1): -math.inf, (1,): -10.0}, _0_1="failed", _1="answered"
    )
    visits = Visits(frontier_of(tree, (0, 0, 0)), max_children=3)
    assert visits.count == {ROOT: 5, (0,): 4, (0, 0): 2, (0, 1): 1, (1,): 1}
    assert visits.value((0, 0)) == 1 / 2
    assert visits.value((0,)) == (0.5 + 1 + 0 + 0) / 4
    assert visits.value((1,)) == 0
    # One more for the question, one for (0,), two for (0, 0).
    assert visits.room == {ROOT: 4, (0,): 3, (0, 0): 2, (0, 1): 0, (1,): 0}


@given(frontiers(), st.integers(1, 4))
def test_visits_added_one_by_one_are_those_of_the_tree_with_them_in_flight(
    frontier: object, max_children: int
) -> None:
    visits = Visits(frontier, max_children)  # type: ignore[arg-type]  # drawn
    assert visits.room[ROOT] >= 0
    for place in sorted(visits.room):
        if visits.can_grow(place):
            room, count = visits.room[ROOT], visits.count[ROOT]
            visits.add(place)
            assert (visits.room[ROOT], visits.count[ROOT]) == (room - 1, count + 1)
    assert all(0 <= score <= 1 for score in visits.scores.values())


def _well_known_and_little_known(exploration: float, policy: Policy) -> Place:
    """A good thought with 3 visits beside a bad one with 1, both of them full or not: which one grows?"""
    tree = tree_of({(0,): 1.0, (0, 0): 1.0, (0, 1): 1.0, (1,): 0.0})
    rule = Mcts(policy=policy, priors="uniform", exploration=exploration, max_children=2)
    (place,) = rule.select(frontier_of(tree), 1).children
    return place[:1]


@pytest.mark.parametrize(
    ("policy", "even"),
    [
        # 1 + c sqrt(ln 4 / 3) = c sqrt(ln 4 / 1)
        ("uct", 1 / (math.sqrt(math.log(4)) * (1 - math.sqrt(1 / 3)))),
        # 1 + c / 2 * sqrt(4) / 4 = c / 2 * sqrt(4) / 2
        ("puct", 4.0),
    ],
)
def test_doubt_is_weighed_against_value_as_in_the_paper(policy: Policy, even: float) -> None:
    assert _well_known_and_little_known(even - 0.01, policy) == (0,)
    assert _well_known_and_little_known(even + 0.01, policy) == (1,)


def test_priors_are_the_softmax_of_the_scores_of_siblings() -> None:
    """Where values weigh nothing, visits go as the priors: e to 1."""
    tree = tree_of({(0,): 1.0, (1,): 0.0})
    rule = Mcts(policy="puct", exploration=1e6, max_children=2, simulations=999)
    shares = Counter[Place]()
    for _ in range(150):
        (place,) = rule.select(frontier_of(tree), 1).children
        shares[place[:1]] += 1
        number = sum(other[:-1] == place for other in tree)
        tree |= tree_of({(*place, number): tree[place[:1]].score})
    assert shares[(0,)] / shares[(1,)] == pytest.approx(math.e, rel=0.1)


def test_steps_that_are_chosen_together_spread() -> None:
    tree = tree_of({(0,): 0.5, (1,): 0.5, (2,): 0.5})
    children = Mcts(max_children=3).select(frontier_of(tree), 6).children
    assert children == {(0,): 2, (1,): 2, (2,): 2}


def test_it_comes_back_to_a_node_that_was_passed_over() -> None:
    """Both thoughts of the question look alike, and all below the first is bad."""
    scores: dict[Place, float] = {(0,): 0.6, (1,): 0.5}

    def score(place: Place) -> float:
        return scores.get(place, 0.0 if place[0] == 0 else 0.9)

    tree = grown(Mcts(max_children=2, simulations=30), score, width=1)
    steps = Counter(place[0] for place in tree if place)
    assert steps[1] > 2 * steps[0]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("width", [1, 3, 16])
def test_it_ends_when_the_simulations_are_spent(policy: Policy, width: int) -> None:
    rule = Mcts(policy=policy, simulations=50)
    tree = grown(rule, lambda place: 1 / len(place), width=width)
    assert len(tree) - 1 == 50


@pytest.mark.parametrize("policy", POLICIES)
def test_it_ends_when_the_tree_is_full(policy: Policy) -> None:
    def state(place: Place) -> State:
        return "exhausted" if len(place) == 3 else "open"

    rule = Mcts(policy=policy, max_children=2, simulations=10_000)
    tree = grown(rule, sum, width=100, state=state)
    assert Counter(node.depth for node in tree.values()) == {0: 1, 1: 2, 2: 4, 3: 8}


@settings(max_examples=50)
@given(
    st.sampled_from(POLICIES),
    st.integers(1, 8),
    st.integers(1, 4),
    st.integers(1, 40),
    st.lists(st.sampled_from([0.0, 0.3, 1.0, math.inf, -math.inf]), min_size=7, max_size=7),
)
def test_no_node_gets_more_children_than_allowed(
    policy: Policy, width: int, max_children: int, simulations: int, scores: list[float]
) -> None:
    rule = Mcts(policy=policy, max_children=max_children, simulations=simulations)
    tree = grown(rule, lambda place: scores[hash(place) % 7], width=width)
    parents = Counter(place[:-1] for place in tree if place)
    assert max(parents.values()) <= max_children
    assert len(tree) - 1 <= simulations


def test_steps_in_flight_are_counted() -> None:
    rule = Mcts(max_children=3, simulations=5)
    frontier = frontier_of(tree_of({(0,): 0.9}), (1,), (0, 0), (0, 1))
    # One child for each is left, and one simulation.
    assert rule.select(frontier, 10).children == {ROOT: 1}
    assert rule.select(frontier_of(tree_of({(0,): 0.9}), (1,), (2,), (0, 0), (0, 1)), 10).total == 0


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.integers(-1000, 1000))
def test_neither_a_constant_nor_a_unit_of_the_scores_matters(
    scores: list[int], constant: int
) -> None:
    rule = Mcts(policy="puct")
    expected = rule.select(level(*map(float, scores)), 5)
    assert rule.select(level(*(4.0 * score + constant for score in scores)), 5) == expected


def test_scores_whose_difference_is_no_number() -> None:
    children = Mcts(exploration=0).select(level(-1.7e308, 1.7e308, -math.inf), 1).children
    assert children == {(1,): 1}
