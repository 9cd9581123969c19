"""The thoughts of a lesson as a tree: which steps are taken, which of them are to be learnt. Pure.

    4 5 6 10 ─┬─ 10 - 4 = 6 (left: 5 6 6) ─┬─ 6 * 5 = 30 (left: 6 30) ─── ...
              │                            └─ 6 - 6 = 0 (left: 0 5)             only to be judged
              └─ 10 + 4 = 14 (left: 5 6 14)                                     only to be judged

Moves that leave the target within reach can be learnt; each stands beside many others after the same words, so that
all good ones become likely. The others are there to be judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from evals.game24 import Move, Numbers, legal_moves, next_line
from reasoning.searching.tree import ROOT, Place

from ...lesson import Said
from .moves import bad_moves, good_moves, is_whole, within_reach
from .puzzle import Puzzle
from .written import BETWEEN, conclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many children the states of a tree have.

    Attributes:
        good: Of the puzzle: moves that keep the target within reach, at most.
        bad: Of the puzzle: other moves, at most.
        further_good: The same of what is left after a move.
        further_bad: The same.
        followed: How many of the good and how many of the bad children go on.
        concluded: How many of the thoughts that made the target go on to the expression.
        odd: The share of bad moves that make a number below 0 or a fraction, and of those with a mistake in them.
    """

    good: int
    bad: int
    further_good: int = 0
    further_bad: int = 0
    followed: int = 0
    concluded: int = 0
    odd: float = 0.0


def tree_of(puzzle: Puzzle, shape: Shape, random: Random) -> Mapping[Place, Said]:
    """The steps by their places."""
    return dict(_Growing(puzzle, shape, random).steps(ROOT, puzzle.left, ()))


class _Growing:
    def __init__(self, puzzle: Puzzle, shape: Shape, random: Random) -> None:
        self._target = puzzle.target
        self._shape = shape
        self._random = random
        self._concluded = 0

    def steps(
        self, place: Place, left: Numbers, moves: Sequence[Move]
    ) -> Iterator[tuple[Place, Said]]:
        if len(left) == 1:
            yield from self._conclusion(place, left, moves)
            return
        good, bad = self._children(place, left)
        children = [(move, True) for move in good] + [(move, False) for move in bad]
        followed = {*good[: self._shape.followed], *bad[: self._shape.followed]}
        self._random.shuffle(children)
        for number, (move, learned) in enumerate(children):
            child = (*place, number)
            line = next_line(left, move)
            if not learned and self._random.random() < self._shape.odd:
                yield child, Said(self._mistaken(left, move) + BETWEEN, learned=False)
                continue
            yield child, Said(line + BETWEEN, learned=learned)
            if move in followed:
                yield from self.steps(child, move.after(left), (*moves, move))

    def _conclusion(
        self, place: Place, left: Numbers, moves: Sequence[Move]
    ) -> Iterator[tuple[Place, Said]]:
        if left == (Fraction(self._target),) and self._concluded < self._shape.concluded:
            self._concluded += 1
            yield (*place, 0), Said(conclusion(moves))

    def _children(self, place: Place, left: Numbers) -> tuple[list[Move], list[Move]]:
        shape = self._shape
        most_good = shape.further_good if place else shape.good
        most_bad = shape.further_bad if place else shape.bad
        good = self._some(good_moves(left, self._target), most_good)
        bad = self._some(bad_moves(left, self._target), most_bad)
        return good, [self._unusual(left, move) for move in bad]

    def _some(self, moves: Sequence[Move], most: int) -> list[Move]:
        return self._random.sample(moves, min(most, len(moves)))

    def _unusual(self, left: Numbers, move: Move) -> Move:
        """Now and then another legal move that no lesson proposes: to less than 0, or to a fraction."""
        if self._random.random() >= self._shape.odd:
            return move
        other = self._random.choice(legal_moves(left))
        fine = is_whole(other.value) or within_reach(other.after(left), self._target)
        return move if fine else other

    def _mistaken(self, left: Numbers, move: Move) -> str:
        """A move that is wrong by a little."""
        value = move.value + self._random.choice([-10, -2, -1, 1, 2, 10])
        rest = list(move.after(left))
        rest.remove(move.value)
        after = " ".join(map(str, sorted([*rest, Fraction(value)])))
        return f"{move.first} {move.operator} {move.second} = {value} (left: {after})"
