"""What a search answers: a vote of the thoughts that came to an answer, weighted by their scores.

answered thoughts ─> equal answers add up their scores ─> the best thought of the heaviest
"""

from __future__ import annotations

from dataclasses import replace

from ..answer import Answer
from ..branching import counted
from ..equality import Equality
from ..extraction import extract_answer
from ..reducing.weighted import weighted_vote
from .growth import Growth
from .tree import ROOT, Node

_WITHOUT_ANSWER = "no thought gave a final answer: this is the best text"


async def elected(growth: Growth, equality: Equality) -> Answer | None:
    """The answer of a search. Of equally heavy ones it is the one whose place comes first.

    Where no thought came to its end, it is the best that there is, with the answer that it spoke of by then, and counts
    as truncated. Where none of those that did gave a final answer, their whole texts vote, and the remark says so.

    Returns:
        None if no step was taken.
    """
    nodes = [growth.tree[place] for place in sorted(growth.tree) if place != ROOT]
    taken = [node for node in nodes if node.state != "failed"]
    if not taken:
        return None
    answered = [node for node in taken if node.state == "answered"]
    if not answered:
        best = growth.whole(max(taken, key=_closeness).place)
        remark = (
            f"no thought came to an answer in {counted(len(taken), 'steps')}: this is the best text"
        )
        value = best.value or extract_answer(best.text)
        return replace(best, value=value, truncated=True, remark=remark)
    candidates = [growth.whole(node.place) for node in answered]
    winner = await weighted_vote(candidates, [node.score for node in answered], equality)
    return winner if winner.value is not None else replace(winner, remark=_WITHOUT_ANSWER)


def _closeness(node: Node) -> tuple[bool, float, int]:
    """How close a thought is to an answer: first steps often score better than thoughts that went all the way."""
    return node.state == "exhausted", node.score, node.depth
