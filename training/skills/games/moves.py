"""The moves that are taught: the larger number first, whole and not below 0, and the target still within reach. Pure.

Nothing is lost that way: 5 - 9 leads where 9 - 5 does, and 16 of the 1,362 puzzles of 24 need a fraction. And a search
has a third of the moves to choose from.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from evals.game24 import Move, Numbers, can_reach

from .look_ahead import can_make

# As many as the moves of one lesson for all puzzles of 24 lead to, and some.
_REMEMBERED = 100_000


@lru_cache(maxsize=_REMEMBERED)
def plain_moves(left: Numbers) -> tuple[Move, ...]:
    """The moves of numbers in order that make a whole number, not below 0, each once."""
    pairs = dict.fromkeys(combinations(left, 2))
    moves = [
        Move(high, operator, low)
        for low, high in pairs
        for operator in "+-*/"
        if operator != "/" or low
    ]
    return tuple(move for move in moves if is_whole(move.value))


@lru_cache(maxsize=_REMEMBERED)
def good_moves(left: Numbers, target: int) -> tuple[Move, ...]:
    """The plain moves after which the target can still be made; few where it cannot be made of these."""
    return tuple(move for move in plain_moves(left) if within_reach(move.after(left), target))


@lru_cache(maxsize=_REMEMBERED)
def bad_moves(left: Numbers, target: int) -> tuple[Move, ...]:
    """The other plain moves."""
    good = good_moves(left, target)
    return tuple(move for move in plain_moves(left) if move not in good)


@lru_cache(maxsize=_REMEMBERED)
def within_reach(left: Numbers, target: int) -> bool:
    """Whether the target can be made of numbers in order, fractions and all."""
    if len(left) <= 3 and all(map(is_whole, left)):
        return can_make([int(number) for number in left], target)
    return can_reach(left, Fraction(target))


def is_whole(number: Fraction) -> bool:
    """Whether it is a whole number, not below 0."""
    return number.denominator == 1 and number >= 0
