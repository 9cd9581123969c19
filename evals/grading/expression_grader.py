r"""Grades an expression that makes a number of given ones: the Game of 24, Countdown. Exact; nothing is run as code.

text ─> what it marks as its answer, or its last equation ─> `(10-4)*5-6` ─> its numbers, each once; its value
"""

from __future__ import annotations

import re

from reasoning.extraction import extract_answer

from ..errors import UnreadableAnswer
from ..game24 import TARGET, value_of
from ..problem import Problem

_OPERATORS = str.maketrans("\u00d7\u00b7\u00f7\u2212\u2013[]{}", "**/--()()")
_COMMANDS = (
    (re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|\$"), ""),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-z])"), "*"),
    (re.compile(r"\\div(?![a-z])"), "/"),
    (re.compile(r"\\text\{[^{}]*\}"), ""),
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_EXPRESSION = re.compile(r"[(\d][\d\s()+*/.-]*[-+*/][\d\s()+*/-]*[\d)]")
_LONGEST = 300  # of the end of a line, in characters
_LINES = 100


class ExpressionGrader:
    """Checks expressions of a problem's `numbers` with the `target`, which its `data` has; without a target it is 24.

    Only what stands before the first `=` counts, but for `24 = ...`, where it is what stands behind.
    """

    name = "expression"
    version = "1"

    def extract(self, text: str) -> str | None:
        """See `Grader`."""
        marked = extract_answer(text)
        if marked is not None:
            return expression_of(marked[-_LONGEST:]) or marked
        lines = text.rpartition("</think>")[2].strip().splitlines()[-_LINES:]
        for line in reversed(lines):
            if found := expression_of(line[-_LONGEST:]):
                return found
        return None

    async def correct(self, problem: Problem, answer: str) -> bool:
        """See `Grader`.

        Raises:
            UnreadableAnswer: It is no expression.
        """
        expression = expression_of(answer)
        value = None if expression is None else value_of(expression)
        if expression is None or value is None:
            raise UnreadableAnswer(answer)
        used = sorted(int(number) for number in re.findall(r"\d+", expression))
        numbers = sorted(int(number) for number in problem.data["numbers"])
        return used == numbers and value == int(problem.data.get("target", TARGET))

    async def same(self, first: str, second: str) -> bool:
        """See `Grader`. The same text: of two expressions of one value, one may use numbers that are not there."""
        return re.sub(r"\s", "", first) == re.sub(r"\s", "", second)

    async def aclose(self) -> None:
        """See `Grader`."""


def expression_of(text: str) -> str | None:
    r"""The last expression in a text, before or behind its equals sign, in plain signs.

    >>> expression_of(r"\frac{6}{1 - \frac{3}{4}} = 24"), expression_of("So 24 = (1+2+3)*4."), expression_of("24")
    ('(6)/(1 - (3)/(4))', '(1+2+3)*4', None)
    """
    for pattern, plain in _COMMANDS:
        text = pattern.sub(plain, text)
    # From the inside out.
    while (flat := _FRACTION.sub(r"(\1)/(\2)", text)) != text:
        text = flat
    sides = text.translate(_OPERATORS).split("=")
    for left in sides:
        if found := _EXPRESSION.findall(left):
            return str(found[-1]).strip()
    return None
