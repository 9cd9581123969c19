"""What training never sees: every eighth word and wording, and every eighth way to put wordings together. Pure."""

from __future__ import annotations

from zlib import crc32

_ONE_IN = 8


def is_held_out(text: str) -> bool:
    """Whether a word, a wording or the name of a template is one of those; the same everywhere and always."""
    return crc32(text.encode()) % _ONE_IN == 0
