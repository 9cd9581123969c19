"""Replies of a model that is as sure as a test wants it to be."""

from __future__ import annotations

from collections.abc import Sequence

from engines import Logprob, Scripted, TokenLogprobs


def place(confidence: float) -> TokenLogprobs:
    """A place of this confidence."""
    top = Logprob("a", -confidence / 2), Logprob("b", -confidence * 1.5)
    return TokenLogprobs(top[0], top)


def sure(text: str, *levels: float) -> Scripted:
    """A reply whose confidence goes through these levels, each for an equal part of it."""
    return Scripted(text, places(text, levels))


def places(text: str, levels: Sequence[float]) -> list[TokenLogprobs]:
    return [place(levels[i * len(levels) // len(text)]) for i in range(len(text))]
