"""Thoughts on a puzzle, a move a step, in the format of Tree of Thoughts (Yao et al. 2023). Pure.

10 - 4 = 6 (left: 5 6 6)
5 * 6 = 30 (left: 6 30)
30 - 6 = 24 (left: 24)

Words around a move are passed over, so that a step may say why. What has no `(left: ...)` is no move but a musing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines import Choice

from .moves import Move, Numbers, can_reach, legal_moves

_NUMBER = r"-?\d+(?:/\d+|\.\d+)?"
_MOVE = re.compile(
    rf"({_NUMBER}) ([-+*/]) ({_NUMBER}) = ({_NUMBER}) \(left: ({_NUMBER}(?: {_NUMBER})*)\)"
)


def next_line(numbers: Numbers, move: Move) -> str:
    """A move as a step.

    >>> from .moves import numbers_of
    >>> next_line(numbers_of("4 6 1"), Move(Fraction(4), "*", Fraction(6)))
    '4 * 6 = 24 (left: 1 24)'
    """
    return f"{move} (left: {' '.join(map(str, move.after(numbers)))})"


# A search asks the same of each thought for each of its children.
@lru_cache(maxsize=10_000)
def move_lines(numbers: Numbers, end: str = "\n") -> Choice:
    """The constraint that the next step is a legal move: a model under it cannot miscalculate.

    Args:
        numbers: At least two.
        end: What stands after each.
    """
    return Choice(options=tuple(next_line(numbers, move) + end for move in legal_moves(numbers)))


@lru_cache(maxsize=10_000)  # as above
def remaining(numbers: Numbers, thought: str) -> Numbers | None:
    """What is left of a puzzle's numbers after all moves of a thought; None if one of them is not legal.

    A move is legal if its numbers are there, its value is right, and so is what it says is left.

    >>> from .moves import numbers_of
    >>> print(*remaining(numbers_of("4 6 1"), "Well: 4 * 6 = 24 (left: 24 1)"))
    1 24
    >>> remaining(numbers_of("4 6 1"), "4 * 6 = 20 (left: 1 20)") is None
    True
    """
    for state in _states(numbers, thought):
        if state is None:
            return None
        numbers = state.left
    return numbers


def on_track(numbers: Numbers, thought: str) -> bool:
    """Whether what is left after a thought can still reach 24."""
    left = remaining(numbers, thought)
    return left is not None and can_reach(left)


@lru_cache(maxsize=10_000)
def expression_of(numbers: Numbers, thought: str) -> str | None:
    """The moves of a thought as one expression; None if one is not legal, or more than one number is left.

    >>> from .moves import numbers_of
    >>> expression_of(numbers_of("4 6 1"), "4 - 1 = 3 (left: 3 6); 6 * 3 = 18 (left: 18)")
    '6 * (4 - 1)'
    """
    made = [(number, str(number)) for number in numbers]
    for state in _states(numbers, thought):
        if state is None:
            return None
        first = _taken(made, state.move.first)
        second = _taken(made, state.move.second)
        made.append((state.move.value, f"({first} {state.move.operator} {second})"))
    if len(made) != 1:
        return None
    expression = made[0][1]
    return expression[1:-1] if len(numbers) > 1 else expression


class _State(NamedTuple):
    move: Move
    left: Numbers


def _states(numbers: Numbers, thought: str) -> Iterator[_State | None]:
    """The moves and what is left after each; None, at the end, for one that is not legal."""
    for claim in _MOVE.findall(thought):
        state = _legal(numbers, *claim)
        yield state
        if state is None:
            return
        numbers = state.left


def _legal(
    numbers: Numbers, first: str, operator: str, second: str, value: str, left: str
) -> _State | None:
    try:
        move = Move(Fraction(first), operator, Fraction(second))
        after = move.after(numbers)
        said = tuple(sorted(map(Fraction, left.split())))
        return _State(move, after) if (move.value, after) == (Fraction(value), said) else None
    # A number that is not there, or a fraction of nothing.
    except (ValueError, ZeroDivisionError):
        return None


def _taken(made: list[tuple[Fraction, str]], number: Fraction) -> str:
    """Takes one of equal numbers; it makes no difference which."""
    index = [value for value, _ in made].index(number)
    return made.pop(index)[1]
