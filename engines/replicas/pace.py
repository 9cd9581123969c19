"""Finds the replica that generates much slower than its peers. Pure.

The work is homogeneous, so that a replica stands out by its seconds for a token alone (the idea of C4). Calls are
compared with calls of about their length only, since routing by prefix can give one replica the short ones.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection
from statistics import median_high
from typing import NamedTuple

_RECENT = 32
# Of a shorter call, computing the prompt is most.
_FEWEST_TOKENS = 8


class _Sample(NamedTuple):
    size: int
    seconds_per_token: float


class Pace:
    """Remembers how fast replicas have generated lately.

    Args:
        replicas: How many there are.
        factor: How many times slower than its peers an outlier is.
        calls: How many comparable calls it takes, of the outlier and of its peers.
    """

    def __init__(self, replicas: int, *, factor: float, calls: int) -> None:
        self._factor = factor
        self._calls = calls
        self._samples: list[deque[_Sample]] = [deque(maxlen=_RECENT) for _ in range(replicas)]

    def note(self, replica: int, tokens: int, seconds: float) -> None:
        """A replica has generated tokens; few tell nothing."""
        if tokens >= _FEWEST_TOKENS:
            self._samples[replica].append(_sample(tokens, seconds))

    def is_outlier(self, replica: int) -> bool:
        """Whether the replica's recent calls were too slow, by the median of how they compare with their peers."""
        slowness = self._slowness(replica, self._samples[replica])
        return len(slowness) >= self._calls and median_high(slowness) > self._factor

    def is_slow(self, replica: int, tokens: int, seconds: float) -> bool:
        """Whether one call was too slow; not where nothing compares."""
        return any(
            slowness > self._factor
            for slowness in self._slowness(replica, [_sample(tokens, seconds)])
        )

    def seconds_per_token(self, replica: int) -> float | None:
        """The median of the replica's recent calls; None where there is none."""
        samples = self._samples[replica]
        return median_high([sample.seconds_per_token for sample in samples]) if samples else None

    def forget(self, replica: int) -> None:
        """What the replica did is no measure any more."""
        self._samples[replica].clear()

    def _slowness(self, replica: int, samples: Collection[_Sample]) -> list[float]:
        """How many times slower than its peers each of these calls was, of those that have enough peers."""
        peers: defaultdict[int, list[float]] = defaultdict(list)
        for other, theirs in enumerate(self._samples):
            if other != replica:
                for sample in theirs:
                    peers[sample.size].append(sample.seconds_per_token)
        usual = {
            size: median_high(those) for size, those in peers.items() if len(those) >= self._calls
        }
        return [
            sample.seconds_per_token / usual[sample.size]
            for sample in samples
            if usual.get(sample.size)
        ]


def _sample(tokens: int, seconds: float) -> _Sample:
    return _Sample(max(tokens, 1).bit_length(), seconds / max(tokens, 1))
