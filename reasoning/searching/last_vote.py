"""What a search answers: a vote of the thoughts that came to an answer, weighted by their scores.

answered thoughts ─> equal answers add up their scores ─> the best thought of the heaviest
"""

from __future__ import annotations

from dataclasses import replace

from ..answer import Answer
from ..equality import Equality
from ..reducing.weighted import weighted_vote
from .growth import Growth
from .tree import ROOT, Node


async def elected(growth: Growth, equality: Equality) -> Answer | None:
    """The answer of a search. Of equally heavy ones it is the one whose place comes first.

    Where no thought came to its end, it is the best that there is, and counts as truncated.

    Returns:
        None if no step was taken.
    """
    nodes = [growth.tree[place] for place in sorted(growth.tree) if place != ROOT]
    taken = [node for node in nodes if node.state != "failed"]
    if not taken:
        return None
    answered = [node for node in taken if node.state == "answered"]
    if not answered:
        best = max(taken, key=_closeness)
        remark = f"none of {len(taken)} steps came to an answer"
        return replace(growth.whole(best.place), truncated=True, remark=remark)
    candidates = [growth.whole(node.place) for node in answered]
    return await weighted_vote(candidates, [node.score for node in answered], equality)


def _closeness(node: Node) -> tuple[bool, float, int]:
    """How close a thought is to an answer: first steps often score better than thoughts that went all the way."""
    return node.state == "exhausted", node.score, node.depth
