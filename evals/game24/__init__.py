"""The Game of 24: make 24 of four numbers by `+ - * /`. Exact and pure; it knows no search and no model."""

from __future__ import annotations

from .expression import makes_24, same_value, value_of
from .moves import TARGET, Move, Numbers, can_reach, legal_moves, numbers_of
from .steps import expression_of, move_lines, next_line, on_track, remaining

__all__ = [
    "TARGET",
    "Move",
    "Numbers",
    "can_reach",
    "expression_of",
    "legal_moves",
    "makes_24",
    "move_lines",
    "next_line",
    "numbers_of",
    "on_track",
    "remaining",
    "same_value",
    "value_of",
]
