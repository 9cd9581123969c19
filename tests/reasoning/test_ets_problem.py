"""Which leaves ETS keeps, with clusters and shares given: against the golden file, and against all sets there are."""

from __future__ import annotations

import builtins
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from statistics import fmean
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.searching.pruning import highs, solving
from reasoning.searching.pruning.greedy import greedily
from reasoning.searching.pruning.highs import optimum
from reasoning.searching.pruning.problem import (
    Leaf,
    Problem,
    block_shares,
    equal_shares,
    problem_of,
)
from reasoning.searching.pruning.reducing import Reduction
from reasoning.searching.pruning.solving import solved
from reasoning.searching.tree import ROOT, Node, Place

GOLDEN = Path(__file__).parents[3] / "shared" / "reference" / "search-golden.json"
SECONDS = 60.0
NEARLY = 1e-9

# The golden tree: the root, a and b, and two leaves of each.
A1, A2, B1, B2 = LEAVES = [
    Node(place=place, score=score)
    for place, score in (((0, 0), 0.9), ((0, 1), 0.8), ((1, 0), 0.7), ((1, 1), 0.2))
]
GAINS = (0.5, 0.375, 0.125, 0.0)


def golden(clusters: Sequence[int], lambda_b: float, lambda_d: float) -> Problem:
    shares = equal_shares(LEAVES)
    return problem_of(LEAVES, GAINS, clusters, shares, lambda_b=lambda_b, lambda_d=lambda_d)


@pytest.mark.parametrize(
    ("clusters", "lambda_b", "lambda_d", "kept", "best"),
    [
        ((0, 0, 1, 1), 1, 1.5, (0, 1, 2), 1.642857142857),
        ((0, 0, 0, 0), 1, 1.5, (0, 1), 1.803571428571),
        ((0, 1, 2, 3), 1, 1.5, (0, 1, 2, 3), 1.5),
        ((0, 0, 1, 1), 1, 0, (0, 1), 0.303571428571),
        ((0, 0, 1, 1), 2, 0, (0, 1), -0.267857142857),
        # Nothing pays, and the least bad is kept.
        ((0, 0, 1, 1), 100, 0, (0,), 0.5 - 300 / 7),
        ((0, 0, 1, 1), 100, 1.5, (0,), 0.5 + 0.75 - 300 / 7),
    ],
)
def test_the_best_leaves_are_kept(
    clusters: Sequence[int], lambda_b: float, lambda_d: float, kept: tuple[int, ...], best: float
) -> None:
    problem = golden(clusters, lambda_b, lambda_d)
    choice = solved(problem, SECONDS)
    assert (choice.kept, choice.reason) == (kept, "")
    assert problem.objective(kept) == pytest.approx(best, abs=NEARLY)


@pytest.mark.skipif(not GOLDEN.exists(), reason="../shared is absent")
def test_the_golden_choices() -> None:
    cases = json.loads(GOLDEN.read_text())["ets_ilp"]["cases"]
    assert len(cases) == 12
    names = ["a1", "a2", "b1", "b2"]
    for case in cases:
        problem = golden(case["clusters"], case["lb"], case["ld"])
        kept = solved(problem, SECONDS).kept
        assert problem.objective(kept) == pytest.approx(case["best"], abs=NEARLY), case
        for key, value in (("keep", "best"), ("second_keep", "second")):
            there = [names.index(name) for name in case[key]]
            assert problem.objective(there) == pytest.approx(case[value], abs=NEARLY), case
        # Without a cost other sets are as good; there the rule keeps all (see test_ets.py).
        if case["lb"]:
            assert [names[number] for number in kept] == case["keep"], case
        else:
            assert case["keep"] == names


@st.composite
def problems(draw: st.DrawFn, most: int = 12) -> Problem:
    """Trees of any shape, with worths, costs and clusters that often make equally good sets."""
    sizes = st.sampled_from([0.0, 0.1, 0.1, 0.2, 0.25]) | st.floats(0, 1)
    nodes = draw(st.integers(1, 8))
    leaf = st.builds(
        Leaf,
        parent=st.integers(0, nodes - 1),
        worth=st.builds(lambda gain, cost: gain - cost, sizes, sizes),
        cluster=st.none() | st.integers(0, 4),
    )
    return Problem(
        parents=[0, *(draw(st.integers(0, number - 1)) for number in range(1, nodes))],
        costs=draw(st.lists(sizes, min_size=nodes, max_size=nodes)),
        leaves=draw(st.lists(leaf, min_size=1, max_size=most)),
        bonus=draw(sizes),
    )


def best_of_all(problem: Problem) -> float:
    numbers = range(len(problem.leaves))
    sets = (kept for size in range(1, len(numbers) + 1) for kept in combinations(numbers, size))
    return max(map(problem.objective, sets))


@given(problems())
def test_no_set_of_leaves_is_better(problem: Problem) -> None:
    choice = solved(problem, SECONDS)
    assert choice.reason == ""
    assert choice.kept == tuple(sorted(set(choice.kept)))
    assert len(choice.kept) > 0
    assert problem.objective(choice.kept) == pytest.approx(best_of_all(problem), abs=NEARLY)


