r"""Grades a choice among lettered answers.

text ─> what it marks as its answer, or its last line ─> `B`, `(B)`, `B. Paris`, `Paris` ─> the letter of a choice
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.extraction import extract_answer

from ..errors import UnreadableAnswer
from ..problem import Problem
from .words import normalised

_LETTERS = "ABCDEFGHIJ"
_IN_TEXT = re.compile(r"\\(?:text(?:bf|it|rm)?|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_NAMED = re.compile(
    r"^(?:the )?(?:correct )?(?:option|choice|answer)\s*(?:is)?:?\s+", re.IGNORECASE
)
_ALONE = re.compile(r"[(\[]?([A-Ja-j])[)\].:,]?")
_BEFORE_TEXT = re.compile(r"(?:[(\[]([A-J])[)\]]|([A-J])[).:])\s*\S.*", re.DOTALL)
_IN_BRACKETS = re.compile(r"\(([A-J])\)")


class ChoiceGrader:
    """Compares letters, A to J.

    An answer may also be the text of a choice, which a problem's `data` has as `choices`: a list, or texts by letters.
    A letter that begins a sentence is none: it has to stand alone, in brackets, or before `.`, `:` or `)`.
    """

    name = "choice"
    version = "1"

    def extract(self, text: str) -> str | None:
        """See `Grader`. The letter, or what else the text marks as its answer."""
        marked = extract_answer(text)
        if marked is not None:
            return letter_in(marked) or marked
        lines = text.rpartition("</think>")[2].strip().splitlines()
        last = lines[-1].strip(" *_$") if lines else ""
        if found := letter_in(last):
            return found
        in_brackets = _IN_BRACKETS.findall(last)
        return in_brackets[-1] if len(set(in_brackets)) == 1 else None

    async def correct(self, problem: Problem, answer: str) -> bool:
        """See `Grader`.

        Raises:
            UnreadableAnswer: It is neither a letter nor the text of one choice.
        """
        choices = _lettered(problem.data.get("choices"))
        letter = letter_in(answer) or _chosen(answer, choices)
        if letter is None:
            raise UnreadableAnswer(answer)
        right = (problem.answer, *problem.also)
        return letter in [letter_in(one) or _chosen(one, choices) for one in right]

    async def same(self, first: str, second: str) -> bool:
        """See `Grader`. A letter and the text of its choice are two votes: only the problem knows them as one."""
        return (letter_in(first) or normalised(first)) == (letter_in(second) or normalised(second))

    async def aclose(self) -> None:
        """See `Grader`."""


def letter_in(answer: str) -> str | None:
    r"""The letter that an answer is or begins with.

    >>> [letter_in(answer) for answer in ("B", r"\text{(b)}", "C. A dog", "Option D", "A dog", "I think so")]
    ['B', 'B', 'C', 'D', None, None]
    """
    answer = _IN_TEXT.sub(r"\1", answer).replace("\\ ", " ").strip(" *_$\n")
    answer = _NAMED.sub("", answer).strip(" *_$")
    if alone := _ALONE.fullmatch(answer):
        return alone[1].upper()
    if before := _BEFORE_TEXT.fullmatch(answer):
        return before[1] or before[2]
    return None


def _lettered(choices: Any) -> Mapping[str, str]:
    if isinstance(choices, Mapping):
        return {str(letter).upper(): str(text) for letter, text in choices.items()}
    if isinstance(choices, Sequence) and not isinstance(choices, str):
        return dict(zip(_LETTERS, map(str, choices), strict=False))
    return {}


def _chosen(answer: str, choices: Mapping[str, str]) -> str | None:
    """The letter of the one choice that has this text."""
    text = normalised(answer)
    found = [letter for letter, choice in choices.items() if text and normalised(choice) == text]
    return found[0] if len(found) == 1 else None
