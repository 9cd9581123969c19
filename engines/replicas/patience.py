"""How long a call may wait for an answer, by how long its peers waited. Pure: times come in as arguments.

All replicas serve the same model to the same run, so that what one takes much longer for than the others says
something about it (the idea of C4, for homogeneous work). Times are those of whole calls, and of streamed calls up
to their first part.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

_FACTOR = 5
_QUANTILE = 0.95
_RECENT = 64
_NEAREST = 16


class _Answer(NamedTuple):
    length: int
    seconds: float


class Patience:
    """Remembers how long calls waited for their answers.

    Args:
        replicas: How many there are.
        least_seconds: What no call waits less than before it counts as stalled.
    """

    def __init__(self, replicas: int, least_seconds: float) -> None:
        self._least_seconds = least_seconds
        self._answers: list[deque[_Answer]] = [deque(maxlen=_RECENT) for _ in range(replicas)]

    def note(self, replica: int, length: int, seconds: float) -> None:
        """A call that was expected to be so long, at least 1, has its answer."""
        self._answers[replica].append(_Answer(length, seconds))

    def limit(self, replica: int, length: int, *, suspected: bool = False) -> float:
        """The seconds after which a call of this length that waits on this replica is stalled.

        5 times the 95th percentile of what was answered elsewhere, or else here: of the answers nearest to it in
        length, those of shorter calls stretched to its own. Infinite where nothing was answered yet.

        Args:
            replica: Where the call waits.
            length: How long its answer is expected to be.
            suspected: Whether there is a reason to doubt the replica, so that the least time does not hold.
        """
        answers = [a for other, some in enumerate(self._answers) if other != replica for a in some]
        answers = answers or list(self._answers[replica])
        if not answers:
            return math.inf
        answers.sort(key=lambda answer: abs(math.log(answer.length / length)))
        seconds = sorted(a.seconds * max(1, length / a.length) for a in answers[:_NEAREST])
        limit = _FACTOR * seconds[math.ceil(_QUANTILE * len(seconds)) - 1]
        return limit if suspected else max(self._least_seconds, limit)
