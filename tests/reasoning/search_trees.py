"""Rules and trees for the tests of selection rules: by hand, at random, and grown by a rule without an engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.dvts import Dvts
from reasoning.searching.rules.independent import Independent
from reasoning.searching.rules.mcts import Mcts
from reasoning.searching.rules.particles import ParticleFilter
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.tree import ROOT, Frontier, Node, Place, State

# Those that always use the whole width, as long as there is a leaf.
GREEDY: list[SelectionRule] = [
    Rebase(),
    Rebase(temperature=1e-9),
    Beam(),
    Beam(beam_width=1),
    ParticleFilter(),
    ParticleFilter(resampling="systematic", scores="logits"),
]
RULES: list[SelectionRule] = [
    *GREEDY,
    Dvts(),
    Dvts(beam_width=1),
    Independent(),
    Mcts(),
    Mcts(policy="puct", max_children=5, simulations=500),
]

SCORES = st.floats(allow_nan=False) | st.sampled_from([-math.inf, math.inf, 0.25, 0.5])


def tree_of(scores: Mapping[Place, float], **states: State) -> dict[Place, Node]:
    """The root and nodes by their places; other states than open by name, as `_0_1="answered"`."""
    nodes = {
        place: Node(
            place=place,
            score=score,
            state=states.get("".join(f"_{number}" for number in place), "open"),
        )
        for place, score in scores.items()
    }
    return {ROOT: Node(place=ROOT), **nodes}


def frontier_of(tree: Mapping[Place, Node], *in_flight: Place) -> Frontier:
    """All open nodes without children are leaves."""
    parents = {place[:-1] for place in (*tree, *in_flight) if place}
    leaves = [
        tree[place]
        for place in sorted(tree)
        if tree[place].state == "open" and place not in parents
    ]
    return Frontier(leaves, tree, in_flight=in_flight)


def level(*scores: float) -> Frontier:
    """Leaves of these scores, side by side."""
    return frontier_of(tree_of({(number,): score for number, score in enumerate(scores)}))


@st.composite
def frontiers(draw: st.DrawFn) -> Frontier:
    """Trees of any shape, with steps in flight."""
    tree: dict[Place, Node] = {ROOT: Node(place=ROOT)}
    begun: dict[Place, int] = {}
    in_flight: list[Place] = []
    # Half of the trees have hardly any but equal scores.
    scores = draw(st.sampled_from([SCORES, st.sampled_from([0.25, 0.5])]))
    for _ in range(draw(st.integers(0, 12))):
        open_places = [place for place in tree if tree[place].state == "open"]
        parent = draw(st.sampled_from(open_places))
        place = (*parent, begun.get(parent, 0))
        begun[parent] = place[-1] + 1
        state = draw(st.sampled_from(["open", "open", "answered", "exhausted", "failed", "late"]))
        if state == "late":
            in_flight.append(place)
        else:
            score = -math.inf if state == "failed" else draw(scores)
            tree[place] = Node(place=place, score=score, state=state)  # type: ignore[arg-type]  # drawn
    return frontier_of(tree, *in_flight)


def shuffled(frontier: Frontier, random: Any) -> Frontier:
    """The same, come to be in another order."""
    leaves, nodes = list(frontier.leaves), list(frontier.tree.items())
    in_flight = list(frontier.in_flight)
    for items in (leaves, nodes, in_flight):
        random.shuffle(items)
    return Frontier(leaves, dict(nodes), in_flight=in_flight)


def grown(
    rule: SelectionRule,
    score: Callable[[Place], float],
    *,
    width: int,
    state: Callable[[Place], State] = lambda place: "open",
    waves: int = 1000,
) -> dict[Place, Node]:
    """The tree that a search would grow in barrier mode, with scores and states by the place."""
    tree: dict[Place, Node] = {ROOT: Node(place=ROOT)}
    begun: dict[Place, int] = {}
    leaves = [tree[ROOT]]
    for _ in range(waves):
        room = width - sum(node.state != "open" for node in tree.values())
        allocation = rule.select(Frontier(leaves, tree), room) if room > 0 else None
        if allocation is None or not allocation.children:
            return tree
        assert allocation.total <= room
        wave = []
        for parent in sorted(allocation.children):
            for _ in range(allocation.children[parent]):
                place = (*parent, begun.get(parent, 0))
                begun[parent] = place[-1] + 1
                wave.append(Node(place=place, score=score(place), state=state(place)))
        tree.update((node.place, node) for node in wave)
        leaves = [node for node in wave if node.state == "open"]
    return tree
