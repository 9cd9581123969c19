"""The members of a list that stands in an answer. Pure."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"\$\s*[,;]?\s*(?:and|or)?\s*\$|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b")
_BRACES = re.compile(r"\\?\{(.*)\\?\}", re.DOTALL)


def members(answer: str) -> list[str]:
    r"""What commas outside of brackets part, and "and".

    >>> members(r"(1,2)$,$(3,4)"), members(r"\{1, 2\}"), members("x=1 and x=2")
    (['(1,2)', '(3,4)'], ['1', '2'], ['x=1', 'x=2'])
    """
    text = _BETWEEN.sub(",", answer.strip().strip("$").replace(r"\left", "").replace(r"\right", ""))
    whole = _BRACES.fullmatch(text)
    text = whole[1].rstrip("\\") if whole else text
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth <= 0 and character in ",;":
            parts.append("")
        else:
            parts[-1] += character
    stripped = (part.strip(" $") for part in parts)
    return [part for part in stripped if part]
