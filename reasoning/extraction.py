r"""Finds the final answer in what a model wrote. Pure.

Looked for in this order, and the last one wins: `\boxed{...}`, `#### ...` (GSM8K), "the answer is ...".
"""

from __future__ import annotations

import re

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped one is taken with its backslash
_HASHES = re.compile(r"^####[^\S\n]*(\S.*?)\s*$", re.MULTILINE)
_PHRASE = re.compile(r"\b(?:final )?answer\s*(?:is|:|=)\s*:?\s*(?=(\S[^\n]*))", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")
_DECORATION = "*_$ \t"


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
    boxes = [box for match in _BOXED.finditer(text) if (box := _balanced(text, match.end()))]
    if boxes:
        return boxes[-1]
    if hashes := _HASHES.findall(text):
        return str(hashes[-1])
    if phrases := _PHRASE.findall(text):
        sentence = _SENTENCE_END.split(phrases[-1])[0]
        return sentence.strip(_DECORATION).rstrip(".,;") or None
    return None


def _balanced(text: str, start: int) -> str | None:
    """The text from `start` to the brace that closes the one before it; None if it stays open."""
    depth = 1
    for match in _BRACE.finditer(text, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return text[start : match.start()].strip() or None
    return None