@given(problems(most=8))
def test_highs_alone_says_the_same(problem: Problem) -> None:
    choice = optimum(problem, SECONDS, least=1)
    assert choice.reason == ""
    assert problem.objective(choice.kept) == pytest.approx(best_of_all(problem), abs=NEARLY)


@given(problems())
def test_what_is_decided_at_sight_is_part_of_a_best_set(problem: Problem) -> None:
    reduction = Reduction(problem)
    assert not set(reduction.kept) & set(reduction.open)
    below = [
        [*reduction.kept, *chosen]
        for size in range(len(reduction.open) + 1)
        for chosen in combinations(reduction.open, size)
    ]
    best = max((problem.objective(kept) for kept in below if kept), default=-math.inf)
    if best + sum(problem.costs[:1]) > NEARLY:
        assert best == pytest.approx(best_of_all(problem), abs=NEARLY)


def random_tree(random: Random, width: int) -> list[Node]:
    """The leaves of a search of some depth: each level's children share few parents."""
    places: list[Place] = [ROOT]
    for _ in range(random.randint(1, 4)):
        parents = random.sample(places, random.randint(1, len(places)))
        numbered = [random.choice(parents) for _ in range(width)]
        places = [(*parent, number) for number, parent in enumerate(numbered)]
    return [Node(place=place, tokens=random.randint(0, 60)) for place in sorted(places)]


def random_problem(
    random: Random,
    leaves: Sequence[Node],
    lambda_b: float,
    lambda_d: float,
    costs: Mapping[Place, float] | None = None,
) -> Problem:
    shares = [random.randint(0, 9) * random.randint(0, 1) for _ in leaves]
    kinds = random.randint(1, len(leaves))
    return problem_of(
        leaves,
        [share / max(sum(shares), 1) for share in shares],
        [random.randrange(kinds) for _ in leaves],
        costs or equal_shares(leaves),
        lambda_b=lambda_b,
        lambda_d=lambda_d,
    )


WEIGHTS = st.lists(st.integers(0, 40), min_size=2, max_size=4, unique=True).map(
    lambda found: [weight / 8 for weight in sorted(found)]
)


@given(st.integers(0, 10**6), st.integers(2, 24), st.integers(1, 20), WEIGHTS)
def test_more_weight_on_coverage_never_covers_fewer_clusters(
    seed: int, width: int, eighths: int, weights: list[float]
) -> None:
    covered = []
    for weight in weights:
        random = Random(seed)
        problem = random_problem(random, random_tree(random, width), eighths / 8, weight)
        kept = solved(problem, SECONDS).kept
        covered.append(len({problem.leaves[number].cluster for number in kept}))
    assert covered == sorted(covered)


@given(st.integers(0, 10**6), st.integers(2, 24), st.integers(0, 20), WEIGHTS, st.booleans())
def test_more_weight_on_cost_never_keeps_more_nodes_or_blocks(
    seed: int, width: int, eighths: int, weights: list[float], blocks: bool
) -> None:
    kept_alive = []
    for weight in weights:
        random = Random(seed)
        leaves = random_tree(random, width)
        costs = equal_shares(leaves)
        if blocks:
            tree = {place: Node(place=place, tokens=random.randint(0, 60)) for place in costs}
            costs = block_shares(leaves, tree, 16)
        # Without a cost the rule keeps all.
        kept: Sequence[int] = range(width)
        if weight:
            problem = random_problem(random, leaves, weight, eighths / 8, costs)
            kept = solved(problem, SECONDS).kept
        places = {place for number in kept for place in leaves[number].lineage}
        kept_alive.append(math.fsum(costs[place] for place in places))
    for fewer, more in pairwise(reversed(kept_alive)):
        assert fewer <= more + NEARLY


@given(problems())
def test_a_greedy_choice_is_one(problem: Problem) -> None:
    kept = greedily(problem, least=1)
    assert kept == sorted(set(kept))
    assert kept
    assert problem.objective(kept) <= best_of_all(problem) + NEARLY
    assert kept == greedily(problem, least=1)


@given(problems())
def test_a_greedy_choice_keeps_nothing_that_only_costs_where_nothing_has_to_be(
    problem: Problem,
) -> None:
    free = replace(problem, costs=[0.0, *problem.costs[1:]])
    kept = greedily(free, least=0)
    assert free.objective(kept) >= -NEARLY
    assert kept in ([], greedily(free, least=1))


@given(problems())
def test_a_greedy_choice_is_the_best_where_each_cluster_has_one_leaf(problem: Problem) -> None:
    leaves = [replace(leaf, cluster=number) for number, leaf in enumerate(problem.leaves)]
    apart = replace(problem, leaves=leaves)
    best = best_of_all(apart)
    # Where nothing pays, only the best single leaf is looked for.
    if best + apart.costs[0] > NEARLY:
        assert apart.objective(greedily(apart, least=1)) == pytest.approx(best, abs=NEARLY)


