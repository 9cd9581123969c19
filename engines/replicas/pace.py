"""Finds the replica that generates much slower than its peers. Pure.

The work is homogeneous, so that a replica stands out by its seconds for a token alone (the idea of C4). Calls are
compared with calls of about their length only, since routing by prefix can give one replica the short ones.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Collection, Sequence
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
        self._samples: list[deque[_Sample]] = [deque() for _ in range(replicas)]
        # Those of all replicas, by their size, in order: each call is compared, and what a fleet remembers is much.
        self._ordered: defaultdict[int, list[float]] = defaultdict(list)

    def note(self, replica: int, tokens: int, seconds: float) -> None:
        """A replica has generated tokens; few tell nothing."""
        if tokens < _FEWEST_TOKENS:
            return
        samples, sample = self._samples[replica], _sample(tokens, seconds)
        samples.append(sample)
        insort(self._ordered[sample.size], sample.seconds_per_token)
        if len(samples) > _RECENT:
            self._drop(samples.popleft())

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
        samples = self._samples[replica]
        while samples:
            self._drop(samples.popleft())

    def _drop(self, sample: _Sample) -> None:
        ordered = self._ordered[sample.size]
        del ordered[bisect_left(ordered, sample.seconds_per_token)]

    def _slowness(self, replica: int, samples: Collection[_Sample]) -> list[float]:
        """How many times slower than its peers each of these calls was, of those that have enough peers."""
        usual = {size: self._usual(replica, size) for size in {sample.size for sample in samples}}
        return [
            sample.seconds_per_token / peers for sample in samples if (peers := usual[sample.size])
        ]

    def _usual(self, replica: int, size: int) -> float | None:
        """The median of the other replicas' calls of a size; None where these are too few."""
        ordered = self._ordered[size]
        own = sorted(s.seconds_per_token for s in self._samples[replica] if s.size == size)
        peers = len(ordered) - len(own)
        return _without(ordered, own, peers // 2) if peers >= max(self._calls, 1) else None


def _without(ordered: Sequence[float], own: Sequence[float], index: int) -> float:
    """What has this index in ordered numbers once some of them, ordered too, are taken away."""
    for number in own:
        if number <= ordered[index]:
            index += 1
    return ordered[index]


def _sample(tokens: int, seconds: float) -> _Sample:
    return _Sample(max(tokens, 1).bit_length(), seconds / max(tokens, 1))
