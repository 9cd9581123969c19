r"""Finds the final answer in what a model wrote. Pure.

Looked for in this order, and the last one wins: `\boxed{...}`, `#### ...` (GSM8K), "the answer is ...".
"""

from __future__ import annotations

import re
from collections import deque

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped one is taken with its backslash
_HASHES = re.compile(r"^####[^\S\n]*(\S.*)$", re.MULTILINE)
_PHRASE = re.compile(r"\b(?:final )?answer\s*(?:is|:|=)\s*(?::\s*)?(?=[^\s:])", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")
_DECORATION = "*_$ \t"
# Where a box is looked for and none is found: it is empty, never closed, or cut at its brace.
_BROKEN_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|$)")
_PUNCTUATION = re.compile(r"""[\\{}\[\]()"'`\u2018\u2019\u201c\u201d*_$\s]*""")
_EMPTY_ONES = re.compile(r"\\\{\s*\\\}|\[\s*\]")  # the empty set, and the empty list, are answers


def extract_answer(text: str) -> str | None:
    r"""The final answer in `text`, or None.

    >>> extract_answer(r"so \boxed{1}, no, \boxed{\frac{1}{2}}.")
    '\\frac{1}{2}'
    >>> extract_answer("Therefore the answer is **42**. Done.")
    '42'
    >>> extract_answer("I do not know") is None
    True
    """
    thought, _, conclusion = text.rpartition("</think>")
    return _extract(conclusion) or (_extract(thought) if thought else None)


def _extract(text: str) -> str | None:
    if box := _last_box(text):
        return box
    if hashes := _HASHES.findall(text):
        return _unless_broken(str(hashes[-1]).rstrip())
    # The last one only: a model that repeats itself says it thousands of times in one line.
    if phrases := deque(_PHRASE.finditer(text), maxlen=1):
        rest = text[phrases[-1].end() :].partition("\n")[0]
        sentence = _SENTENCE_END.split(rest)[0]
        return _unless_broken(sentence.strip(_DECORATION).rstrip(".,;"))
    return None


def _unless_broken(answer: str) -> str | None:
    """None for what is left of a text that was cut: a box without an answer, or nothing but punctuation."""
    if _BROKEN_BOX.search(answer):
        return None
    if _PUNCTUATION.fullmatch(answer) and not _EMPTY_ONES.fullmatch(answer):
        return None
    return answer


def _last_box(text: str) -> str | None:
    """What is in the last box that is closed and not empty."""
    starts = {match.end() for match in _BOXED.finditer(text)}
    # One pass over the braces, since a model that repeats itself opens thousands of boxes.
    opened: list[int] = []
    ends: dict[int, int] = {}
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.end())
        elif brace[0] == "}" and opened:
            ends[opened.pop()] = brace.start()
    boxes = (text[start : ends[start]].strip() for start in sorted(starts & ends.keys())[::-1])
    return next(filter(None, boxes), None)
