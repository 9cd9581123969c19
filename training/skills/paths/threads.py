r"""What threads write: a whole solution, one with a mistake that is carried on, or one that was cut. Pure.

    right   4*7=28 28+0=28 write 8 carry 2 ... 234*7=1638 ... \boxed{15678}
    wrong   4*7=28 28+0=29 write 9 carry 2 ... 234*7=1639 ... \boxed{15679}
    cut     4*7=28 28+0=28 wri

A mistake is one wrong digit, or one that is left out where a number is copied: what models do. It never is a 0 for a 9,
a 9 for a 0, or one of them left out, so that the result modulo 9 tells it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..products.expression import Expression
from ..written_arithmetic import added, multiplied_by_digit, partial_products, total
from .ways import Way, by_digits, from_the_left

_LEFT_OUT = 0.5
_WRITTEN = re.compile(r"(?<=\d)?\d write \d(?= carry)")


@dataclass(frozen=True, slots=True)
class Thread:
    """What a thread came to.

    Attributes:
        text: All that it wrote.
        result: Its final answer; None where it was cut before it had one.
    """

    text: str
    result: int | None


def solved(expression: Expression, ways: Sequence[Way]) -> Thread:
    """A thread without a mistake.

    Args:
        expression: The question: a product, or a sum of products.
        ways: How each product is found.
    """
    pairs = list(zip(ways, factors_of(expression), strict=True))
    return _whole(expression, [way(a, b) for way, (a, b) in pairs], [a * b for _, (a, b) in pairs])


def mistaken(expression: Expression, ways: Sequence[Way], random: Random) -> Thread:
    """A thread with one mistake in one of the products."""
    texts = [way(a, b) for way, (a, b) in zip(ways, factors_of(expression), strict=True)]
    values = [a * b for a, b in factors_of(expression)]
    place = random.randrange(len(texts))
    a, b = factors_of(expression)[place]
    parts = partial_products(a, b)
    if ways[place] is from_the_left:
        parts.reverse()
    if ways[place] in (by_digits, from_the_left) and len(parts) > 1 and random.random() < 0.8:
        texts[place], values[place] = _summed_wrongly(a, b, parts, random)
    else:
        head, _, value = texts[place].rpartition("=")
        values[place] = _miscopied(int(value), random)
        texts[place] = f"{head}={values[place]}"
    return _whole(expression, texts, values)


def cut(thread: Thread, random: Random) -> Thread:
    """A thread that somebody cut before it had come to its result."""
    share = random.uniform(0.2, 0.85)
    return Thread(thread.text[: int(share * len(thread.text))].rstrip(), None)


def factors_of(expression: Expression) -> list[tuple[int, int]]:
    """The two factors of each product that is summed."""
    return [(term.factors[0], term.factors[1]) for term in expression.terms]


def _whole(expression: Expression, texts: Sequence[str], values: Sequence[int]) -> Thread:
    result = sum(values)
    lines = "\n".join([*texts, total(values)] if len(values) > 1 else texts)
    return Thread(f"{lines}\n\n\\boxed{{{result}}}", result)


def _summed_wrongly(
    a: int, b: int, parts: Sequence[tuple[int, int]], random: Random
) -> tuple[str, int]:
    """By digits, with a wrong digit in one partial product or in their sum."""
    blocks = [multiplied_by_digit(a, digit, zeros) for digit, zeros in parts]
    terms = [a * digit * 10**zeros for digit, zeros in parts]
    at = random.randrange(len(parts) + 1)
    if at < len(parts):
        column = random.randrange(len(str(a)))
        terms[at] = _with_wrong_digit(terms[at], column + parts[at][1], random)
        head = blocks[at].rpartition("=")[0]
        blocks[at] = _rewritten(f"{head}={terms[at]}", column, terms[at], parts[at][1])
    sums, result = added(terms), sum(terms)
    if at == len(parts):
        column = random.randrange(max(len(str(term)) for term in terms))
        result = _with_wrong_digit(result, column, random)
        sums = _rewritten(sums, column, result)
    return "\n".join([*blocks, sums, f"{a}*{b}={result}"]), result


def _rewritten(block: str, column: int, number: int, zeros: int = 0) -> str:
    """The block whose line of a column, from the right, writes the digit that the number has there."""
    lines = block.split("\n")
    digit = number // 10 ** (column + zeros) % 10
    lines[column + 1] = _WRITTEN.sub(f"{digit} write {digit}", lines[column + 1])
    return "\n".join(lines)


def _miscopied(number: int, random: Random) -> int:
    """The number with a wrong digit, or without one of its digits behind the first."""
    written = str(number)
    left_out = [place for place in range(1, len(written)) if written[place] not in "09"]
    if left_out and random.random() < _LEFT_OUT:
        place = random.choice(left_out)
        return int(written[:place] + written[place + 1 :])
    return _with_wrong_digit(number, random.randrange(len(written)), random)


def _with_wrong_digit(number: int, place: int, random: Random) -> int:
    """The number with another digit at a place from the right; a first digit never becomes 0."""
    value: int = 10**place
    digit = number // value % 10
    wrong = random.choice([d for d in range(1, 10) if d != digit and abs(d - digit) != 9])
    return number + (wrong - digit) * value
