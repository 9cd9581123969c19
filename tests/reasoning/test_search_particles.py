from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.searching.rules.particles import ParticleFilter, Resampling
from reasoning.searching.rules.sharing import softmax_weights

from .search_trees import frontier_of, level, shuffled, tree_of

RESAMPLINGS: tuple[Resampling, ...] = ("multinomial", "systematic")


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_children_are_drawn_in_proportion_to_the_odds(resampling: Resampling) -> None:
    """Odds of 4, 1 and 1/4 to 1."""
    drawn: Counter[int] = Counter()
    for seed in range(400):
        rule = ParticleFilter(seed=seed, resampling=resampling)
        for (leaf,), count in rule.select(level(0.8, 0.5, 0.2), 5).children.items():
            drawn[leaf] += count
    shares = [drawn[leaf] / 2000 for leaf in range(3)]
    assert shares == pytest.approx([4 / 5.25, 1 / 5.25, 0.25 / 5.25], abs=0.03)


@given(
    st.lists(st.floats(-50, 50) | st.just(-math.inf), min_size=1, max_size=20),
    st.integers(1, 10_000),
    st.integers(0, 9),
    st.sampled_from([0.2, 1.0]),
)
def test_a_systematic_draw_rounds_the_shares_up_or_down(
    scores: list[float], width: int, seed: int, temperature: float
) -> None:
    rule = ParticleFilter(
        seed=seed, resampling="systematic", scores="logits", temperature=temperature
    )
    children = rule.select(level(*scores), width).children
    weights = softmax_weights(scores, temperature)
    for leaf, weight in enumerate(weights):
        share = width * weight / math.fsum(weights)
        assert abs(children.get((leaf,), 0) - share) < 1 + 1e-9


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_a_draw_follows_from_the_seed_and_the_places(resampling: Resampling) -> None:
    frontier = level(*[0.5] * 8)
    draws = {
        seed: ParticleFilter(seed=seed, resampling=resampling).select(frontier, 13).children
        for seed in range(20)
    }
    assert len({tuple(children.items()) for children in draws.values()}) > 1
    again = ParticleFilter(seed=7, resampling=resampling).select(shuffled(frontier, Random(1)), 13)
    assert again.children == draws[7]


def test_another_wave_is_another_draw() -> None:
    rule = ParticleFilter()
    first = rule.select(level(*[0.5] * 8), 8).children
    deeper = tree_of({(0,): 0.5} | {(0, number): 0.5 for number in range(8)})
    second = rule.select(frontier_of(deeper), 8).children
    assert sorted(first) != sorted((place[1],) for place in second)


def test_a_probability_of_1_leaves_a_chance_to_others_and_one_of_0_has_some() -> None:
    rule = ParticleFilter(resampling="systematic")
    children = rule.select(level(1.0, 1.0 - 1e-7, 0.0), 10_000).children
    assert children == {(0,): 5000, (1,): 5000}
    assert rule.select(level(1.0, 0.999), 10_000).children.get((1,), 0) <= 1
    assert rule.select(level(0.0, -math.inf), 10).children == {(0,): 5, (1,): 5}


def test_logits_may_be_infinite() -> None:
    rule = ParticleFilter(scores="logits", resampling="systematic")
    assert rule.select(level(math.inf, 3.0, math.inf), 10).children == {(0,): 5, (2,): 5}
    assert rule.select(level(-math.inf, -math.inf), 10).children == {(0,): 5, (1,): 5}


def test_what_has_ended_is_not_drawn_again() -> None:
    tree = tree_of({(0,): 0.99, (1,): 0.01}, _0="answered")
    assert ParticleFilter().select(frontier_of(tree), 3).children == {(1,): 3}
