"""Tokens without a tokenizer: a token is a piece of a text of at most four bytes, its id these bytes as a number. Pure.

text     So x≥2.         four characters of English, two of most other alphabets, one of those with more bytes
tokens   |So x|≥|2.|     ends of characters are never within a token
ids      0x536F2078  0xE289A5  0x322E

About the rule of thumb of four characters a token. The same in every process and reversible, without a table. The bytes
of a text never begin with 0xFF: ids that do are the marks of turns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from ..context import Role

# A number forgets zero bytes that it begins with, so that the zero character stands alone.
_PIECE = re.compile("\0|[\x01-\x7f]{1,4}|[\x80-\u07ff]{1,2}|.", re.DOTALL)
_ROLES: tuple[Role, ...] = get_args(Role)
_FIRST_MARK = 0xFF000000
# JSON may hold halves of surrogate pairs, which models write at times.
_ERRORS = "surrogatepass"


def tokens_of(text: str) -> tuple[int, ...]:
    """The ids of a text, each below 2**32.

    >>> tokens_of("So x"), len(tokens_of("2 + 2 = 4."))
    ((1399791736,), 3)
    """
    return tuple(
        int.from_bytes(piece.encode("utf-8", _ERRORS), "big") for piece in _PIECE.findall(text)
    )


def mark_of(role: Role) -> int:
    """The id that begins a turn."""
    return _FIRST_MARK + _ROLES.index(role)


def text_of(token_ids: Sequence[int]) -> str:
    """What ids say; a mark is written as `<|user|>`, and what is no token of a text as a replacement character.

    >>> text_of([mark_of("user"), *tokens_of("Grüße")])
    '<|user|>Grüße'
    """
    content = b"".join(map(_bytes_of, token_ids))
    try:
        return content.decode("utf-8", _ERRORS)
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


def last_turn(token_ids: Sequence[int]) -> Sequence[int]:
    """The ids behind the last mark."""
    for place in range(len(token_ids) - 1, -1, -1):
        if token_ids[place] >= _FIRST_MARK:
            return token_ids[place + 1 :]
    return token_ids


def _bytes_of(token: int) -> bytes:
    mark = token - _FIRST_MARK
    if 0 <= mark < len(_ROLES):
        return f"<|{_ROLES[mark]}|>".encode()
    return token.to_bytes(max(1, (token.bit_length() + 7) // 8), "big")
