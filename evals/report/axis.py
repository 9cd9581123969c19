"""Axes of plots: how far they go, where their ticks are, and where a value lies on them. Pure.

It knows no pixels: a place is between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10)
_MOST_TICKS = 6
# Where values are further apart than so, small ones would all lie at the edge.
_WIDEST_LINEAR = 20
_NARROWEST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        low: The value at its beginning.
        high: The value at its end, which is higher.
        ticks: Values that are marked.
        say: How a value is written.
        logarithmic: Whether equal ways are equal factors.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    say: Callable[[float], str]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the beginning, 1 at the end.

        >>> share_axis([0.0, 1.0]).place(0.25)
        0.25
        """
        scaled = math.log if self.logarithmic else float
        low, high = scaled(self.low), scaled(self.high)
        return (scaled(max(value, self.low)) - low) / (high - low)


def share_axis(shares: Iterable[float]) -> Axis:
    """An axis of per cent, no wider than what is on it asks for.

    >>> axis = share_axis([0.31, 0.48])
    >>> axis.low, axis.high, [axis.say(tick) for tick in axis.ticks]
    (0.3, 0.5, ['30 %', '35 %', '40 %', '45 %', '50 %'])
    """
    known = list(shares) or [0.0, 1.0]
    low = math.floor(round(min(known) * 10, 6)) / 10
    high = math.ceil(round(max(known) * 10, 6)) / 10
    if high - low < _NARROWEST_SHARE - 1e-9:
        low, high = max(0.0, high - _NARROWEST_SHARE), min(1.0, low + _NARROWEST_SHARE)
    low, high = round(low, 6), round(high, 6)
    step = next(step for step in (0.05, 0.1, 0.2, 0.25) if (high - low) / step < _MOST_TICKS)
    return Axis(low, high, _multiples(low, high, step), lambda share: f"{share * 100:.0f} %")


def amount_axis(amounts: Iterable[float]) -> Axis:
    """An axis of amounts from zero on; logarithmic where they are far apart.

    >>> amount_axis([120, 700]).ticks
    (0.0, 200.0, 400.0, 600.0, 800.0)
    >>> amount_axis([90, 40_000]).ticks
    (100.0, 1000.0, 10000.0)
    """
    known = [amount for amount in amounts if amount > 0] or [1.0]
    if max(known) / min(known) > _WIDEST_LINEAR:
        return _logarithmic(min(known), max(known))
    step = _step(max(known))
    end = math.ceil(round(max(known) * 1.02 / step, 6)) * step
    return Axis(0.0, end, _multiples(0.0, end, step), say_amount)


def count_axis(most: int) -> Axis:
    """An axis of the numbers from 1 on; logarithmic where there are many.

    >>> count_axis(4).ticks, count_axis(64).ticks
    ((1, 2, 3, 4), (1, 2, 4, 8, 16, 32, 64))
    """
    if most <= _MOST_TICKS:
        return Axis(1, max(most, 2), tuple(range(1, most + 1)), say_amount)
    powers = tuple(2**power for power in range(int(math.log2(most)) + 1))
    return Axis(1, most, powers, say_amount, logarithmic=True)


def say_amount(amount: float) -> str:
    """An amount in few characters.

    >>> [say_amount(amount) for amount in (0.25, 7, 950, 1500, 40_000, 2_300_000)]
    ['0.25', '7', '950', '1.5k', '40k', '2.3M']
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g}{letter}"
    return f"{amount:.3g}"


def _logarithmic(low: float, high: float) -> Axis:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    round_ones = [step * 10.0**power for power in powers for step in _STEPS[:3]]
    first = max(one for one in round_ones if one <= low)
    last = min(one for one in round_ones if one >= high)
    between = [one for one in round_ones if first <= one <= last]
    whole = [10.0**power for power in powers if first <= 10.0**power <= last]
    ticks = tuple(between if len(between) <= _MOST_TICKS else whole)
    return Axis(first, last, ticks, say_amount, logarithmic=True)


def _step(high: float) -> float:
    size = 10.0 ** math.floor(math.log10(high))
    return next(
        step * part
        for part in (size / 10, size)
        for step in _STEPS
        if high / (step * part) <= _MOST_TICKS - 1
    )


def _multiples(low: float, high: float, step: float) -> tuple[float, ...]:
    first, last = math.ceil(round(low / step, 6)), math.floor(round(high / step, 6))
    return tuple(round(number * step, 10) for number in range(first, last + 1))
