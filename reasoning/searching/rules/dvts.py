"""DVTS: beams that do not compete, each in a subtree of its own. Pure.

        question              width 8, beam_width 4
┌──┬──┬──┼──┬──┬──┐
0  1  2  3  4  5  6  7        subtree 0: 0 to 3, subtree 1: 4 to 7
   │              │
 ┌─┼─┬─┐        ┌─┼─┬─┐       in each the best leaf goes on
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..tree import ROOT, Frontier, Node, Place
from .options import require_count
from .ranking import best_first
from .rule import Allocation


@dataclass(frozen=True, kw_only=True)
class Dvts:
    """Diverse verifier tree search: `width / beam_width` subtrees, and in each the best leaf goes on.

    Beeching, Tunstall and Rush 2024, Scaling Test-Time Compute with Open Models, section on DVTS; the names and
    defaults are those of its code, search-and-learn. The first `beam_width` thoughts of the question are the first
    subtree, and so on; the last may be smaller.

    A subtree has ended when the best step of its last wave has: worse steps that could go on are left. Its width goes
    to no other, as in search-and-learn: others would take part in its luck. A worse step that has ended takes one off
    the width of its own subtree.

    Attributes:
        beam_width: The thoughts of a subtree (M in the paper), at least 1.
    """

    beam_width: int = 4

    def __post_init__(self) -> None:
        """Refuses subtrees without thoughts."""
        require_count(self, "beam_width")

    def select(self, frontier: Frontier, width: int) -> Allocation:
        """Lets the best leaf of each subtree grow."""
        room, bests = self._room(frontier), self._bests(frontier)
        children: dict[Place, int] = {}
        seen: set[int] = set()
        for leaf in best_first(frontier.leaves):
            if leaf.place == ROOT:
                return Allocation({ROOT: width})
            subtree = self._subtree(leaf.place)
            count = min(room[subtree], width)
            if subtree not in seen and count > 0 and bests[subtree, leaf.parent].state == "open":
                children[leaf.place] = count
                width -= count
            seen.add(subtree)
        return Allocation(children)

    def _subtree(self, place: Place) -> int:
        return place[0] // self.beam_width

    def _room(self, frontier: Frontier) -> Mapping[int, int]:
        """The steps that each subtree may begin: its thoughts, less those that have ended or are being taken."""
        room: Counter[int] = Counter()
        for place in frontier.in_flight:
            room[self._subtree(place)] += (len(place) == 1) - 1
        for place, node in frontier.tree.items():
            if place:
                room[self._subtree(place)] += (len(place) == 1) - (node.state != "open")
        return room

    def _bests(self, frontier: Frontier) -> Mapping[tuple[int, Place], Node]:
        """The best step of each parent in each subtree, whether it has ended or not."""
        bests: dict[tuple[int, Place], Node] = {}
        for node in best_first(node for node in frontier.tree.values() if node.place):
            bests.setdefault((self._subtree(node.place), node.parent), node)
        return bests
