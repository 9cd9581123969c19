"""Plans and chains read anew, by nothing of what wrote them: what they come to, and whether every line is right."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from engines import Context, Sampling
from engines.fake_engine import FakeEngine
from planners.notation import THOUGHT
from tests.backends import run_virtually
from training.lesson import Lesson, Said

_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_NAMES = {
    "+": "add plus sum add_numbers addition calc_add math_add",
    "-": "subtract minus difference subtract_numbers subtraction calc_sub math_subtract sub",
    "*": "multiply times product multiply_numbers multiplication calc_mul math_multiply mul",
    "/": "divide divided_by quotient divide_numbers division calc_div math_divide div",
}
_OPERATION_OF = {name: sign for sign, names in _NAMES.items() for name in names.split()}
_LINE = re.compile(r"(\d+)\. (\w+)\((.*)\)")
_EXPRESSION = re.compile(r"(?:What is )?(\S+) ([-+*/]) (\S+?)\??")
_EQUATION = re.compile(r"(\d+)([-+*/])(\d+)((?:[-+]\d+)*)=(-?\d+)")


_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SPELT = {word: number for number, word in enumerate([*_ONES, *_TEENS], start=1)} | {
    f"{tens}-{ones}" if ones else tens: ten * 10 + one
    for ten, tens in enumerate(_TENS, start=2)
    for one, ones in enumerate(["", *_ONES])
}


@dataclass(frozen=True)
class Call:
    path: str
    prompt: str
    sampling: Sampling
    said: Said


@dataclass(frozen=True)
class Solved:
    calls: list[Call]
    result: object


def solved(lesson: Lesson) -> Solved:
    """What is asked and said, and what comes of it."""
    calls: list[Call] = []

    def script(context: Context, sampling: Sampling) -> str:
        said = lesson.reply(context, sampling)
        said = Said(said) if isinstance(said, str) else said
        prompt = "".join(node.segment.text for node in context.lineage)
        calls.append(Call(context.path, prompt, sampling, said))
        return said.text

    return Solved(calls, run_virtually(lambda: lesson.solve(FakeEngine(script))))


def carried_out(plan: str, results: dict[int, Fraction]) -> Iterator[tuple[Fraction, Fraction]]:
    """The operands of each step of a plan; what it gives is added to `results`."""
    *lines, end = _steps(plan).split("\n")
    assert end == "join()"
    for line in lines:
        number, name, arguments = _matched(_LINE, line)
        assert int(number) == max(results, default=0) + 1
        if name in _OPERATION_OF:
            left, right = arguments.split(", ")
            sign = _OPERATION_OF[name]
        else:
            left, sign, right = _matched(_EXPRESSION, arguments.strip('"'))
        operands = _number(left, results), _number(right, results)
        results[int(number)] = _OPERATIONS[sign](*operands)
        yield operands


def independent_steps(plan: str) -> int:
    """How many steps come before the first that needs another."""
    lines = _steps(plan).split("\n")[:-1]
    return next((place for place, line in enumerate(lines) if "$" in line), len(lines))


def numbers_in(text: str) -> set[Fraction]:
    """All numbers that a text has, in digits or in words up to ninety-nine."""
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower())
    digits = re.findall(r"\d[\d,]*(?:\.\d+)?(?<!,)", text)
    spelt = {Fraction(_SPELT[word]) for word in words if word in _SPELT}
    return spelt | {Fraction(found.replace(",", "")) for found in digits}


def answer_of_chain(text: str) -> str:
    """The boxed answer of a chain, once each of its equations and remainders has been found right."""
    for left, sign, right, more, result in _EQUATION.findall(text):
        value = _OPERATIONS[sign](Fraction(left), Fraction(right))
        assert value + sum(map(int, re.findall(r"[-+]\d+", more))) == int(result), text
    for part, divisor, digit, rest in re.findall(r"(\d+)/(\d+) write (\d) rest (\d+)", text):
        assert divmod(int(part), int(divisor)) == (int(digit), int(rest))
    *_, last = re.findall(r"=(\d+)\n\n\\boxed\{(\d+)\}$", text)
    assert last[0] == last[1]
    return str(last[1])


def thought_of(plan: str) -> str:
    """What is thought before a plan; nothing where its steps come first."""
    thought, _, _ = plan.partition("\n")
    return thought.removeprefix(THOUGHT).strip() if thought.startswith(THOUGHT) else ""


def _steps(plan: str) -> str:
    return plan.partition("\n")[2] if thought_of(plan) else plan


def _number(written: str, results: dict[int, Fraction]) -> Fraction:
    reference = re.fullmatch(r"\$\{?(\d+)\}?", written)
    return results[int(reference[1])] if reference else Fraction(written)


def _matched(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = pattern.fullmatch(text)
    assert found, text
    return found.groups()
