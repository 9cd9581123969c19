"""Which products no lesson asks for, so that they measure what was learnt. Pure; all skills that multiply use it."""

from __future__ import annotations

from zlib import crc32

_ONE_IN = 10
# A digit times anything is what written arithmetic is made of, and there are few of these.
_LEAST = 10


def held_out_product(a: int, b: int) -> bool:
    """Whether a*b, and b*a with it, is kept for evaluation: one in ten of those whose factors have two digits or more.

    >>> held_out_product(1231, 567), held_out_product(567, 1231), held_out_product(1234, 567)
    (True, True, False)
    """
    smaller, larger = sorted((a, b))
    return smaller >= _LEAST and crc32(b"%d*%d" % (smaller, larger)) % _ONE_IN == 0
