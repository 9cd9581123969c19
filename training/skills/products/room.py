"""How many tokens there are in the trie of a work, told without a tokenizer. Pure.

What a thread says is there in its own call, and again after the threads before it in the call that joins them; only for
the first thread these are the same.
"""

from __future__ import annotations

import re

from .work import Work

# The embedded model has a token for each digit and sign, and one for each of our words with the space before it.
_TOKEN = re.compile(r" ?[a-z]+|.", re.DOTALL)
# Of an outline, a header and an end, some of them twice.
_TAGS = 34


def in_trie(work: Work, *, nested: bool) -> int:
    """Tokens of all calls, without the prompt.

    Args:
        work: What is written, with a thread for each of its parts.
        nested: Whether parts have threads too.
    """
    own = _tokens(work.lines)
    for place, part in enumerate(work.parts):
        own += in_trie(part, nested=nested) if nested else _tokens(part.chain)
        if place:
            own += _tokens(part.chain) + (_TAGS * len(part.parts) if nested else 0)
        own += _TAGS
    return own


def _tokens(text: str) -> int:
    return len(_TOKEN.findall(text))
