r"""Grades by mathematics: `\frac{1}{2}`, `0.5` and `1/2` are one answer.

text ─> boxes, "the answer is", the last formula, the last number ─> reasoning.equality: at sight, or math-verify
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any, Literal

from reasoning.equality import KNOWN_FIRST, Rules, compared
from reasoning.equality.readable import is_sentence
from reasoning.extraction import (
    extract_answer,
    extract_boxes,
    extract_last_formula,
    extract_last_number,
)

from ..errors import UnreadableAnswer
from ..problem import Problem
from .members import members

_RULES = "1"
"""Of this module and of `reasoning.equality`: counted up when they decide otherwise."""

Unmarked = Literal["nothing", "formula", "number"]
_WORDS = re.compile(r"[^\W\d_]{2,}")
_END = 5000
_FINAL = re.compile(r"\bfinal answer is\b(?=\s*:?\s*\S)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\\a-zA-Z])(?!sqrt|percent|pct|frac)[^\W\d_]{4,}")
_IN_TEXT = re.compile(r"\\[a-zA-Z]+\s*(?:\{[^{}]*\})?|\$[^$]*\$")


@dataclass(frozen=True, kw_only=True)
class MathGrader:
    r"""Compares answers by mathematics.

    An answer is what the text marks as one, by `\boxed{}`, `####` or "the answer is"; of a text that marks none, what
    `unmarked` says, or all of it where it is a line without words. A list without brackets is right in any order. All
    of a problem's `answer` and `also` are right, and its `data` may have a `tolerance` of its own, or `unordered`, for
    lists whose members mathematics cannot order.

    Attributes:
        unmarked: What else counts as the answer: `nothing`, the last `formula`, or that and the last `number`.
        decimals: To how many places two numbers are rounded of which one is a decimal.
        strict: Whether names of variables matter.
        relations: Whether an interval may be answered as a relation, such as 1 < x < 2.
        tolerance: How far a number may be from the known one.
        relative: The same, as a part of the known one.
    """

    unmarked: Unmarked = "number"
    decimals: int = 6
    strict: bool = True
    relations: bool = False
    tolerance: float = 0.0
    relative: float = 0.0

    @property
    def name(self) -> str:
        """See `Grader`."""
        return "math"

    @cached_property
    def version(self) -> str:
        """See `Grader`."""
        return f"{_RULES}, math-verify {version('math-verify')}"

    def extract(self, text: str) -> str | None:
        """See `Grader`."""
        # Boxes before it hold what was found on the way.
        final = next(iter(deque(_FINAL.finditer(text), maxlen=1)), None)
        text = text[final.start() :] if final else text
        if boxed := extract_boxes(text):
            return boxed
        marked = extract_answer(text)
        if marked is None:
            return self._unmarked(text.rpartition("</think>")[2])
        if len(_WORDS.findall(_IN_TEXT.sub(" ", marked))) > 1:
            return self._unmarked(marked) or marked
        return marked

    async def correct(self, problem: Problem, answer: str) -> bool:
        """See `Grader`.

        Raises:
            UnreadableAnswer: Mathematics makes no sense of the answer.
            EqualityUnavailable: math-verify does not start.
        """
        rules = self._rules(problem.data)
        verdicts: list[bool | None] = []
        for known in (problem.answer, *problem.also):
            verdicts.append(await compared(known, answer, rules))
            if verdicts[-1]:
                return True
            if problem.data.get("unordered") and await _same_members(known, answer, rules):
                return True
        if None in verdicts:
            raise UnreadableAnswer(answer)
        return False

    async def same(self, first: str, second: str) -> bool:
        """See `Grader`."""
        return await compared(first, second, replace(self._rules({}), symmetric=True)) is True

    async def aclose(self) -> None:
        """See `Grader`. The workers are this process's, and others may use them."""

    def _unmarked(self, text: str) -> str | None:
        # Where the end does not tell, what is before it does not either.
        text = text[-_END:].strip()
        # A box that is empty or never closed is where the answer should be.
        if self.unmarked == "nothing" or not text or "\\boxed" in text:
            return None
        has_words = _WORD.search(_IN_TEXT.sub(" ", text)) or is_sentence(text)
        if not has_words and "\n" not in text:
            return text
        formula = extract_last_formula(text)
        if self.unmarked == "formula":
            return formula
        number = extract_last_number(text)
        if formula is None or number is None:
            return formula or number
        # Whichever comes last; a number in a formula is a part of it.
        return number if text.rfind(number) > text.rfind(formula) + len(formula) else formula

    def _rules(self, data: dict[str, Any]) -> Rules:
        return replace(
            KNOWN_FIRST,
            decimals=self.decimals,
            strict=self.strict,
            relations=self.relations,
            tolerance=float(data.get("tolerance") or self.tolerance),
            relative=self.relative,
        )


async def _same_members(known: str, answer: str, rules: Rules) -> bool:
    """Whether two lists have the same members, each as often, in whatever order."""
    wanted, given = members(known), members(answer)
    if not 1 < len(wanted) == len(given):
        return False
    for member in given:
        for one in wanted:
            if await compared(one, member, rules):
                wanted.remove(one)
                break
        else:
            return False
    return True
