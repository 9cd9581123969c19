"""The rule ETS as a search asks it: with texts, vectors and scores."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, Engine, FakeEngine, UsageError, converse
from engines.settings import configured
from reasoning import Answer
from reasoning.scoring.check import Check
from reasoning.searching.embedding.embedder import Embedder
from reasoning.searching.embedding.hashed_ngrams import HashedNgrams
from reasoning.searching.pruning import solving
from reasoning.searching.pruning.problem import Choice, Problem
from reasoning.searching.rules.ets import Ets
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.selecting import selected
from reasoning.searching.tree import ROOT, Frontier, Node, Place
from reasoning.searching.tree_search import TreeSearch

from .keeping import Deciding
from .search_trees import SCORES, shuffled

GOLDEN: dict[Place, float] = {(0, 0): 0.9, (0, 1): 0.8, (1, 0): 0.7, (1, 1): 0.2}


def frontier_of(
    scores: Mapping[Any, float], says: Sequence[str], tokens: int | Sequence[int] = 16
) -> Frontier:
    """Leaves that say things; what is above them says nothing."""
    lengths = [tokens] * len(scores) if isinstance(tokens, int) else tokens
    tree: dict[Place, Node] = {ROOT: Node(place=ROOT)}
    for (place, score), text, length in zip(scores.items(), says, lengths, strict=True):
        for above in Node(place=place).lineage[1:-1]:
            tree.setdefault(above, Node(place=above, tokens=16))
        tree[place] = Node(place=place, score=score, text=text, tokens=length)
    leaves = [tree[place] for place in sorted(scores)]
    return Frontier(leaves, tree, axes([leaf.text for leaf in leaves]))


def axes(texts: Sequence[str]) -> np.ndarray:
    """Texts with the same first letter point the same way, others do not."""
    return np.stack([np.eye(128, dtype=np.float32)[ord(f"{text} "[0])] for text in texts])


@pytest.mark.parametrize(
    ("says", "options", "kept"),
    [
        ("a1 a2 b1 b2", {}, GOLDEN.keys() - {(1, 1)}),
        ("a1 a2 a3 a4", {}, {(0, 0), (0, 1)}),
        ("a b c d", {}, GOLDEN.keys()),
        ("a a b b", {"lambda_d": 0.0}, {(0, 0), (0, 1)}),
        ("a a b b", {"lambda_d": 0.0, "lambda_b": 0.0}, GOLDEN.keys()),
        ("a a b b", {"lambda_b": 50.0}, {(0, 0)}),
    ],
)
def test_the_whole_width_goes_to_the_leaves_that_are_kept(
    says: str, options: dict[str, float], kept: set[Place]
) -> None:
    frontier = frontier_of(GOLDEN, says.split())
    allocation = Ets(**options).select(frontier, 8)  # type: ignore[arg-type]  # numbers
    leaves = [leaf for leaf in frontier.leaves if leaf.place in kept]
    assert allocation == Rebase().select(Frontier(leaves, frontier.tree), 8)
    assert allocation.total == 8
    assert allocation.remark == ""


def test_tokens_cost_blocks_and_the_root_nothing() -> None:
    # Both say the same; the long one is a little better, and takes 20 blocks where the short one takes 1.
    frontier = frontier_of({(0,): 0.51, (1,): 0.5}, ["same long", "same"], tokens=[320, 10])
    assert Ets(lambda_b=0.8).select(frontier, 8).children == {(0,): 5, (1,): 3}
    assert Ets(lambda_b=0.8, cost="tokens").select(frontier, 8).children == {(1,): 8}
    # In long blocks both take one, of the two that there are.
    large = Ets(lambda_b=0.8, cost="tokens", block_size=1000)
    assert large.select(frontier, 8).children == {(0,): 8}


def test_texts_that_are_equal_need_no_vectors_and_vectors_may_be_missing() -> None:
    frontier = frontier_of(GOLDEN, ["a", "a", "b", "b"])
    assert Ets().select(replace(frontier, vectors=None), 8) == Ets().select(frontier, 8)
    empty = replace(frontier_of(GOLDEN, [""] * 4), vectors=None)
    assert set(Ets().select(empty, 8).children) == {(0, 0), (0, 1)}


@pytest.mark.parametrize(
    "scores",
    [
        (-math.inf,) * 4,
        (math.inf,) * 4,
        (math.inf, 0.5, -math.inf, -math.inf),
        (-math.inf, -math.inf, -math.inf, 0.1),
        (0.5,) * 4,
        (1e308, -1e308, 0.0, 0.0),
    ],
)
@pytest.mark.parametrize("says", ["a a a a", "a b c d", "a b a b"])
def test_scores_without_a_measure_are_shared_out_too(scores: tuple[float, ...], says: str) -> None:
    frontier = frontier_of(dict(zip(GOLDEN, scores, strict=True)), says.split())
    for rule in (Ets(), Ets(cost="tokens"), Ets(lambda_b=1e300, lambda_d=1e300)):
        assert rule.select(frontier, 7).total == 7


def test_ten_thousand_leaves_are_counted_a_few_times_and_not_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = []

    def total(allocation: Allocation) -> int:
        counted.append(allocation)
        return sum(allocation.children.values())

    monkeypatch.setattr(Allocation, "total", property(total))
    places = [(number % 100, number) for number in range(10_000)]
    frontier = frontier_of(dict.fromkeys(places, 0.5), ["abcdef"[n % 6] for n in range(10_000)])
    rule = Ets(lambda_b=0.5, time_limit=60)
    assert rule.select(replace(frontier, vectors=None), 10_000).total == 10_000
    assert len(counted) < 5


def test_one_leaf_or_none_is_no_choice() -> None:
    root = Node(place=ROOT)
    assert Ets().select(Frontier([root], {ROOT: root}), 5).children == {ROOT: 5}
    assert Ets().select(Frontier([], {ROOT: root}), 5).children == {}


@st.composite
def frontiers(draw: st.DrawFn) -> Frontier:
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)),
            min_size=1,
            max_size=14,
            unique=True,
        )
    )
    scores = {place: draw(SCORES | st.floats(0, 1)) for place in places}
    says = [draw(st.sampled_from(["a", "a1", "b", "c", "c1", "d", ""])) for _ in places]
    return frontier_of(scores, says, [draw(st.integers(0, 99)) for _ in places])


@given(
    frontiers(),
    st.integers(1, 40),
    st.sampled_from([Ets(), Ets(cost="tokens"), Ets(time_limit=0)]),
    st.randoms(use_true_random=False),
)
def test_the_width_is_shared_out_whole_and_the_order_of_leaves_does_not_matter(
    frontier: Frontier, width: int, rule: Ets, random: Random
) -> None:
    allocation = rule.select(frontier, width)
    assert allocation.total == width
    assert set(allocation.children) <= {leaf.place for leaf in frontier.leaves}
    assert rule.select(frontier, width) == allocation
    other = shuffled(frontier, random)
    other = replace(other, vectors=axes([leaf.text for leaf in other.leaves]))
    assert rule.select(other, width) == allocation


def test_a_greedy_choice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(problem: Problem, seconds: float, least: int) -> Choice:
        return Choice((), "no optimum was found within the time limit")

    monkeypatch.setattr(solving, "optimum", fail)
    # What is decided at sight needs no solver.
    easy = frontier_of(GOLDEN, ["a", "a", "b", "b"])
    assert Ets(time_limit=3).select(easy, 8).remark == ""
    hard = hard_frontier()
    allocation = Ets(time_limit=3).select(hard, 8)
    assert (
        allocation.remark == "ETS kept leaves greedily: no optimum was found within the time limit"
    )
    assert allocation.total == 8


def hard_frontier() -> Frontier:
    """Six steps of three kinds beneath three equal nodes, of which two have all kinds."""
    places = [(node, child) for node in range(3) for child in range(2)]
    return frontier_of(dict.fromkeys(places, 0.5), ["a", "b", "b1", "c", "c1", "a1"])


def test_a_hard_choice_is_the_best_with_time_and_greedy_without() -> None:
    frontier = hard_frontier()
    # Everything has the same share, so that only costs and coverage count.
    rule = Ets(lambda_b=2.0, lambda_d=1.9)
    exact, greedy = rule.select(frontier, 6), replace(rule, time_limit=0).select(frontier, 6)
    assert exact.remark == ""
    assert greedy.remark.endswith("within the time limit")
    assert exact.total == greedy.total == 6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0}, "temperature=0"),
        ({"lambda_b": -1}, "Ets with lambda_b=-1: give 0 or more"),
        ({"lambda_d": math.nan}, "Ets with lambda_d=nan"),
        ({"lambda_d": math.inf}, "Ets with lambda_d=inf"),
        ({"threshold": -0.1}, "Ets with threshold=-0.1"),
        ({"time_limit": -1}, "Ets with time_limit=-1"),
        ({"cost": "blocks"}, "Ets with cost='blocks': choose from uniform, tokens"),
        ({"block_size": 0}, "Ets with block_size=0: at least 1"),
    ],
)
def test_an_option_that_means_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Ets(**wrong)
    assert "\n" not in str(caught.value)


def test_its_options_can_be_given_as_text() -> None:
    settings = {"lambda_d": "1.4", "cost": "tokens", "embedder.dimensions": "64"}
    rule = configured(Ets(), settings)
    assert (rule.lambda_d, rule.cost) == (1.4, "tokens")
    assert rule.embedder == HashedNgrams(dimensions=64)


@dataclass(frozen=True)
class Watched:
    """ETS that notes which threads it is asked in."""

    rule: Ets
    threads: list[int] = field(default_factory=list)

    @property
    def embedder(self) -> Embedder:
        return self.rule.embedder

    def select(self, frontier: Frontier, width: int) -> Allocation:
        if len(frontier.leaves) > 1:
            self.threads.append(threading.get_ident())
        return self.rule.select(frontier, width)


@pytest.mark.anyio
async def test_it_chooses_in_a_worker_thread_with_the_vectors_of_its_embedder() -> None:
    watched = Watched(Ets())
    says = ["we add 3 and 4 to get 7", "We add 3 and 4 to get  7", "so x is 2", "it is prime"]
    frontier = replace(frontier_of(GOLDEN, says), vectors=None)
    allocation = await selected(watched, frontier, 8)
    assert set(allocation.children) == {(0, 0), (0, 1), (1, 0)}
    assert threading.get_ident() not in watched.threads
    assert len(watched.threads) == 1


def _say(context: Context, sampling: object) -> str:
    depth = context.path.count("step-")
    if depth == 4:
        return "So the answer is \\boxed{7}."
    said = f"step {depth} of {context.path}" if context.path.endswith("2") else "the same step"
    return f"{said}\n\nand on"


def _shape(answer: Answer) -> list[Any]:
    return [
        (branch.path, branch.status, branch.score, branch.answer and _shape(branch.answer))
        for branch in answer.branches
    ]


async def _search(engine: Engine) -> tuple[Answer, Watched]:
    rule = Watched(Ets())
    scorer = Check(check=lambda answer: len(answer.text) % 7 / 7)
    question = await converse(engine, [("user", "3 + 4?")])
    answer = await TreeSearch(rule=rule, scorer=scorer, width=8).solve(question, engine)
    return answer, rule


@pytest.mark.anyio
async def test_a_search_by_it_comes_to_an_answer_and_costs_what_the_engine_says() -> None:
    engine = FakeEngine(_say)
    answer, rule = await _search(engine)
    statistics = await engine.statistics()
    assert answer.value == "7"
    assert rule.threads
    assert threading.get_ident() not in rule.threads
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert statistics.running == 0


@pytest.mark.anyio
async def test_a_search_that_is_resumed_chooses_nothing_anew() -> None:
    engine = Deciding(FakeEngine(_say))
    first, _ = await _search(engine)
    kept = dict(engine.decided)
    again, rule = await _search(engine)
    assert rule.threads == []
    assert (again.value, _shape(again)) == (first.value, _shape(first))
    assert engine.decided == kept
    assert [name for name in kept if "select" in name]
