"""A vote of threads of which the model was sure enough, each with the weight of its confidence (Fu et al. 2025).

thread ─> an answer, and sure enough? ─> its weight goes to the answers that are equal ─> leader, and its share
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..answer import Answer
from ..equality import Equality, equal
from .confidence import Measure, percentile_threshold
from .tally import Tally

Weights = Literal["none"] | Measure


class ConfidenceVote:
    """Votes in the order in which they are added.

    Args:
        ready: Threads that came to their end, of which the top `keep_percent` set the threshold.
        keep_percent: In (0, 100].
        measure: The confidence that has to reach the threshold.
        weights: The confidence that a vote weighs; `none` is the same for all.
        equality: Tells whether two answers are the same.

    Attributes:
        threshold: What the top share of `ready` reach; None where the confidence of none is known. Then all are sure
            enough and weigh the same; else those of unknown confidence are not.
    """

    def __init__(
        self,
        ready: Sequence[Answer],
        keep_percent: float,
        *,
        measure: Measure = "lowest",
        weights: Weights = "lowest",
        equality: Equality = equal,
    ) -> None:
        known = [a.confidence.by(measure) for a in ready if a.confidence is not None]
        self.threshold = percentile_threshold(known, keep_percent) if known else None
        self._measure = measure
        self._weights = weights
        self._tally = Tally(equality)
        self._firsts: list[Answer] = []
        self._sums: list[float] = []
        self._unanswered = 0.0

    @property
    def share(self) -> float:
        """What the leading answer has of all weights, 0 to 1; 0 before there are any.

        A thread without an answer agrees with nobody, but weighs as one that does not agree.
        """
        total = sum(self._sums) + self._unanswered
        return max(self._sums, default=0.0) / total if total else 0.0

    @property
    def leader(self) -> Answer | None:
        """The first thread that gave the heaviest answer; of equally heavy ones, the one given first."""
        if not self._firsts:
            return None
        return self._firsts[self._sums.index(max(self._sums))]

    async def add(self, answer: Answer) -> None:
        """Counts a thread that is sure enough: as a vote, or without an answer as one that agrees with nobody."""
        if not self._is_sure(answer):
            return
        if answer.value is None:
            self._unanswered += self._weight(answer)
        else:
            await self._count(answer)

    async def add_unsure(self, finished: Sequence[Answer]) -> str:
        """Where nobody was counted, has the next best vote: with an answer, else sure enough, else all.

        Args:
            finished: At least one.

        Returns:
            Why it is these that vote; empty where there is no better rule to be told of.
        """
        answering = [answer for answer in finished if answer.value is not None]
        sure = [answer for answer in finished if self._is_sure(answer)]
        for answer in answering or sure or finished:
            await self._count(answer)
        return "no trace with an answer was sure enough, so all of these vote" if answering else ""

    def _is_sure(self, answer: Answer) -> bool:
        if self.threshold is None:
            return True
        confidence = answer.confidence
        return confidence is not None and confidence.by(self._measure) >= self.threshold

    async def _count(self, answer: Answer) -> None:
        await self._tally.add(answer.final)
        kind = self._tally.votes[-1]
        if kind == len(self._firsts):
            self._firsts.append(answer)
            self._sums.append(0.0)
        self._sums[kind] += self._weight(answer)

    def _weight(self, answer: Answer) -> float:
        if self._weights == "none" or self.threshold is None:
            return 1.0
        return 0.0 if answer.confidence is None else answer.confidence.by(self._weights)
