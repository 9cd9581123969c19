r"""Ways to one product, written out: each step follows from what stands before it. Pure and exact.

    67*48 = 67*8 + 67*40    by the digits of the second number: the usual way
          = 67*40 + 67*8    from the left
          = 48*67           by the digits of the first
          = 67*50 - 67*2    a round number first
          = 60*48 + 7*48    the first number split
          = 67*6 * 8        by factors

Every way ends in the line `67*48=3216`. Others frame the usual way: by an equation, an estimate, a last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from reasoning.parathinking.strategies import STRATEGIES

from ..written_arithmetic import added, multiplied_by_digit, partial_products, product, subtracted

Way = Callable[[int, int], str]
"""How a product of two numbers is found."""


def by_digits(a: int, b: int) -> str:
    """By the digits of the second number, from the right, as everywhere."""
    return product(a, b)


def from_the_left(a: int, b: int) -> str:
    """By the digits of the second number, the largest first."""
    parts = partial_products(a, b)[::-1]
    blocks = [multiplied_by_digit(a, digit, zeros) for digit, zeros in parts]
    if len(parts) == 1:
        return blocks[0]
    total = added([a * digit * 10**zeros for digit, zeros in parts])
    return _lines(*blocks, total, _end(a, b))


def swapped(a: int, b: int) -> str:
    """By the digits of the first number."""
    return _lines(f"{a}*{b}={b}*{a}", by_digits(b, a), _end(a, b))


def rounded(a: int, b: int) -> str:
    """By the next round number above the second, and what that is too much; the usual way where it is round."""
    excess = -b % 10
    if b < 10 or not excess:
        return by_digits(a, b)
    above = b + excess
    return _lines(
        f"{b}={above}-{excess}",
        by_digits(a, above),
        multiplied_by_digit(a, excess),
        subtracted(a * above, a * excess),
        _end(a, b),
    )


def split(a: int, b: int) -> str:
    """By the first digit of the first number, and the rest of it; the usual way where there is no rest."""
    zeros = len(str(a)) - 1
    digit, rest = divmod(a, 10**zeros)
    if not rest or not zeros:
        return by_digits(a, b)
    first = digit * 10**zeros
    return _lines(
        f"{a}={rest}+{first}",
        by_digits(rest, b),
        multiplied_by_digit(b, digit, zeros),
        added([rest * b, first * b]),
        _end(a, b),
    )


def by_factors(a: int, b: int) -> str:
    """By two factors of the second number that are digits; the usual way where it has none."""
    factors = next(((x, b // x) for x in range(2, 10) if b % x == 0 and 1 < b // x < 10), None)
    if b < 10 or factors is None:
        return by_digits(a, b)
    x, y = factors
    return _lines(
        f"{b}={x}*{y}", multiplied_by_digit(a, x), multiplied_by_digit(a * x, y), _end(a, b)
    )


def by_equation(a: int, b: int) -> str:
    """The usual way, as an equation for an unknown."""
    parts = [f"{digit}{'0' * zeros}" for digit, zeros in partial_products(a, b)]
    split_up = [f"{b}={'+'.join(parts)}", f"x={'+'.join(f'{a}*{part}' for part in parts)}"]
    return _lines(f"x={a}*{b}", *(split_up if len(parts) > 1 else ()), by_digits(a, b))


def estimated(a: int, b: int) -> str:
    """The usual way, between an estimate and a comparison with it."""
    about = [_about(a), _about(b)]
    estimate = about[0] * about[1]
    return _lines(
        f"about {about[0]}*{about[1]}={estimate}",
        by_digits(a, b),
        f"{a * b} is near {estimate}",
        _end(a, b),
    )


def with_last_digit(a: int, b: int) -> str:
    """The usual way; which results are ruled out is told by their last digit."""
    last = (a % 10) * (b % 10)
    return _lines(
        f"{a % 10}*{b % 10}={last} so the end is {last % 10}",
        by_digits(a, b),
        f"the end of {a * b} is {a * b % 10}",
        _end(a, b),
    )


OTHERS: tuple[Way, ...] = (from_the_left, swapped, rounded, split, by_factors)
"""Ways that really compute otherwise: what a thread takes without a hint, now and then."""

WAY_OF: Mapping[str, Way] = MappingProxyType(
    dict(
        zip(
            STRATEGIES,
            (
                by_digits,
                from_the_left,
                by_equation,
                rounded,
                split,
                with_last_digit,
                estimated,
                swapped,
            ),
            strict=True,
        )
    )
)
"""To which way each of the default hints of ParaThinker leads."""


def _about(number: int) -> int:
    """Rounded to its first digit."""
    place: int = 10 ** (len(str(number)) - 1)
    return (number + place // 2) // place * place


def _end(a: int, b: int) -> str:
    return f"{a}*{b}={a * b}"


def _lines(*blocks: str) -> str:
    return "\n".join(blocks)
