"""Numbers on the command line, of which some make no sense. Pure."""

from __future__ import annotations

from argparse import ArgumentTypeError


def whole(text: str) -> int:
    """A whole number."""
    return _whole(text, "")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _from(1, _whole(text, ": give 1 or more"))


def count(text: str) -> int:
    """A whole number from 0 on."""
    return _from(0, _whole(text, ": give 0 or more"))


def not_negative(text: str) -> float:
    """A number from 0 on."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number:
        raise ArgumentTypeError(f"{text!r} is no number: give 0 or more")
    if number < 0:
        raise ArgumentTypeError(f"{text} is less than 0: give 0 or more")
    return number


def _whole(text: str, advice: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no whole number{advice}") from None


def _from(least: int, number: int) -> int:
    if number < least:
        raise ArgumentTypeError(f"{number}: give {least} or more")
    return number
