r"""Rewrites an answer into what math-verify reads right. Pure.

It looks for formulas in a text, so that an answer has to look like one: `x+1` becomes `$x+1$`.
"""

from __future__ import annotations

import re

from .matrices import with_rows

_FORMULA = re.compile(r"\\\(|\\\[|\\boxed|\\begin\{align")
_BETWEEN_FORMULAS = re.compile(r"\$\s*(?:[,;]|and|or)\s*\$")
_THOUSANDS = re.compile(r"(?<=\d)(?:\\[,;:! ]|\{,\})(?=\d{3}(?!\d))")
_SQUARE_ROOT = re.compile(r"(?<![\\a-zA-Z])sqrt\s*\(([^()]*)\)")
_NAME = re.compile(r"(?<![\\a-zA-Z])(sin|cos|tan|log|ln|pi)(?![a-zA-Z])")
_EXPONENT = re.compile(r"\^\s*\(([^()]*)\)")
_PERCENT = re.compile(r"\s*(?:\\?%|\\text\{\s*percent(?:age)?\s*\})\s*$")
_NO_PROSE = re.compile(r"\\[a-zA-Z]+(?:\s*\{[^{}]*\})?|\$[^$]*\$")
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,}(?![^\W_])")
_FEWEST_WORDS = 4
_LONGEST_WORD = 15
_PLAIN_NUMBER = re.compile(r"[-+]?[\d.,\s]*")


def is_sentence(answer: str) -> bool:
    r"""Whether an answer is words, of which math-verify would make a product of letters, or take some number.

    >>> is_sentence("we simplify the right side of it to 3"), is_sentence(r"1 \text{ and also the other one}")
    (True, False)
    """
    words = _WORD.findall(_NO_PROSE.sub(" ", answer))
    # Of what programs say where they fail, the words run together.
    return len(words) >= _FEWEST_WORDS or any(len(word) > _LONGEST_WORD for word in words)


def readable(answer: str) -> str:
    r"""An answer as a text for math-verify.

    >>> readable("x+1"), readable("2**(1/4)"), readable(r"\frac{1}{2}\%")
    ('$x+1$', '$2^{1/4}$', '$(\\frac{1}{2})/100$')
    """
    text = _BETWEEN_FORMULAS.sub(
        ", ", with_rows(answer).strip().replace("\\$", "").replace("°", r"^\circ")
    )
    if text.count("$") % 2:
        text = text.replace("$", "")
    text = _THOUSANDS.sub("", text.replace("**", "^"))
    text = _NAME.sub(r"\\\1", text)
    text = _EXPONENT.sub(r"^{\1}", _SQUARE_ROOT.sub(r"\\sqrt{\1}", text))
    if "$" in text or _FORMULA.search(text):
        return text
    share = _PERCENT.sub("", text)
    if share != text and not _PLAIN_NUMBER.fullmatch(share):
        text = f"({share})/100"
    return f"${text}$"
