"""Grades short answers in words, and numbers among them.

text ─> what it marks as its answer, or its only line ─> yes or no? a number? ─> the same words

It is exact match, without case, punctuation and articles. F1 is no verdict on an answer, and an answer that contains
the known one may take it back ("not X", "X or Y"): who wants more than words compared wraps it in a `Judge`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from reasoning.equality.numerals import numeral
from reasoning.extraction import extract_answer

from ..problem import Problem
from .words import normalised

_IN_TEXT = re.compile(r"\\(?:text(?:bf|it|rm)?|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_LABEL = re.compile(r"^(?:final )?answer\s*:\s*", re.IGNORECASE)
_NUMBER = re.compile(
    r"[^\d+.-]*([-+]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?)(?:\s*[^\W\d_%]*\s*|\s*%)"
)
_YES_OR_NO = ("yes", "no")


class TextGrader:
    """Compares words.

    A known number is right where the answer rounds to it, in whatever unit; a known yes or no where the answer begins
    with it.
    """

    name = "text"
    version = "1"

    def extract(self, text: str) -> str | None:
        """See `Grader`."""
        marked = extract_answer(text)
        if marked is None:
            lines = text.rpartition("</think>")[2].strip().splitlines()
            marked = _LABEL.sub("", lines[0]) if len(lines) == 1 else None
        return _IN_TEXT.sub(r"\1", marked).strip() or None if marked else None

    async def correct(self, problem: Problem, answer: str) -> bool:
        """See `Grader`."""
        return any(_is(known, answer) for known in (problem.answer, *problem.also))

    async def same(self, first: str, second: str) -> bool:
        """See `Grader`."""
        return _is(first, second) or _is(second, first)

    async def aclose(self) -> None:
        """See `Grader`."""


def _is(known: str, answer: str) -> bool:
    if normalised(known) == normalised(answer):
        # Without its point, 1.5 is 15.
        return _number(known) == _number(answer)
    if normalised(known) in _YES_OR_NO:
        return normalised(answer).split(" ")[0] == normalised(known)
    value, given = _number(known), _number(answer)
    if value is None or given is None:
        return False
    places = len(known.partition(".")[2].rstrip(" %")) if numeral(known.strip(" %$")) else 0
    return abs(value - given) <= Fraction(1, 2 * 10**places) if places else value == given


def _number(text: str) -> Fraction | None:
    found = _NUMBER.fullmatch(text.strip())
    return Fraction(found[1].replace(",", "")) if found else None
