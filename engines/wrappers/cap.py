"""An engine whose calls generate so many tokens at most: a thinking budget for any method."""

from __future__ import annotations

from ..engine import Engine
from ..sampling import Sampling
from .resampling import ResamplingEngine


class CappedEngine(ResamplingEngine):
    """Lowers the limit of every call that wants more.

    Args:
        inner: The engine.
        max_tokens: The most that a call generates, at least 1.
    """

    def __init__(self, inner: Engine, max_tokens: int) -> None:
        super().__init__(inner)
        self._max_tokens = max_tokens

    def resampled(self, sampling: Sampling) -> Sampling:
        """The same with the lower limit."""
        if sampling.max_tokens <= self._max_tokens:
            return sampling
        return sampling.model_copy(update={"max_tokens": self._max_tokens})
