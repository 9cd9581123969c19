"""Numbers on the command line, of which some make no sense. Pure."""

from __future__ import annotations

from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text}: give 1 or more")
    return number


def count(text: str) -> int:
    """A whole number from 0 on."""
    number = int(text)
    if number < 0:
        raise ArgumentTypeError(f"{text}: give 0 or more")
    return number


def not_negative(text: str) -> float:
    """A number from 0 on."""
    number = float(text)
    # So that "nan" is none either.
    if not number >= 0:
        raise ArgumentTypeError(f"{text}: give 0 or more")
    return number
