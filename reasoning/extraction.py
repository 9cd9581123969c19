r"""Finds the final answer in what a model wrote. Pure.

Looked for in this order, and the last one wins: `\boxed{...}`, `#### ...` (GSM8K), "the answer is ...". What a model
does not mark as its answer is looked for only where somebody asks for it: boxes that stand together, the last formula,
the last number.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

_BOXED = re.compile(r"\\(?:(?:begin)?boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped one is taken with its backslash
_HASHES = re.compile(r"^####[^\S\n]*(\S.*)$", re.MULTILINE)
_PHRASE = re.compile(r"\b(?:final )?answer\s*(?:is|:|=)\s*(?::\s*)?(?=[^\s:])", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")
_DECORATION = "*_$ \t"
# Where a box is looked for and none is found: it is empty, never closed, or cut at its brace.
_BROKEN_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|$)")
_PUNCTUATION = re.compile(r"""[\\{}\[\]()"'`\u2018\u2019\u201c\u201d*_$\s]*""")
# What may stand between two boxes that are one answer: nothing much, or an "and".
_BESIDE = re.compile(r"[^\w]{0,10}|.{0,70}\b(?:and|or)\b.{0,70}", re.IGNORECASE)
_FORMULA = re.compile(
    r"\$\$(?P<display>[^$]+)\$\$|\\\[(?P<brackets>.+?)\\\]|(?<!\\)\$(?P<dollars>(?:\\\$|[^$\n])+?)(?<!\\)\$"
    r"|\\\((?P<parentheses>[^\n]+?)\\\)",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"""(?<![\w.{}])-?(?:
    \\[dt]?frac\s*(?:\{\d+\}|\d)\s*(?:\{\d+\}|\d)
    | \d{1,3}(?:,\d{3})+(?:\.\d+)? | \d+[.,]\d+ | \.\d+ | \d+(?:\ */\ *\d+)?
    )(?!\d)(?:\ ?(?:\\?%|percent\b))?""",
    re.VERBOSE,
)
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


def ends_in_answer(text: str) -> bool:
    """Whether the last sentence of `text` gives a final answer, so that nothing is said after it.

    >>> ends_in_answer("So the answer is 42."), ends_in_answer("The answer is even. So halve it.")
    (True, False)
    """
    line = text.rstrip().rpartition("\n")[2]
    sentences = [part for part in _SENTENCE_END.split(line) if part.strip(_DECORATION)]
    return bool(sentences) and _extract(sentences[-1]) is not None


def extract_boxes(text: str) -> str | None:
    r"""The last box, with those beside it as one list: `\boxed{1} and \boxed{2}` is `1, 2`.

    >>> extract_boxes(r"\boxed{7}, no: it is \boxed{1} and \boxed{2}")
    '1, 2'
    """
    thought, _, conclusion = text.rpartition("</think>")
    return _last_boxes(conclusion) or (_last_boxes(thought) if thought else None)


def extract_last_formula(text: str) -> str | None:
    r"""What stands last between dollars, or in `\(...\)` or `\[...\]`.

    >>> extract_last_formula("As $x = 1$, we have $y = 2$ here.")
    'y = 2'
    """
    formulas = deque(_FORMULA.finditer(text), maxlen=1)
    return next(filter(None, formulas[0].groups())).strip() if formulas else None


def extract_last_number(text: str) -> str | None:
    """The last number, with what marks thousands and percent.

    >>> extract_last_number("3 times 1,000 make 3,000.")
    '3,000'
    """
    numbers = deque(_NUMBER.finditer(text), maxlen=1)
    return numbers[0][0] if numbers else None


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
    return next((box.content for box in _boxes(text)), None)


def _last_boxes(text: str) -> str | None:
    together: list[_Box] = []
    for box in _boxes(text):
        if together and not _BESIDE.fullmatch(text[box.end : together[-1].start]):
            break
        together.append(box)
    contents = dict.fromkeys(box.content for box in reversed(together))
    return ", ".join(contents) or None


class _Box(NamedTuple):
    """A box: from its backslash to behind its brace."""

    content: str
    start: int
    end: int


def _boxes(text: str) -> Iterator[_Box]:
    """Those that are closed and not empty, the last one first."""
    starts = {match.end(): match.start() for match in _BOXED.finditer(text)}
    # One pass over the braces, since a model that repeats itself opens thousands of boxes.
    opened: list[int] = []
    ends: dict[int, int] = {}
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.end())
        elif brace[0] == "}" and opened:
            ends[opened.pop()] = brace.start()
    for start in sorted(starts.keys() & ends.keys(), reverse=True):
        if content := text[start : ends[start]].strip():
            yield _Box(content, starts[start], ends[start] + 1)
