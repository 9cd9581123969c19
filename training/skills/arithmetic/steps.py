r"""Nested operations: the innermost first, then the whole with its value in its place. Pure and exact.

(5-12)*(3+4)
5-12=-(12-5)        where the sign is not plain to see, it is decided first, then the magnitude computed
12-5
...
12-5=7
5-12=-7
-7*(3+4)
3+4=7
-7*7=-(7*7)
7*7=49
-7*7=-49
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evals.tasks.nested_operations import OPERATIONS, Operation, value_of

from ..written_arithmetic import difference, product, quotient, total
from .expression import innermost, simplified

_WRITTEN: Mapping[str, Callable[[int, int], str]] = {
    "+": lambda a, b: total([a, b]),
    "-": difference,
    "*": product,
    "/": quotient,
}


def solution(operation: Operation) -> str:
    """All steps of it.

    >>> from evals.tasks.nested_operations import joined
    >>> print(solution(joined("*", joined("-", 13, 8), joined("+", 2, 3))))
    13-8=5
    5*(2+3)
    2+3=5
    5*5=25
    """
    inner, rest = innermost(operation), simplified(operation)
    computed = step(inner.sign, value_of(inner.left), value_of(inner.right))
    if isinstance(rest, int):
        return computed
    # The last operation is what its own step begins with.
    whole = [] if innermost(rest) is rest else [str(rest)]
    return "\n".join([computed, *whole, solution(rest)])


def step(sign: str, left: int, right: int) -> str:
    """One operation on two numbers.

    >>> print(step("+", -5, 8))
    -5+8=8-5
    8-5=3
    -5+8=3
    >>> print(step("/", -72, 9))
    -72/9=-(72/9)
    72/9=8
    -72/9=-8
    """
    asked, plain = f"{left}{sign}{right}", _plain(sign, left, right)
    lines = _WRITTEN[plain.sign](plain.left, plain.right)
    if str(plain) == asked:
        # A product of several digits begins with the first of its parts.
        return lines if lines.startswith(asked) else f"{asked}\n{lines}"
    return f"{asked}={plain}\n{lines}\n{asked}={OPERATIONS[sign](left, right)}"


@dataclass(frozen=True, slots=True)
class _Plain:
    """An operation on numbers none of which is negative, to a result that is not, and the sign before it."""

    sign: str
    left: int
    right: int
    negative: bool

    def __str__(self) -> str:
        text = f"{self.left}{self.sign}{self.right}"
        return f"-({text})" if self.negative else text


def _plain(sign: str, left: int, right: int) -> _Plain:
    value = OPERATIONS[sign](left, right)
    if sign == "*":
        # The longer one first: there are fewer partial products then.
        first, second = sorted((abs(left), abs(right)), key=_digits, reverse=True)
        return _Plain(sign, first, second, value < 0)
    if sign == "/":
        return _Plain(sign, abs(left), right, value < 0)
    if min(left, right, value) >= 0:
        return _Plain(sign, left, right, negative=False)
    added = right if sign == "+" else -right
    if (left < 0) == (added < 0):
        return _Plain("+", abs(left), abs(added), value < 0)
    smaller, larger = sorted((abs(left), abs(added)))
    return _Plain("-", larger, smaller, value < 0)


def _digits(number: int) -> int:
    return len(str(number))
