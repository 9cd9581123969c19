r"""Rows of a matrix that one backslash parts, where a program took the other one for an escape. Pure."""

from __future__ import annotations

import re

from .bait import LONGEST

# Without any row that is parted as it should be.
_HALVED = re.compile(r"\\begin\{([pbvB]?matrix)\}(?:(?!\\\\).)*?\\end\{\1\}", re.DOTALL)
_END_OF_ROW = re.compile(r"\\(?=[-\d\s])")


def with_rows(text: str) -> str:
    r"""A text whose matrices have their rows.

    >>> with_rows(r"\begin{pmatrix}-1&0\0&-1\end{pmatrix}")
    '\\begin{pmatrix}-1&0\\\\0&-1\\end{pmatrix}'
    """
    if len(text) > LONGEST:
        return text
    return _HALVED.sub(lambda found: _END_OF_ROW.sub(r"\\\\", found[0]), text)
