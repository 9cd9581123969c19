"""Numbers that formulas are computed with: floats, which are quick, or fifty digits, which prove that two are the same.

Fractions stay fractions in both, until a root or a function needs more.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol


class Field(Protocol):
    """How to compute what is no fraction."""

    pi: Any
    e: Any
    i: Any
    functions: Mapping[str, Callable[[Any], Any]]

    def of(self, value: Any) -> Any:
        """A fraction, or a value of this field, as a value of this field."""
        ...

    def sqrt(self, value: Any) -> Any:
        """The square root whose real part is not negative."""
        ...


class _Floats:
    pi, e, i = complex(math.pi), complex(math.e), 1j
    functions: Mapping[str, Callable[[Any], Any]] = {
        r"\sin": cmath.sin,
        r"\cos": cmath.cos,
        r"\tan": cmath.tan,
        r"\cot": lambda value: 1 / cmath.tan(value),
        r"\sec": lambda value: 1 / cmath.cos(value),
        r"\csc": lambda value: 1 / cmath.sin(value),
        r"\ln": cmath.log,
        r"\exp": cmath.exp,
        r"\arctan": cmath.atan,
    }

    def of(self, value: Any) -> Any:
        return complex(value)

    def sqrt(self, value: Any) -> Any:
        return cmath.sqrt(value)


class _Digits:
    def __init__(self) -> None:
        # Only here: few comparisons need it.
        from mpmath import MPContext  # type: ignore[import-untyped]

        self._context = context = MPContext()
        context.dps = 50
        self.pi, self.e, self.i = +context.pi, +context.e, context.mpc(0, 1)
        names = ("sin", "cos", "tan", "cot", "sec", "csc", "ln", "exp")
        self.functions: Mapping[str, Callable[[Any], Any]] = {
            **{f"\\{name}": getattr(context, name) for name in names},
            r"\arctan": context.atan,
        }

    def of(self, value: Any) -> Any:
        if isinstance(value, Fraction):
            return self._context.mpf(value.numerator) / value.denominator
        return self._context.mpmathify(value)

    def sqrt(self, value: Any) -> Any:
        return self._context.sqrt(value)


FLOATS: Field = _Floats()


@lru_cache(maxsize=1)
def digits() -> Field:
    """The field of fifty digits."""
    return _Digits()