def test_a_greedy_choice_is_close_to_the_best() -> None:
    ratios = []
    for seed in range(60):
        random = Random(seed)
        problem = random_problem(random, random_tree(random, 32), 1.0, 1.4)
        best = problem.objective(solved(problem, SECONDS).kept)
        ratios.append(problem.objective(greedily(problem, least=1)) / best)
    assert fmean(ratios) > 0.99
    assert min(ratios) > 0.9


def test_without_time_the_choice_is_greedy_and_says_so() -> None:
    problem = hard_problem()
    assert Reduction(problem).open
    choice = solved(problem, 0)
    assert choice.reason == "no optimum was found within the time limit"
    assert choice.kept == solved(problem, 1e-9).kept
    best = problem.objective(solved(problem, SECONDS).kept)
    assert 0.9 * best < problem.objective(choice.kept) <= best


@pytest.mark.parametrize("nothing_pays", [False, True])
def test_what_it_takes_to_load_the_solver_is_none_of_its_time(
    nothing_pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = golden((0, 0, 1, 1), 100, 0) if nothing_pays else hard_problem()
    now = 0
    load = builtins.__import__

    def slowly(name: str, *rest: object, **options: object) -> object:
        nonlocal now
        if name.startswith("scipy"):
            now = 100
        return load(name, *rest, **options)  # type: ignore[arg-type]  # what it was called with

    monkeypatch.setattr(builtins, "__import__", slowly)
    for module in (highs, solving):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    choice = solved(problem, 1)
    assert now == 100
    assert choice.reason == ""


def test_a_program_without_an_answer_is_told() -> None:
    choice = optimum(hard_problem(), SECONDS, least=7)
    assert choice.kept == ()
    assert choice.reason.startswith("HiGHS said: The problem is infeasible")
    assert "\n" not in choice.reason


def hard_problem() -> Problem:
    """Three clusters, each said beneath two of three nodes: any two nodes cover all, and halves of all three do."""
    pairs = [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 0)]
    return Problem(
        parents=[0, 0, 0, 0],
        costs=[0.0, 0.3, 0.3, 0.3],
        leaves=[Leaf(parent=parent, worth=-0.01, cluster=cluster) for parent, cluster in pairs],
        bonus=0.4,
    )


def test_a_long_chain_of_clusters_is_left_to_the_solver() -> None:
    """Each cluster is said beneath two nodes that are next to each other, so that each link decides the next one."""
    links = 60
    pairs = [
        (1, 1),
        *((link + 1, cluster) for link in range(1, links) for cluster in (link, link + 1)),
    ]
    problem = Problem(
        parents=[0] * (links + 1),
        costs=[0.0, *(0.3 if link % 2 else 0.5 for link in range(links))],
        leaves=[Leaf(parent=parent, worth=-0.01, cluster=cluster) for parent, cluster in pairs],
        bonus=0.4,
    )
    assert Reduction(problem).open
    choice = solved(problem, SECONDS)
    assert choice.reason == ""
    # Every other node, for both of its clusters.
    assert problem.objective(choice.kept) == pytest.approx(links / 2 * (2 * (0.4 - 0.01) - 0.3))


def test_halves_are_no_choice() -> None:
    problem = hard_problem()
    kept = solved(problem, SECONDS).kept
    assert len({problem.leaves[number].parent for number in kept}) == 2
    assert problem.objective(kept) == pytest.approx(1.2 - 0.6 - 0.03)


def chain(*tokens: int) -> dict[Place, Node]:
    nodes = [Node(place=(0,) * (depth + 1), tokens=count) for depth, count in enumerate(tokens)]
    return {ROOT: Node(place=ROOT), **{node.place: node for node in nodes}}


def test_all_nodes_cost_the_same_the_root_too() -> None:
    assert equal_shares([A1, A2, B1]) == dict.fromkeys(
        [(), (0,), (1,), (0, 0), (0, 1), (1, 0)], 1 / 6
    )


def test_a_path_costs_the_blocks_that_its_tokens_fill() -> None:
    tree = chain(6, 3, 3)
    leaf = tree[0, 0, 0]
    # 6 tokens fill one block of 4, the next 3 one more, and the last end in a third.
    assert block_shares([leaf], tree, 4) == {(): 0, (0,): 1 / 3, (0, 0): 1 / 3, (0, 0, 0): 1 / 3}
    assert block_shares([leaf], tree, 100) == {(): 0, (0,): 0, (0, 0): 0, (0, 0, 0): 1}


def test_a_block_that_steps_fork_in_is_each_one_s_own() -> None:
    tree = chain(6, 1)
    tree[0, 1] = Node(place=(0, 1), tokens=2)
    leaves = [tree[0, 0], tree[0, 1]]
    assert block_shares(leaves, tree, 4) == {(): 0, (0,): 1 / 3, (0, 0): 1 / 3, (0, 1): 1 / 3}


def test_steps_of_no_tokens_cost_nothing() -> None:
    tree = chain(0, 0)
    assert set(block_shares([tree[0, 0]], tree, 16).values()) == {0}
