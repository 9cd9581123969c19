"""A figure with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its interval of 95 %.

    Attributes:
        value: The figure.
        low: Where the interval begins; None where nothing can be said, as of a mean over one problem.
        high: Where it ends; None as `low`.
        how: How the interval was found, in words.
    """

    value: float
    low: float | None
    high: float | None
    how: str
