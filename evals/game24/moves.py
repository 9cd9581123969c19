"""The numbers that are left, and the moves that are legal. Pure and exact.

(4, 5, 6, 10) ── 10 - 4 ──> (5, 6, 6) ── 5 * 6 ──> (6, 30) ── 30 - 6 ──> (24,)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import permutations

Numbers = tuple[Fraction, ...]
"""The numbers that are left, in their order."""

TARGET = Fraction(24)


@dataclass(frozen=True, slots=True)
class Move:
    """Two of the numbers, and what is done with them.

    >>> move = Move(Fraction(10), "-", Fraction(4))
    >>> print(move, *move.after(numbers_of("4 5 6 10")))
    10 - 4 = 6 5 6 6
    """

    first: Fraction
    operator: str
    second: Fraction

    @property
    def value(self) -> Fraction:
        """What it makes.

        Raises:
            ZeroDivisionError: It divides by zero, which no legal move does.
        """
        if self.operator == "+":
            return self.first + self.second
        if self.operator == "-":
            return self.first - self.second
        return self.first * self.second if self.operator == "*" else self.first / self.second

    def after(self, numbers: Numbers) -> Numbers:
        """What is left of these numbers.

        Raises:
            ValueError: The move is not legal.
        """
        left = list(numbers)
        left.remove(self.first)
        left.remove(self.second)
        if self.operator == "/" and not self.second:
            raise ValueError(f"{self.first} / 0")
        return tuple(sorted([*left, self.value]))

    def __str__(self) -> str:
        return f"{self.first} {self.operator} {self.second} = {self.value}"


def numbers_of(text: str) -> Numbers:
    """The numbers of a puzzle such as `4 5 6 10`.

    Raises:
        ValueError: It holds what is no number.
    """
    return tuple(sorted(map(Fraction, text.split())))


@lru_cache(maxsize=10_000)
def legal_moves(numbers: Numbers) -> tuple[Move, ...]:
    """All moves, each once; `4 + 6` and `6 + 4` are two.

    >>> print(*legal_moves(numbers_of("4 6")), sep=", ")
    4 + 6 = 10, 4 - 6 = -2, 4 * 6 = 24, 4 / 6 = 2/3, 6 + 4 = 10, 6 - 4 = 2, 6 * 4 = 24, 6 / 4 = 3/2
    """
    # A dict keeps the order, where a set would not.
    pairs = dict.fromkeys(permutations(numbers, 2))
    return tuple(
        Move(first, operator, second)
        for first, second in pairs
        for operator in "+-*/"
        if operator != "/" or second
    )


@lru_cache(maxsize=1_000_000)
def can_reach(numbers: Numbers, target: Fraction = TARGET) -> bool:
    """Whether some moves lead from these numbers to the target alone.

    >>> can_reach(numbers_of("3 3 8 8")), can_reach(numbers_of("1 1 1 1"))
    (True, False)
    """
    if len(numbers) == 1:
        return numbers[0] == target
    return any(can_reach(left, target) for left in {m.after(numbers) for m in legal_moves(numbers)})
