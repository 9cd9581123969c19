"""How long the answers of calls become that do not say it. Pure."""

from __future__ import annotations

_WEIGHT_OF_THE_LAST = 0.05


class ExpectedLength:
    """Learns which share of their limit calls use.

    Limits are set high, so that nothing is cut: a router that took them for lengths would weigh every call as much as
    the longest, and spread what belongs together.

    >>> lengths = ExpectedLength()
    >>> lengths.expect(1000)
    1000
    >>> for _ in range(100):
    ...     lengths.note(1000, 200)
    >>> lengths.expect(1000)
    205
    """

    def __init__(self) -> None:
        self._share = 1.0

    def expect(self, max_tokens: int) -> int:
        """How many tokens a call with this limit will probably generate, at least 1."""
        return max(1, round(self._share * max_tokens))

    def note(self, max_tokens: int, generated_tokens: int) -> None:
        """A call with this limit has generated so many tokens."""
        self._share += _WEIGHT_OF_THE_LAST * (generated_tokens / max_tokens - self._share)
