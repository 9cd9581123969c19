r"""Arithmetic as it is done on paper, one digit a line with the carries written out. Pure and exact.

234*7                          8638+74040
4*7=28 28+0=28 write 8 carry 2  8+0+0=8 write 8 carry 0
3*7=21 21+2=23 write 3 carry 2  3+4+0=7 write 7 carry 0
2*7=14 14+2=16 write 6 carry 1  ...
234*7=1638
"""

from __future__ import annotations

from collections.abc import Sequence


def multiplied_by_digit(number: int, digit: int, zeros: int = 0) -> str:
    r"""A number times a digit, with so many zeros behind the digit.

    >>> print(multiplied_by_digit(34, 7, 1))
    34*70
    4*7=28 28+0=28 write 8 carry 2
    3*7=21 21+2=23 write 3 carry 2
    34*70=2380
    """
    head = f"{number}*{digit}{'0' * zeros}"
    lines = [head]
    carry = 0
    for place in _digits(number):
        product = place * digit
        lines.append(f"{place}*{digit}={product} {product}+{carry}={_written(product + carry)}")
        carry = (product + carry) // 10
    return "\n".join([*lines, f"{head}={number * digit * 10**zeros}"])


def added(terms: Sequence[int]) -> str:
    r"""Numbers added column by column; the sum itself is not written.

    >>> print(added([238, 95]))
    238+95
    8+5+0=13 write 3 carry 1
    3+9+1=13 write 3 carry 1
    2+0+1=3 write 3 carry 0
    """
    lines = ["+".join(map(str, terms))]
    carry = 0
    for column in range(max(len(str(term)) for term in terms)):
        digits = [term // 10**column % 10 for term in terms]
        total = sum(digits) + carry
        lines.append(f"{'+'.join(map(str, [*digits, carry]))}={_written(total)}")
        carry = total // 10
    return "\n".join(lines)


def partial_products(first: int, second: int) -> list[tuple[int, int]]:
    """The digits of the second number, from the right, each with its zeros; those that are 0 left out.

    >>> partial_products(34, 507)
    [(7, 0), (5, 2)]
    """
    return [(digit, zeros) for zeros, digit in enumerate(_digits(second)) if digit]


def _digits(number: int) -> list[int]:
    return [int(digit) for digit in reversed(str(number))]


def _written(value: int) -> str:
    return f"{value} write {value % 10} carry {value // 10}"
