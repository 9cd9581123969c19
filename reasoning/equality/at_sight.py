r"""Equality where it is plain to see. Pure, and a hundred times quicker than a computer algebra system.

first, second ─> without dollars, spacing, \left ─> the same text? two numbers? words?
                                                    formulas, or several in brackets, by what they are worth?
"""

from __future__ import annotations

import re
from functools import lru_cache

from .bait import is_bait
from .intervals import equal_as_unions
from .matrices import with_rows
from .quantities import equal_as_quantities
from .rules import BOTH_WAYS, Rules
from .shapes import equal_by_parts

_SPACING = re.compile(
    r"(?<!\\)\\[,;:! ]|\\q?quad(?![a-z])|~|\\(?:left|right|displaystyle)(?![a-z])"
)
_NAME = re.compile(r"(?<![\\a-zA-Z])(sqrt|sin|cos|tan|ln|pi)(?=[\s()*/+^-]|$)")
_THOUSANDS = re.compile(r"(?<=\d)(?:,?\\[,;:!]\s*|\{,\})(?=\d{3}(?!\d))")
_FRACTION = re.compile(r"\\[dtc]frac(?![a-z])")
_IN_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_RELATION = re.compile(
    r"([^<>=]+?)\s*(<|\\leq?)(?![a-z])\s*([a-zA-Z])\s*(<|\\leq?)(?![a-z])\s*([^<>=]+)"
)
_GROUP = re.compile(r"\{([^{},]*)\}")
_BLANK = re.compile(r"(?<![a-zA-Z])\s+|\s+(?![a-zA-Z])")
_WORDS = re.compile(r"[^\W\d_][^\W\d_\s]*(?:[\s-][^\W\d_]+)*")
_QUOTED = re.compile(
    r"[\"'`\u2018\u201c]{1,2}([^\"'`\u2018\u2019\u201c\u201d]+)[\"'\u2019\u201d]{1,2}"
)
_LETTER = re.compile(r"\(?([A-Z])\)?")
# A letter in brackets, before the text of its choice and no other letter.
_CHOICE = re.compile(
    r"\(([A-Z])\)(?:\s*(?!and\b|or\b|\\c[au]p(?![a-z]))[\w\\$](?!.*\([A-Z]\)).*)?", re.DOTALL
)
_LONG_WORD = re.compile(r"(?!sqrt|frac)[^\W\d_]{4,}")
_NOT_PROSE = re.compile(r"[\\\d=<>^_+*/]")


def equal_at_sight(first: str, second: str, rules: Rules = BOTH_WAYS) -> bool | None:
    r"""Equality where it is plain to see; None where it takes mathematics.

    >>> equal_at_sight("1,000", "1000.0"), equal_at_sight("Paris", "london"), equal_at_sight("x+1", "1+x")
    (True, False, True)
    >>> print(equal_at_sight("x > 2", "2 < x"))
    None
    """
    decided = decided_at_sight(first, second, rules)
    return False if decided is None and (is_bait(first) or is_bait(second)) else decided


# A vote asks for the same pairs again and again.
@lru_cache(maxsize=10_000)
def decided_at_sight(first: str, second: str, rules: Rules) -> bool | None:
    """The same, and None also for what mathematics had better not try."""
    first, second = _plain(first), _plain(second)
    if first == second or _BLANK.sub("", first) == _BLANK.sub("", second):
        return True
    if not first or not second:
        return False
    if (equal := equal_as_quantities(first, second, rules)) is not None:
        return equal
    first, second = _bare(first), _bare(second)
    if (equal := _equal_as_words(first, second)) is not None:
        return equal
    relations = [_RELATION.fullmatch(text) for text in (first, second)]
    if any(relations):
        # Whether a relation may be a set is not told here, but where they differ it does not matter.
        first, second = (
            _interval(found) if found else text
            for found, text in zip(relations, (first, second), strict=True)
        )
        return False if equal_by_parts(first, second, rules) is False else None
    if r"\cup" in first or r"\cup" in second:
        return equal_as_unions(first, second, apart=2 * 10.0**-rules.decimals)
    return equal_by_parts(first, second, rules)


@lru_cache(maxsize=10_000)
def as_text(text: str) -> str:
    """What is compared where nothing but the text is: without what changes nothing, and without blanks."""
    return _BLANK.sub("", _plain(text))


def _interval(relation: re.Match[str]) -> str:
    r"""`1 < x \le 2` as (1, 2]."""
    left, right = ("(" if relation[2] == "<" else "["), (")" if relation[4] == "<" else "]")
    return f"{left}{relation[1]}, {relation[5]}{right}"


def _plain(text: str) -> str:
    """Without what changes nothing: dollars, full stops, spacing of LaTeX, sizes of brackets and fractions."""
    text = with_rows(text)
    # The look behind keeps a long run of blanks from being tried from each of its places.
    text = re.sub(r"(?<![\s$.\\])[\s$.\\]+$", "", text.replace("\\$", "$"))
    text = re.sub(r"^[\s$]+", "", text)
    text = _NAME.sub(r"\\\1", _THOUSANDS.sub("", text))
    text = _FRACTION.sub(r"\\frac", _SPACING.sub("", text))
    text = re.sub(r"\s+", " ", text).strip()
    return found[1].strip() if (found := _GROUP.fullmatch(text)) else text


def _bare(text: str) -> str:
    """Without commands around words, and without quotes around all of it."""
    text = _IN_TEXT.sub(r"\1", text).strip()
    return found[1].strip() if (found := _QUOTED.fullmatch(text)) else text


def _equal_as_words(first: str, second: str) -> bool | None:
    if first == second:
        return True
    letters = _LETTER.fullmatch(first), _LETTER.fullmatch(second)
    if letters[0] and letters[1]:
        return letters[0][1] == letters[1][1]
    choices = _CHOICE.fullmatch(first), _CHOICE.fullmatch(second)
    if choices[0] and choices[1] and any(letters):
        return choices[0][1] == choices[1][1]
    if _words(first) and first.casefold() == second.casefold():
        return True
    return False if _is_prose(first) or _is_prose(second) else None


def _words(text: str) -> bool:
    # A single letter is a variable, whose case matters.
    return len(text) > 1 and _WORDS.fullmatch(text) is not None


def _is_prose(text: str) -> bool:
    return _LONG_WORD.search(text) is not None and not _NOT_PROSE.search(text)
