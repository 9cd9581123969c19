"""An engine whose calls tell how likely their tokens were: for what reads the confidence of any method's threads."""

from __future__ import annotations

from ..engine import Engine
from ..sampling import Sampling
from .resampling import ResamplingEngine


class LogprobsEngine(ResamplingEngine):
    """Asks for logprobs in every call that asks for none, unless several workers write it, of whom none are told.

    Args:
        inner: The engine.
        logprobs: How many of the likeliest tokens to tell of, as `Sampling` takes it.
    """

    def __init__(self, inner: Engine, logprobs: int) -> None:
        super().__init__(inner)
        self._logprobs = logprobs

    def resampled(self, sampling: Sampling) -> Sampling:
        """The same with logprobs, where there are none and may be some."""
        if sampling.logprobs is not None or sampling.collaboration is not None:
            return sampling
        return sampling.model_copy(update={"logprobs": self._logprobs})
