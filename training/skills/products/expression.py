"""Sums and differences of products and numbers, such as 12*34+56*7-89. Pure.

It does not know how questions write them, nor how they are solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from .held_out import held_out_product


@dataclass(frozen=True, slots=True)
class Term:
    """A number or a product of two, to be added or taken away.

    Attributes:
        factors: One or two numbers, none of them negative.
        taken: Whether it is taken away.
    """

    factors: tuple[int, ...]
    taken: bool = False

    @property
    def is_product(self) -> bool:
        """Whether it has two factors."""
        return len(self.factors) > 1

    @property
    def is_held_out(self) -> bool:
        """Whether it is a product that no lesson shows."""
        return self.is_product and held_out_product(*self.factors)

    @property
    def value(self) -> int:
        """What it comes to, without its sign."""
        return prod(self.factors)


@dataclass(frozen=True, slots=True)
class Expression:
    """Terms from the left to the right.

    Attributes:
        terms: The first is not taken away, and the value of all is not negative.
    """

    terms: tuple[Term, ...]

    @property
    def value(self) -> int:
        """What it comes to."""
        return sum(-term.value if term.taken else term.value for term in self.terms)

    @property
    def products(self) -> tuple[Term, ...]:
        """Its terms that are products."""
        return tuple(term for term in self.terms if term.is_product)

    def __str__(self) -> str:
        signed = ("-+"[not term.taken] + "*".join(map(str, term.factors)) for term in self.terms)
        return "".join(signed).removeprefix("+")
