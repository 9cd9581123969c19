"""ETS: REBASE over those leaves that are worth the KV cache that they keep alive, and say different things. Pure.

leaves ─> shares by REBASE ─┐
       ─> clusters of texts ┼─> keep the best set ─> the whole width by REBASE among the kept
       ─> costs of nodes ───┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..embedding.embedder import Embedder
from ..embedding.hashed_ngrams import HashedNgrams
from ..pruning.clustering import clusters_of
from ..pruning.problem import Problem, block_shares, equal_shares, problem_of
from ..pruning.solving import solved
from ..tree import Frontier, Place
from .options import require_choice, require_count, require_from_zero, require_positive
from .rebase import Rebase
from .rule import Allocation

Cost = Literal["uniform", "tokens"]


@dataclass(frozen=True, kw_only=True)
class Ets:
    """Efficient tree search (Hooper et al. 2025), section 4.

    Of the leaves it keeps those which are best by

        their shares of what REBASE would give  -  lambda_b x the share of nodes kept  +  lambda_d x that of clusters

    and shares the whole width out among them by REBASE; some may still get nothing. A greater `lambda_b` never keeps
    more (nodes, or blocks where these are what costs), and a greater `lambda_d` never covers fewer clusters. Without a
    cost, all leaves are kept.

    Attributes:
        temperature: Of the softmax.
        lambda_b: What it counts against a set that it keeps the whole tree alive; 0 keeps all leaves.
        lambda_d: What it counts for a set that it has a leaf of each cluster. The paper takes 1.5 with a width of 16,
            1.4 with 64 and 1.45 with 256.
        threshold: The cosine distance up to which steps are taken to say the same, 0 or more.
        cost: What keeping costs: `uniform` counts the nodes, as the paper does; `tokens` the blocks of KV cache that
            they take, where the root, which all share, is free.
        block_size: Tokens in a block, for `tokens`.
        embedder: Says what steps mean; it should tell as much apart as the paper's (BERT trained on mathematics).
        time_limit: The most seconds for the solver. What it has not solved by then is chosen greedily, and the remark
            says so.
    """

    temperature: float = 0.2
    lambda_b: float = 1.0
    lambda_d: float = 1.5
    threshold: float = 0.05
    cost: Cost = "uniform"
    block_size: int = 16
    embedder: Embedder = HashedNgrams()
    time_limit: float = 1.0

    def __post_init__(self) -> None:
        """Refuses what is no weight, no cost, no distance or no time."""
        require_positive(self, "temperature")
        require_count(self, "block_size")
        require_choice(self, "cost", Cost)
        for option in ("lambda_b", "lambda_d", "threshold", "time_limit"):
            require_from_zero(self, option)

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Chooses the leaves to keep, then shares the width out. It blocks while the solver works."""
        rebase = Rebase(temperature=self.temperature)
        shares = rebase.select(frontier, width)
        if len(frontier.leaves) < 2 or self.lambda_b == 0:
            return shares
        frontier = _in_order(frontier)
        choice = solved(self._problem(frontier, shares), self.time_limit)
        kept = [frontier.leaves[number] for number in choice.kept]
        children = rebase.select(replace(frontier, leaves=kept, vectors=None), width).children
        remark = f"ETS kept leaves greedily: {choice.reason}" if choice.reason else ""
        return Allocation(children, remark)

    def _problem(self, frontier: Frontier, shares: Allocation) -> Problem:
        leaves, total = frontier.leaves, shares.total
        clusters: Sequence[int] = [0] * len(leaves)
        if self.lambda_d:
            texts = [leaf.text for leaf in leaves]
            clusters = clusters_of(texts, frontier.vectors, self.threshold)
        return problem_of(
            leaves,
            [shares.children.get(leaf.place, 0) / total for leaf in leaves],
            clusters,
            self._costs(frontier),
            lambda_b=self.lambda_b,
            lambda_d=self.lambda_d,
        )

    def _costs(self, frontier: Frontier) -> Mapping[Place, float]:
        if self.cost == "uniform":
            return equal_shares(frontier.leaves)
        return block_shares(frontier.leaves, frontier.tree, self.block_size)


def _in_order(frontier: Frontier) -> Frontier:
    """The same, with the leaves in the order of their places."""
    leaves, vectors = frontier.leaves, frontier.vectors
    order = sorted(range(len(leaves)), key=lambda number: leaves[number].place)
    return replace(
        frontier,
        leaves=[leaves[number] for number in order],
        vectors=None if vectors is None else vectors[order],
    )
