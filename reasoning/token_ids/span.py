"""Pieces of a text that was said, and texts of ours between them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the text that is kept as it stands, from `start` to before `end`."""

    start: int
    end: int


Piece = Span | str
