r"""The chain of thought of a word problem: its steps one after another, computed as on paper. Pure and exact.

12*7                                   84+38
2*7=14 14+0=14 write 4 carry 1         4+8+0=12 write 2 carry 1
1*7=7 7+1=8 write 8 carry 0            8+3+1=12 write 2 carry 1
12*7=84                                84+38=122      \boxed{122}

What the tables of addition and multiplication hold is one line.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..products.held_out import held_out_product
from ..written_arithmetic import difference, divided, partial_products, product, total
from .steps import NumberStep
from .written_numbers import shortest

_LARGEST_DIVISOR = 12


def is_computable(step: NumberStep) -> bool:
    """Whether its numbers are whole, and if it divides, by something small, or a hundred."""
    is_small = step.right <= _LARGEST_DIVISOR or step.right == 100
    return step.is_whole and (step.operation != "/" or is_small)


def is_held_out(step: NumberStep) -> bool:
    """Whether it is a product that no lesson shows; one with a single digit and zeros is a part of many."""
    if step.operation != "*" or not step.is_whole:
        return False
    smaller, larger = sorted((int(step.left), int(step.right)))
    return len(partial_products(larger, smaller)) > 1 and held_out_product(smaller, larger)


def chain_of(steps: Sequence[NumberStep]) -> str:
    """All of it, with the answer in a box."""
    lines = "\n".join(map(computed, steps))
    return f"{lines}\n\n\\boxed{{{shortest(steps[-1].result)}}}"


def computed(step: NumberStep) -> str:
    """One operation on whole numbers."""
    left, right = int(step.left), int(step.right)
    match step.operation:
        case "*":
            return product(max(left, right), min(left, right))
        case "/":
            return _quotient(left, right)
        case "-":
            return difference(left, right)
    return total([left, right])


def _quotient(first: int, second: int) -> str:
    """Digit by digit from the left; by a hundred at once."""
    line = f"{first}/{second}={first // second}"
    at_once = second == 100 or first < second * 10
    return line if at_once else f"{divided(first, second)}\n{line}"
