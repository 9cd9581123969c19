r"""Arithmetic as it is done on paper, one digit a line with the carries written out. Pure and exact.

234*7                          8638+74040                     1638-740
4*7=28 28+0=28 write 8 carry 2  8+0+0=8 write 8 carry 0        8-0-0=8 write 8 borrow 0
3*7=21 21+2=23 write 3 carry 2  3+4+0=7 write 7 carry 0        3-4-0=-1 write 9 borrow 1
2*7=14 14+2=16 write 6 carry 1  ...                            ...
234*7=1638                     8638+74040=82678               1638-740=898

952/7                           What the tables of addition and multiplication hold is one line: 4*7=28, 8+5=13,
9/7 write 1 rest 2              13-8=5, 56/7=8. All skills write this form.
25/7 write 3 rest 4
42/7 write 6 rest 0
952/7=136
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

# In a column with more digits than these and the carry, each is added to what came before.
_AT_ONCE = 3
# By these numbers a digit of a quotient is looked up.
_LARGEST_TABLE = 12


def product(a: int, b: int) -> str:
    r"""A product by the digits of the second number, from the right.

    >>> print(product(4, 7))
    4*7=28
    >>> product(34, 507).split("\n")[-1]
    '34*507=17238'
    """
    parts = partial_products(a, b) or [(0, 0)]
    lines = [multiplied_by_digit(a, digit, zeros) for digit, zeros in parts]
    if len(parts) > 1:
        lines += [added([a * digit * 10**zeros for digit, zeros in parts]), f"{a}*{b}={a * b}"]
    return "\n".join(lines)


def total(terms: Sequence[int]) -> str:
    r"""The sum of numbers.

    >>> print(total([8, 5]))
    8+5=13
    >>> total([238, 95]).split("\n")[-1]
    '238+95=333'
    """
    line = f"{'+'.join(map(str, terms))}={sum(terms)}"
    in_table = len(terms) == 2 and max(terms) < 10
    return line if in_table else f"{added(terms)}\n{line}"


def difference(first: int, second: int) -> str:
    r"""A number less one that is not larger.

    >>> print(difference(13, 8))
    13-8=5
    >>> difference(238, 95).split("\n")[-1]
    '238-95=143'
    """
    line = f"{first}-{second}={first - second}"
    in_table = second < 10 and first < 20
    return line if in_table else f"{subtracted(first, second)}\n{line}"


def quotient(first: int, second: int) -> str:
    r"""A number by another that leaves no remainder; digit by digit where the table of the second is at hand.

    Where it is not, by two factors of the second number, one after the other, or by its multiples.

    >>> print(quotient(56, 7))
    56/7=8
    >>> print(quotient(224, 14))
    224/14=224/2/7
    224/2
    2/2 write 1 rest 0
    2/2 write 1 rest 0
    4/2 write 2 rest 0
    224/2=112
    112/7
    1/7 write 0 rest 1
    11/7 write 1 rest 4
    42/7 write 6 rest 0
    112/7=16
    224/14=16
    >>> print(quotient(51, 17))
    51/17
    17*1=17 17*2=34 17*3=51
    51/17=3
    """
    line = f"{first}/{second}={first // second}"
    if second <= _LARGEST_TABLE:
        return line if first < second * 10 else f"{divided(first, second)}\n{line}"
    factor = next((each for each in range(2, 10) if second % each == 0), None)
    if not first:
        return line
    if factor is None:
        return f"{_by_multiples(first, second)}\n{line}"
    other = second // factor
    parts = [quotient(first, factor), quotient(first // factor, other)]
    return "\n".join([f"{first}/{second}={first}/{factor}/{other}", *parts, line])


def divided(first: int, second: int) -> str:
    """A number by another, digit by digit from the left; the quotient itself is not written.

    >>> print(divided(86, 2))
    86/2
    8/2 write 4 rest 0
    6/2 write 3 rest 0
    """
    lines = [f"{first}/{second}"]
    rest = 0
    for digit in str(first):
        part = rest * 10 + int(digit)
        rest = part % second
        lines.append(f"{part}/{second} write {part // second} rest {rest}")
    return "\n".join(lines)


def multiplied_by_digit(number: int, digit: int, zeros: int = 0) -> str:
    r"""A number times a digit, with so many zeros behind the digit.

    >>> print(multiplied_by_digit(34, 7, 1))
    34*70
    4*7=28 28+0=28 write 8 carry 2
    3*7=21 21+2=23 write 3 carry 2
    34*70=2380
    """
    head = f"{number}*{digit}{'0' * zeros}"
    end = f"{head}={number * digit * 10**zeros}"
    if number < 10 and not zeros:
        return end
    lines = [head]
    carry = 0
    for place in _digits(number):
        product = place * digit
        total = product + carry
        lines.append(f"{place}*{digit}={product} {product}+{carry}={total} {_noted(total)}")
        carry = total // 10
    return "\n".join([*lines, end])


def added(terms: Sequence[int]) -> str:
    r"""Numbers added column by column; the sum itself is not written.

    >>> print(added([238, 95]))
    238+95
    8+5+0=13 write 3 carry 1
    3+9+1=13 write 3 carry 1
    2+0+1=3 write 3 carry 0
    >>> print(added([9, 8, 7, 6]))
    9+8+7+6
    9+8=17 17+7=24 24+6=30 30+0=30 write 0 carry 3
    """
    lines = ["+".join(map(str, terms))]
    carry = 0
    for column in range(max(len(str(term)) for term in terms)):
        digits = [term // 10**column % 10 for term in terms]
        total = sum(digits) + carry
        lines.append(f"{_added_up([*digits, carry])} {_noted(total)}")
        carry = total // 10
    return "\n".join(lines)


def subtracted(first: int, second: int) -> str:
    r"""A number taken from one that is not smaller, column by column; the difference itself is not written.

    >>> print(subtracted(238, 95))
    238-95
    8-5-0=3 write 3 borrow 0
    3-9-0=-6 write 4 borrow 1
    2-0-1=1 write 1 borrow 0
    """
    lines = [f"{first}-{second}"]
    borrow = 0
    for column in range(len(str(first))):
        upper, lower = (number // 10**column % 10 for number in (first, second))
        rest = upper - lower - borrow
        line = f"{upper}-{lower}-{borrow}={rest} write {rest % 10}"
        borrow = int(rest < 0)
        lines.append(f"{line} borrow {borrow}")
    return "\n".join(lines)


def partial_products(first: int, second: int) -> list[tuple[int, int]]:
    """The digits of the second number, from the right, each with its zeros; those that are 0 left out.

    >>> partial_products(34, 507)
    [(7, 0), (5, 2)]
    """
    return [(digit, zeros) for zeros, digit in enumerate(_digits(second)) if digit]


def _added_up(digits: Sequence[int]) -> str:
    """All at once, or each on what those before it came to."""
    if len(digits) <= _AT_ONCE + 1:
        return f"{'+'.join(map(str, digits))}={sum(digits)}"
    totals = list(accumulate(digits))
    steps = zip(totals, digits[1:], totals[1:], strict=False)
    return " ".join(f"{before}+{digit}={after}" for before, digit, after in steps)


def _by_multiples(first: int, second: int) -> str:
    """For each digit of the quotient multiples, until one is too large, and what then is left of the number."""
    lines = [f"{first}/{second}"]
    rest = first
    for zeros in reversed(range(len(str(first // second)))):
        place = second * 10**zeros
        count, left = divmod(rest, place)
        lines.append(
            " ".join(
                f"{second}*{factor}{'0' * zeros}={place * factor}"
                for factor in range(1, count + 1 + bool(left))
            )
        )
        if not left:
            break
        if count:
            lines.append(difference(rest, rest - left))
        rest = left
    return "\n".join(lines)


def _digits(number: int) -> list[int]:
    return [int(digit) for digit in reversed(str(number))]


def _noted(value: int) -> str:
    return f"write {value % 10} carry {value // 10}"
