"""What holds for every selection rule."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.dvts import Dvts
from reasoning.searching.rules.independent import Independent
from reasoning.searching.rules.mcts import Mcts
from reasoning.searching.rules.particles import ParticleFilter
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.tree import ROOT, Frontier

from .search_trees import (
    GREEDY,
    RULES,
    SCORES,
    frontier_of,
    frontiers,
    grown,
    level,
    shuffled,
    tree_of,
)

rules = st.sampled_from(RULES)
widths = st.integers(1, 6) | st.integers(1, 40) | st.just(10_000)


@given(rules, frontiers(), widths)
def test_only_open_nodes_get_children_and_no_more_than_there_may_be(
    rule: SelectionRule, frontier: Frontier, width: int
) -> None:
    allocation = rule.select(frontier, width)
    assert allocation.total <= width
    for place, count in allocation.children.items():
        assert count >= 1
        assert frontier.tree[place].state == "open"


@given(rules, frontiers(), widths, st.randoms())
def test_how_a_tree_came_to_be_does_not_matter(
    rule: SelectionRule, frontier: Frontier, width: int, random: Random
) -> None:
    expected = rule.select(frontier, width)
    assert rule.select(frontier, width) == expected
    assert rule.select(shuffled(frontier, random), width) == expected


@given(st.sampled_from(GREEDY), st.lists(SCORES, min_size=1, max_size=20), widths)
def test_the_whole_width_is_used(rule: SelectionRule, scores: list[float], width: int) -> None:
    assert rule.select(level(*scores), width).total == width


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_question_gets_what_the_rule_allows(rule: SelectionRule) -> None:
    expected = rule.max_children if isinstance(rule, Mcts) else 16
    allocation = rule.select(frontier_of(tree_of({})), 16)
    assert allocation.children == {ROOT: expected}


@pytest.mark.parametrize("rule", [rule for rule in RULES if not isinstance(rule, Mcts)], ids=repr)
def test_without_leaves_nothing_grows(rule: SelectionRule) -> None:
    frontier = frontier_of(tree_of({(0,): 1.0}, _0="answered"), (1,))
    assert rule.select(frontier, 15).children == {}


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("score", [math.inf, -math.inf, 0.0])
def test_scores_that_are_all_the_same(rule: SelectionRule, score: float) -> None:
    children = rule.select(level(score, score, score), 3).children
    assert sum(children.values()) == 3


@pytest.mark.parametrize("rule", [Rebase(), Beam(beam_width=1), Dvts(beam_width=10)], ids=repr)
def test_of_equals_the_first_grow(rule: SelectionRule) -> None:
    first, *_ = rule.select(level(*[0.5] * 10), 7).children
    assert first == (0,)


def test_rebase_shares_by_score_wherever_the_leaves_are() -> None:
    scores = {(0,): 0.7, (0, 0): 0.1, (0, 1): 0.8, (1,): 0.5, (2,): 0.9}
    frontier = frontier_of(tree_of(scores))
    assert Rebase().select(frontier, 16).children == {(2,): 10, (0, 1): 5, (1,): 1}


def test_independent_thoughts_share_the_question_only() -> None:
    tree = grown(
        Independent(),
        lambda place: -place[0],
        width=5,
        state=lambda place: "answered" if len(place) == 3 + (place[0] == 1) else "open",
    )
    assert sorted(place for place in tree if len(place) == 3) == [(n, 0, 0) for n in range(5)]
    # 5 thoughts of 3 steps, one of 4, and the question.
    assert len(tree) == 1 + 5 * 3 + 1


def test_a_failed_thought_is_not_replaced() -> None:
    frontier = frontier_of(tree_of({(0,): -math.inf, (1,): 0.0}, _0="failed"))
    assert Independent().select(frontier, 4).children == {(1,): 1}


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (Rebase, {"temperature": 0}, "Rebase with temperature=0: give a number above 0"),
        (Rebase, {"temperature": -0.2}, "Rebase with temperature=-0.2: give a number above 0"),
        (Rebase, {"temperature": math.nan}, "Rebase with temperature=nan: give a number above 0"),
        (Rebase, {"temperature": math.inf}, "Rebase with temperature=inf: give a number above 0"),
        (Beam, {"beam_width": 0}, "Beam with beam_width=0: at least 1 is needed"),
        (Dvts, {"beam_width": -1}, "Dvts with beam_width=-1: at least 1 is needed"),
        (ParticleFilter, {"temperature": 0}, "ParticleFilter with temperature=0: give a number"),
        (
            ParticleFilter,
            {"resampling": "sytematic"},
            "ParticleFilter with resampling='sytematic': choose from multinomial, systematic",
        ),
        (ParticleFilter, {"scores": "odds"}, "choose from probabilities, logits"),
        (Mcts, {"policy": "ucb"}, "Mcts with policy='ucb': choose from uct, puct"),
        (Mcts, {"priors": "none"}, "Mcts with priors='none': choose from scores, uniform"),
        (Mcts, {"temperature": 0}, "Mcts with temperature=0: give a number above 0"),
        (Mcts, {"max_children": 0}, "Mcts with max_children=0: at least 1 is needed"),
        (Mcts, {"simulations": 0}, "Mcts with simulations=0: at least 1 is needed"),
        (Mcts, {"exploration": -1.0}, "Mcts with exploration=-1.0: give 0 or more"),
        (Mcts, {"exploration": math.nan}, "Mcts with exploration=nan: give 0 or more"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    rule: type, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        rule(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
