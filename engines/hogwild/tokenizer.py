"""What a session asks of a tokenizer: ids of what is put in, and text as ids come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reader(Protocol):
    """The text of ids that come one after another."""

    def read(self, token_id: int) -> str:
        """The text that one more id completes; of a character whose other ids are still to come, nothing."""

    def rest(self) -> str:
        """What an unfinished character at the end decodes to; empty where there is none. Nothing is read after it."""


class Tokenizer(Protocol):
    """The tokenizer of a model."""

    def encode(self, text: str) -> Sequence[int]:
        """The ids of a text, with nothing around them."""

    def reader(self, *, skip_special_tokens: bool) -> Reader:
        """A new reader, which has read nothing."""
