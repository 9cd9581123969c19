r"""Unions of intervals and points of the line, by their ends. Pure.

(-\infty, 1] \cup (2, 3) \cup \{5\}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from .formulas import Values, differ, same, values_of

_PIECE = re.compile(r"([(\[])(.+),(.+)([)\]])|\\?\{([^{},]+)\\?\}", re.DOTALL)


class _Piece(NamedTuple):
    low: Values
    low_in: bool
    high: Values
    high_in: bool


def equal_as_unions(first: str, second: str, *, apart: float) -> bool | None:
    r"""Whether two unions are the same set; None if they are none, or too near each other to tell.

    >>> equal_as_unions(r"(0,1)\cup[1,2)", "(0,2)", apart=1e-6), equal_as_unions(r"(0,1)\cup(1,2)", "(0,2)", apart=1e-6)
    (True, False)
    """
    one, other = _merged(_pieces(first)), _merged(_pieces(second))
    if one is None or other is None:
        return None
    if len(one) != len(other):
        return False
    unknown = False
    for a, b in zip(one, other, strict=True):
        if (a.low_in, a.high_in) != (b.low_in, b.high_in):
            return False
        for end, its in ((a.low, b.low), (a.high, b.high)):
            if differ(end, its, apart=apart, relative=0):
                return False
            unknown = unknown or not same(end, its)
    return None if unknown else True


def _pieces(text: str) -> Sequence[_Piece] | None:
    pieces: list[_Piece] = []
    for part in re.split(r"\\cup(?![a-z])", text):
        found = _PIECE.fullmatch(part.strip())
        if not found:
            return None
        low = values_of((found[5] or found[2]).strip())
        high = values_of((found[5] or found[3]).strip())
        if low is None or high is None or not (_real(low) and _real(high)):
            return None
        closed = bool(found[5])
        pieces.append(_Piece(low, closed or found[1] == "[", high, closed or found[4] == "]"))
    return pieces


def _merged(pieces: Sequence[_Piece] | None) -> Sequence[_Piece] | None:
    """In order, without those that touch; None where ends are too near to each other, or in the wrong order."""
    if pieces is None or any(_number(piece.low) > _number(piece.high) for piece in pieces):
        return None
    merged: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: (_number(piece.low), not piece.low_in)):
        if not merged or _number(merged[-1].high) < _number(piece.low):
            merged.append(piece)
            continue
        last = merged[-1]
        if not same(last.high, piece.low):
            # They overlap, which nobody writes.
            return None
        if last.high_in or piece.low_in:
            merged[-1] = _Piece(last.low, last.low_in, piece.high, piece.high_in)
        else:
            merged.append(piece)
    near = any(0 < _number(b.low) - _number(a.high) < 1e-6 for a, b in pairwise(merged))
    return None if near else merged


def _real(values: Values) -> bool:
    """Whether there are no variables in it, and no roots of negative numbers."""
    first = values.values[0]
    if first is None or any(value != first for value in values.values):
        return False
    return isinstance(first, Fraction) or abs(first.imag) < 1e-12


def _number(values: Values) -> float:
    return float(values.values[0].real)
