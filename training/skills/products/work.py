"""What is written to solve an exercise: a tree of parts that do not need each other, and what follows from them. Pure.

12*34+56*7 ─┬─ 12*34 ─┬─ times 4     12*4 ... 12*4=48
            │         ├─ times 30    12*30 ... 12*30=360
            │         └─ then        48+360 ... 12*34=408
            ├─ 56*7    56*7 ... 56*7=392
            └─ then    408+392 ... 408+392=800

In one chain and in threads the very same lines are written; it does not know which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..written_arithmetic import added, difference, multiplied_by_digit, partial_products, total
from .expression import Expression


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work.

    Attributes:
        goal: What is to be found out, as an outline says it.
        lines: What is written after its parts.
        parts: None, or two or more.
    """

    goal: str
    lines: str
    parts: tuple[Work, ...] = ()

    @property
    def chain(self) -> str:
        """All of it, one after another."""
        return "\n".join([*(part.chain for part in self.parts), self.lines])


def answers(expressions: Sequence[Expression], *, in_parts: bool = False) -> Work:
    """Solves one expression, or several and lists what they come to.

    Args:
        expressions: One for each question.
        in_parts: Whether a product that is all there is has two parts at least, one of them times 0 where need be: for
            a model that is held to a block.
    """
    if len(expressions) == 1:
        return _solved(expressions[0], fewest=2 if in_parts else 1)
    values = (f"{number}) {each.value}" for number, each in enumerate(expressions, start=1))
    return Work("", "\n".join(values), tuple(map(_solved, expressions)))


def _solved(expression: Expression, fewest: int = 1) -> Work:
    """An expression: a part for each of its products."""
    goal = str(expression)
    products = expression.products
    only = fewest if len(products) == 1 else 1
    parts = tuple(_multiplied(*product.factors, fewest=only) for product in products)
    if len(expression.terms) == 1:
        return parts[0]
    lines = _summed_up(expression)
    if len(parts) == 1:
        return Work(goal, f"{parts[0].lines}\n{lines}", parts[0].parts)
    return Work(goal, lines, parts)


def _multiplied(a: int, b: int, *, fewest: int) -> Work:
    """A product: a part for each digit of the second number that is not 0."""
    digits = partial_products(a, b)
    digits += [(0, 0)] * (fewest - len(digits))
    goal = f"{a}*{b}"
    if len(digits) == 1:
        return Work(goal, multiplied_by_digit(a, *digits[0]))
    parts = (Work(f"times {d}{'0' * z}", multiplied_by_digit(a, d, z)) for d, z in digits)
    columns = added([a * d * 10**z for d, z in digits])
    return Work(goal, f"{columns}\n{goal}={a * b}", tuple(parts))


def _summed_up(expression: Expression) -> str:
    """The terms: what is added at once, then what is taken away, one after another."""
    given = [term.value for term in expression.terms if not term.taken]
    rest = sum(given)
    lines = [total(given)] if len(given) > 1 else []
    for term in expression.terms:
        if term.taken:
            lines.append(difference(rest, term.value))
            rest -= term.value
    return "\n".join(lines)
