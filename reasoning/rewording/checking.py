"""Whether what a model wrote can stand for the question. Pure."""

from __future__ import annotations

import re
from collections import Counter

# Marks between groups of digits, and before decimals, differ from language to language.
_FIGURE = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*")
_TIMES_LONGER = 3
_CHARACTERS_MORE = 200


def problem_with(reworded: str, question: str) -> str | None:
    """Why a text cannot stand for the question; None where it can.

    >>> problem_with("Ann hat 1.000 Euro und gibt 3,5 aus.", "Ann has $1,000 and spends 3.5.")
    >>> problem_with("Ann has money.", "Ann has $1,000.")
    'its numbers are others'
    """
    if not reworded.strip():
        return "it is empty"
    if len(reworded) > _TIMES_LONGER * len(question) + _CHARACTERS_MORE:
        return f"it has {len(reworded)} characters, and the question {len(question)}"
    if figures(reworded) != figures(question):
        return "its numbers are others"
    if reworded.split() == question.split():
        return "it is the same"
    return None


def figures(text: str) -> Counter[str]:
    """The numbers written in digits, each as its digits only, with how often each is there."""
    return Counter(_digits(match[0]) for match in _FIGURE.finditer(text))


def _digits(figure: str) -> str:
    # Some languages have digits of their own.
    return "".join(str(int(character)) for character in figure if character.isdecimal())
