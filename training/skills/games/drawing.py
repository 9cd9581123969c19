"""Puzzles to practise on: of 24, and of Countdown. Pure.

All of them can be made by moves that are taught, and none is held out.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .held_out import is_held_out
from .moves import good_moves
from .puzzle import TARGET, Puzzle

_GAME24 = range(1, 14)
_WIDER = range(1, 26)
_TARGETS = range(10, 100)
# As in the Countdown tasks of three and of four numbers.
_OF_THREE = range(1, 101)
_OF_FOUR = range(1, 51)
# Of the Game of 24, and of it with larger numbers; the rest is Countdown.
_SHARE, _SHARE_WIDER = 0.7, 0.08
_IN_ORDER = 0.6


def practised(random: Random, fits: Callable[[Puzzle], bool] = lambda puzzle: True) -> Puzzle:
    """A puzzle for a lesson, of those that fit."""
    while True:
        puzzle = _drawn(random)
        if fits(puzzle) and is_taught(puzzle):
            return puzzle


def is_game24(puzzle: Puzzle) -> bool:
    """Whether it is a Game of 24: what is left of these after a move is so little that it can be known by heart."""
    return puzzle.target == TARGET and all(number in _GAME24 for number in puzzle.numbers)


def game24(random: Random) -> Puzzle:
    """Any Game of 24, its numbers in order."""
    return Puzzle(tuple(sorted(random.choices(_GAME24, k=4))))


def is_taught(puzzle: Puzzle) -> bool:
    """Whether it can be made by moves that are taught, and is not held out."""
    return is_makeable(puzzle) and not is_held_out(puzzle)


def is_makeable(puzzle: Puzzle) -> bool:
    """Whether it can be made by moves that are taught."""
    return bool(good_moves(puzzle.left, puzzle.target))


def _drawn(random: Random) -> Puzzle:
    kind = random.random()
    if kind < _SHARE:
        puzzle = game24(random)
        if random.random() < _IN_ORDER:
            return puzzle
        return Puzzle(tuple(random.sample(puzzle.numbers, 4)))
    if kind < _SHARE + _SHARE_WIDER:
        return Puzzle(tuple(random.choices(_WIDER, k=4)))
    target = random.choice(_TARGETS)
    if random.random() < 0.5:
        return Puzzle(tuple(random.choices(_OF_THREE, k=3)), target)
    return Puzzle(tuple(random.choices(_OF_FOUR, k=4)), target)
