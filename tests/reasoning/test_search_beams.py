from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.dvts import Dvts
from reasoning.searching.tree import Node, Place

from .search_trees import SCORES, frontier_of, grown, level, tree_of

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"
TREE_OF_THOUGHTS = TRACES / "tot_game24_gpt4_bfs_tree.jsonl"


@pytest.mark.parametrize(
    ("scores", "width", "children"),
    [
        pytest.param((0.1, 0.4, 0.2, 0.3), 8, {1: 4, 3: 4}, id="whole beams"),
        pytest.param((0.1, 0.4, 0.2, 0.3), 9, {1: 3, 3: 3, 2: 3}, id="rounded up"),
        pytest.param((0.1, 0.4, 0.2, 0.3), 7, {1: 4, 3: 3}, id="the odd one to the better"),
        pytest.param((0.1, 0.4), 15, {1: 8, 0: 7}, id="fewer leaves than could be kept"),
        pytest.param((0.1, 0.4), 3, {1: 3}, id="less than a beam"),
        pytest.param((0.4, 0.4, 0.4), 8, {0: 4, 1: 4}, id="ties by place"),
        pytest.param((-math.inf, 0.1, math.inf), 8, {2: 4, 1: 4}, id="infinite"),
    ],
)
def test_a_beam_keeps_the_best(
    scores: tuple[float, ...], width: int, children: dict[int, int]
) -> None:
    chosen = Beam(beam_width=4).select(level(*scores), width).children
    assert chosen == {(leaf,): count for leaf, count in children.items()}


@given(st.lists(SCORES, min_size=1, max_size=30), st.integers(1, 60), st.integers(1, 8))
def test_no_leaf_that_a_beam_leaves_is_better_than_one_that_it_keeps(
    scores: list[float], width: int, beam_width: int
) -> None:
    frontier = level(*scores)
    children = Beam(beam_width=beam_width).select(frontier, width).children
    assert len(children) == min(len(scores), math.ceil(width / beam_width))
    kept = [leaf.score for leaf in frontier.leaves if leaf.place in children]
    left = [leaf.score for leaf in frontier.leaves if leaf.place not in children]
    assert min(kept) >= max(left, default=-math.inf)


@pytest.mark.skipif(not TREE_OF_THOUGHTS.exists(), reason="../shared is absent")
def test_a_beam_keeps_what_the_tree_of_thoughts_kept() -> None:
    """GPT-4's trees for 100 puzzles of the game of 24: candidates, their values, and the 5 that were kept."""
    steps = [
        step
        for line in TREE_OF_THOUGHTS.read_text().splitlines()
        for step in json.loads(line)["steps"]
    ]
    assert len(steps) == 400
    for step in steps:
        kept = Beam(beam_width=1).select(level(*step["values"]), 5).children
        assert set(kept.values()) <= {1} or len(step["values"]) < 5
        assert [step["new_ys"][number] for (number,) in kept] == step["select_new_ys"]


def test_each_subtree_lets_its_best_leaf_grow() -> None:
    """The best of all are in one subtree; the other goes on all the same."""
    frontier = level(0.9, 0.8, 0.7, 0.6, 0.1, 0.2, 0.4, 0.3)
    assert Dvts(beam_width=4).select(frontier, 8).children == {(0,): 4, (6,): 4}


def test_a_width_that_is_no_multiple_leaves_a_smaller_last_subtree() -> None:
    frontier = level(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert Dvts(beam_width=4).select(frontier, 6).children == {(3,): 4, (5,): 2}


def test_a_width_that_is_less_than_the_thoughts_goes_to_the_better_subtrees() -> None:
    assert Dvts(beam_width=4).select(level(0.1, 0.2, 0.3, 0.4, 0.5), 3).children == {
        (4,): 1,
        (3,): 2,
    }


def test_a_subtree_has_ended_when_its_best_step_has_and_no_other_gets_its_width() -> None:
    tree = tree_of({(0,): 0.5, (1,): 0.9, (2,): 0.1, (3,): 0.2}, _1="answered")
    assert Dvts(beam_width=2).select(frontier_of(tree), 3).children == {(3,): 2}


def test_a_worse_step_that_has_ended_takes_one_off_its_own_subtree() -> None:
    tree = tree_of(
        {(0,): 0.5, (1,): 0.4, (2,): 0.1, (3,): -math.inf, (4,): 0.0, (5,): 0.1},
        _1="answered",
        _3="failed",
    )
    assert Dvts(beam_width=3).select(frontier_of(tree), 4).children == {(0,): 2, (5,): 2}


def test_steps_in_flight_take_one_off_their_own_subtree_each() -> None:
    tree = tree_of({(0,): 0.5, (1,): 0.4, (2,): 0.1, (2, 0): 0.3})
    frontier = frontier_of(tree, (0, 0), (3,))
    # Thought 0 was chosen before; its step and thought 3 are being taken.
    children = Dvts(beam_width=2).select(frontier, 2).children
    assert children == {(2, 0): 1, (1,): 1}


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.dictionaries(st.integers(0, 60), st.sampled_from([0.0, 0.5, 1.0])),
    st.dictionaries(st.integers(0, 60), st.sampled_from(["answered", "failed"])),
)
def test_the_subtrees_of_a_search_never_take_more_than_is_left(
    width: int, beam_width: int, scores: dict[int, float], ends: dict[int, str]
) -> None:
    """Held by `grown`; and a subtree never holds more than its thoughts."""

    def number(place: Place) -> int:
        return hash(place) % 61

    tree = grown(
        Dvts(beam_width=beam_width),
        lambda place: scores.get(number(place), 0.2),
        width=width,
        state=lambda place: "answered" if len(place) > 5 else ends.get(number(place), "open"),  # type: ignore[arg-type,return-value]  # drawn
    )
    for first in range(0, width, beam_width):
        size = min(beam_width, width - first)
        in_subtree = [node for node in tree.values() if node.depth and _in(node, first, size)]
        parents = {node.parent for node in in_subtree if node.depth > 1}
        assert len(parents) == len({len(parent) for parent in parents})
        for depth in range(1, 7):
            assert sum(node.depth == depth for node in in_subtree) <= size


def _in(node: Node, first: int, size: int) -> bool:
    return first <= node.place[0] < first + size
