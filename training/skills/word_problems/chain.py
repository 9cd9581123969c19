r"""The chain of thought of a word problem: its steps one after another, computed as on paper. Pure and exact.

12*7                                   84+38
2*7=14 14+0=14 write 4 carry 1         4+8+0=12 write 2 carry 1
1*7=7 7+1=8 write 8 carry 0            8+3+1=12 write 2 carry 1
12*7=84                                84+38=122      \boxed{122}

What the tables of addition and multiplication hold is one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ..written_arithmetic import added, multiplied_by_digit, partial_products, subtracted
from .steps import OPERATIONS, Operand, Result, Step, results_of
from .written_numbers import shortest

_LARGEST_DIVISOR = 12


def is_computable(steps: Sequence[Step]) -> bool:
    """Whether all numbers are whole, and every divisor small, or a hundred."""
    numbers = [
        side for step in steps for side in (step.left, step.right) if not isinstance(side, Result)
    ]
    if any(number.denominator > 1 for number in (*numbers, *results_of(steps))):
        return False
    return all(
        right <= _LARGEST_DIVISOR or right == 100 for _, op, right in _filled(steps) if op == "/"
    )


def chain_of(steps: Sequence[Step]) -> str:
    """All of it, with the answer in a box."""
    lines = [computed(left, operation, right) for left, operation, right in _filled(steps)]
    answer = shortest(results_of(steps)[-1])
    return "\n".join(lines) + f"\n\n\\boxed{{{answer}}}"


def computed(left: int, operation: str, right: int) -> str:
    """One operation on whole numbers."""
    if operation == "*" and max(left, right) >= 10:
        return _multiplied(max(left, right), min(left, right))
    if operation == "/":
        return _divided(left, right)
    result = OPERATIONS[operation](Fraction(left), Fraction(right))
    line = f"{left}{operation}{right}={result}"
    if right < 10 and left < (20 if operation == "-" else 10):
        return line
    written = added([left, right]) if operation == "+" else subtracted(left, right)
    return f"{written}\n{line}"


def _filled(steps: Sequence[Step]) -> list[tuple[int, str, int]]:
    results = results_of(steps)

    def value(side: Operand) -> int:
        return int(results[side.step - 1] if isinstance(side, Result) else side)

    return [(value(step.left), step.operation, value(step.right)) for step in steps]


def _multiplied(first: int, second: int) -> str:
    """One line for each digit of the first, for each digit of the second."""
    parts = partial_products(first, second)
    written = [multiplied_by_digit(first, digit, zeros) for digit, zeros in parts]
    if len(parts) > 1:
        terms = [first * digit * 10**zeros for digit, zeros in parts]
        written += [added(terms), f"{first}*{second}={first * second}"]
    return "\n".join(written)


def _divided(first: int, second: int) -> str:
    """Digit by digit from the left; by a hundred at once."""
    line = f"{first}/{second}={first // second}"
    if second == 100 or first < second * 10:
        return line
    lines = [f"{first}/{second}"]
    rest = 0
    for digit in str(first):
        part = rest * 10 + int(digit)
        rest = part % second
        lines.append(f"{part}/{second} write {part // second} rest {rest}")
    return "\n".join([*lines, line])
