"""Questions that are nothing but arithmetic, of all four operations and with brackets: agents are asked such too. Pure.

(a+b)*c ─ 34, 56, 7 ─> "What is (34 + 56) * 7?"      347*286, where it is thought ─> 347*6, 347*80, 347*200, two sums
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from random import Random

from ..written_arithmetic import partial_products
from .chain import is_held_out
from .situation import WordProblem
from .steps import Result, Step, results_of, steps_of, with_numbers

_FORMULAS = (
    "a*b", "a*b", "a+b", "a-b", "a*b+c", "a*b-c", "a+b*c", "a*b+c*d", "a*b-c*d", "a*b+c*d-e", "a*b+c*d+e*f", "a*b*c",
    "a+b+c", "a+b-c", "a-b-c", "a-b*c",
    "(a+b)*c", "(a-b)*c", "a*(b+c)", "(a*b+c)*d", "(a+b)*(c+d)", "a/b", "(a+b)/c", "a*b/c", "a/b+c", "(a-b)/c",
    "(a+b+c)/d", "a/b*c",
)  # fmt: skip
_TIMES = (" * ", " * ", "*", " \u00d7 ", " x ", " times ")
_WORDINGS = (
    "What is {}?",
    "What is {}?",
    "What is {}?",
    "what is {}",
    "Compute {}.",
    "Calculate {}.",
    "Work out {}.",
    "{} = ?",
    "Find {}.",
    "How much is {}?",
    "Evaluate {}.",
)
_LETTER = re.compile("[a-z]")
_MOST = 10**6


def asked(expression: str, random: Random) -> str:
    """A question for an expression that is written with digits, signs and brackets."""
    text = expression.replace("*", random.choice(_TIMES))
    if random.random() < 0.6:
        text = re.sub("[-+/]", r" \g<0> ", text)
    return random.choice(_WORDINGS).format(text)


def drawn_expression(random: Random) -> WordProblem:
    """One whose steps give whole numbers above 0, with no product that is held out."""
    while True:
        formula = random.choice(_FORMULAS)
        letters = list(dict.fromkeys(_LETTER.findall(formula)))
        values = {letter: Fraction(_number(random, letter, formula)) for letter in letters}
        steps = steps_of(formula, values, letters)
        sensible = all(_is_sensible(value) for value in results_of(steps))
        if sensible and not any(map(is_held_out, with_numbers(steps))):
            text = asked(_with_values(formula, values), random)
            return WordProblem(text, steps, f"expression|{formula}")


def in_digits(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A single product as one for each digit of its second number, and their sum; anything else as it is."""
    (operation, left, right), *others = with_numbers(steps)
    parts = partial_products(int(left), int(right))
    if others or operation != "*" or len(parts) == 1:
        return steps
    products = [Step("*", left, Fraction(digit * 10**zeros)) for digit, zeros in parts]
    sums = [
        Step("+", Result(1 if number == 2 else len(parts) + number - 2), Result(number))
        for number in range(2, len(parts) + 1)
    ]
    return (*products, *sums)


def _with_values(formula: str, values: Mapping[str, Fraction]) -> str:
    return _LETTER.sub(lambda found: str(values[found[0]]), formula)


def _number(random: Random, letter: str, formula: str) -> int:
    """Divisors are small; so is what comes after other factors."""
    if f"/{letter}" in formula:
        return random.randint(2, 12)
    most = 2 if formula.count("*") > 1 or f"{letter}*" not in formula else 3
    digits = random.randint(1, most)
    if "*" not in formula:
        digits = random.randint(1, 4)
    return random.randrange(max(2, 10 ** (digits - 1)), 10**digits)


def _is_sensible(value: Fraction) -> bool:
    return 0 < value <= _MOST and value.denominator == 1
