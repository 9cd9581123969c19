"""Which expressions no lesson shows, so that they measure what was learnt. Pure."""

from __future__ import annotations

from zlib import crc32

ONE_IN = 10
"""The share of expressions that are held out, inverted."""


def held_out_expression(text: str) -> bool:
    """Whether an expression, with spaces or without, is kept for evaluation: one in ten.

    >>> held_out_expression("(13 - 4) * 7"), held_out_expression("(13-4)*7")
    (False, False)
    """
    return crc32(text.replace(" ", "").encode()) % ONE_IN == 0
