"""Reads written arithmetic without the code that writes it: every equation is evaluated again, every carry followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_CALCULATION = re.compile(r"-?\d+(?:[-+*]\d+)*")
_NOTED = re.compile(r"write (\d) (carry|borrow) (\d)$")


def evaluated(calculation: str) -> int:
    """Products, then sums and differences from the left."""
    assert _CALCULATION.fullmatch(calculation), calculation
    total = 0
    for sign, term in re.findall(r"(^-?|[-+])(\d+(?:\*\d+)*)", calculation):
        product = 1
        for factor in term.split("*"):
            product *= int(factor)
        total += -product if sign == "-" else product
    return total


def check_arithmetic(text: str) -> int:
    """Fails where anything in the text is wrong; the number of equations that were evaluated."""
    equations = 0
    carried = 0
    for line in text.split("\n"):
        values = [_value(equation) for equation in _equations(line)]
        equations += len(values)
        noted = _NOTED.search(line)
        if noted is None:
            carried = 0
            continue
        _check_steps(line)
        assert _comes_in(line) == carried, f"{line}: {carried} was carried"
        digit, kind, carried = int(noted[1]), noted[2], int(noted[3])
        tens = carried if kind == "carry" else -carried
        assert values[-1] == 10 * tens + digit, line
    return equations


def written_digits(text: str) -> int:
    """The number whose digits lines say to write, from the right, with what the last one carries."""
    noted = [match for line in text.split("\n") if (match := _NOTED.search(line))]
    digits = [match[1] for match in noted]
    last = noted[-1][3] if noted[-1][2] == "carry" else "0"
    return int(last + "".join(reversed(digits)))


def _equations(line: str) -> Iterator[str]:
    return (word for word in line.split() if "=" in word)


def _value(equation: str) -> int:
    left, right = equation.split("=")
    assert evaluated(left) == int(right), equation
    return int(right)


def _check_steps(line: str) -> None:
    """Each equation of a line begins with what the one before it came to."""
    equations = list(_equations(line))
    for before, after in pairwise(equations):
        assert after.startswith(f"{before.partition('=')[2]}+"), line


def _comes_in(line: str) -> int:
    """What a line takes over from the one before it: the last number that is added or taken away."""
    *_, last = _equations(line)
    return int(re.split("[-+]", last.partition("=")[0])[-1])
