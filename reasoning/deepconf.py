"""DeepConf: threads of which the model is not sure are ended early and do not vote (Fu et al. 2025).

context ─┬─> trace-0 ──────────────┐
         ├─> trace-1 ──────────────┤ warm-up: the threshold that the top share of these reach
         │
         ├─> trace-2 ──────────────┤
         ├─> trace-3 ─────x        │ a window of it fell below the threshold
         └─> trace-n ──────────────┴─> vote, each weighs its confidence

It needs the logprobs of the likeliest tokens. On an engine that tells none, all threads come to their end and count
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engines import Chunk, Context, Engine, Sampling, UsageError, converse

from .answer import Answer, Branch, usable
from .branching import (
    remark_on_lost,
    remark_on_unanswered,
    require_candidates,
    require_width,
    think_in_order,
    think_side_by_side,
)
from .chain_of_thought import INSTRUCTION
from .equality import Equality, equal
from .voting.confidence import TOP_LOGPROBS, ConfidenceTrace
from .voting.confidence_vote import ConfidenceVote, Weights
from .watched_call import think_watched


@dataclass(frozen=True, kw_only=True)
class DeepConf:
    """A vote of threads, weighted and filtered by confidence.

    Online, the first threads set a threshold, and each further one is ended as soon as a full window of it falls below.
    Offline, all come to their end. The defaults are for short threads and small machines; the authors' code has windows
    of 2048, and 512 threads of up to 130,000 tokens offline, 256 of up to 64,000 online.

    Attributes:
        samples: The number of threads at most, 1 to 10,000.
        online: Whether threads are ended early.
        warm_up: How many of them come to their end first; those after them begin then.
        keep_percent: The share that is kept: of the warm-up, or offline of all. The paper has 90 (its DeepConf-high),
            and 10 to save most (DeepConf-low).
        weights: What a vote weighs: the same, or the confidence by a measure: over all tokens (`mean`), the last window
            (`tail`), the lowest 10 % of windows (`bottom`) or the lowest one. Offline it also is what is filtered by.
        window: Tokens in a window; a thread shorter than that is never ended early.
        consensus: After the warm-up, stop as soon as the leading answer has this share of the weights, those of threads
            that ended without an answer among them; None is never.
        in_flight: How many threads think at once after the warm-up.
        sampling: How to sample; a seed is made the branch's own. It has 20 logprobs where it asks for none.
        instruction: What is added to the user's turn.
        equality: Tells whether two answers are the same.
    """

    samples: int = 32
    online: bool = True
    warm_up: int = 16
    keep_percent: float = 90
    weights: Weights = "lowest"
    window: int = 128
    consensus: float | None = 0.95
    in_flight: int = 16
    sampling: Sampling = Sampling()
    instruction: str = INSTRUCTION
    equality: Equality = field(default=equal, repr=False)

    def __post_init__(self) -> None:
        """Refuses counts below 1 or too high, shares that are none, and logprobs that tell no confidence."""
        require_width(self.samples, "deepconf with {} samples")
        for name in ("warm_up", "window", "in_flight"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"deepconf with {name}={getattr(self, name)}: at least 1 is needed"
                )
        if self.sampling.logprobs == 1:
            raise UsageError("deepconf with sampling.logprobs=1: at least 2 are needed")
        if not 0 < self.keep_percent <= 100:
            raise UsageError(f"deepconf with keep_percent={self.keep_percent:g}: choose up to 100")
        if self.consensus is not None and not 0 < self.consensus <= 1:
            raise UsageError(f"deepconf with consensus={self.consensus:g}: choose up to 1")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in the first threads, then in further ones for as long as these are sure and do not agree.

        Raises:
            NoCandidates: Every thread failed.
        """
        prompt = await converse(
            engine, [("user", self.instruction), ("assistant", "")], after=context
        )
        forks = [prompt.fork(f"trace-{i}") for i in range(self.samples)]
        ready = self.warm_up if self.online else self.samples
        first = await think_side_by_side(forks[:ready], self._think, engine)
        vote = self._vote(usable(first))

        async def decided(branches: Sequence[Branch]) -> bool:
            """Counts the last one; those before it have been counted."""
            for answer in usable(branches[-1:]):
                await vote.add(answer)
            return self.consensus is not None and vote.share >= self.consensus

        enough = False
        for branch in first:
            enough = await decided([branch])
        rest: Sequence[Branch] = []
        if not enough:
            think = partial(self._think, threshold=vote.threshold)
            rest = await think_in_order(
                forks[ready:], think, engine, decided, in_flight=self.in_flight
            )
        rest = [_with_reason(branch) for branch in rest]
        share = vote.share
        answer, remark = await _elected([*first, *rest], vote)
        remark = "; ".join(filter(None, (remark, self._remark_on_consensus(first, rest, share))))
        return answer.after(first).after(rest, remark=remark, in_flight=self.in_flight)

    def _remark_on_consensus(
        self, first: Sequence[Branch], rest: Sequence[Branch], share: float
    ) -> str:
        """That the others were not needed; empty where all were used."""
        used = sum(branch.status != "cancelled" for branch in (*first, *rest))
        if used == self.samples:
            return ""
        agreed = f"{100 * share:.3g} % of the weight agreed"
        return f"{used} of {self.samples} traces were used: {agreed}"

    def _vote(self, ready: Sequence[Answer]) -> ConfidenceVote:
        measure = "lowest" if self.online or self.weights == "none" else self.weights
        return ConfidenceVote(
            ready,
            self.keep_percent,
            measure=measure,
            weights=self.weights,
            equality=self.equality,
        )

    async def _think(
        self, prompt: Context, engine: Engine, threshold: float | None = None
    ) -> Answer:
        """One thread; with a threshold, until a window is below it."""
        asked = {"logprobs": self.sampling.logprobs or TOP_LOGPROBS}
        sampling = self.sampling.model_copy(update=asked).for_branch(prompt.path)
        read = partial(Answer.from_completion, window=self.window)
        if threshold is None:
            return read(await engine.generate(prompt, sampling))
        watch = _Doubt(threshold, self.window)
        return await think_watched(prompt, sampling, engine, watch, read)


class _Doubt:
    """Says when a full window is below the threshold, at whatever place of a chunk it ends."""

    def __init__(self, threshold: float, window: int) -> None:
        self._threshold = threshold
        self._trace = ConfidenceTrace(window)

    def __call__(self, chunk: Chunk) -> str:
        self._trace.add(chunk.logprobs)
        lowest = self._trace.lowest_full
        if lowest >= self._threshold:
            return ""
        return f"its confidence fell to {lowest:.3g}, below {self._threshold:.3g}"


async def _elected(branches: Sequence[Branch], vote: ConfidenceVote) -> tuple[Answer, str]:
    """The winner, and what a reader should know of the vote."""
    require_candidates(branches, "traces")
    finished = usable([branch for branch in branches if not branch.reason])
    unsure = "" if vote.leader else await vote.add_unsure(finished)
    remarks = (
        remark_on_lost(branches, "traces"),
        _remark_on_unknown(finished),
        unsure,
        remark_on_unanswered(finished, "traces"),
    )
    assert vote.leader is not None
    return vote.leader.costless, "; ".join(filter(None, remarks))


def _with_reason(branch: Branch) -> Branch:
    """A thread that was ended early says why."""
    if branch.status != "truncated" or branch.answer is None:
        return branch
    return replace(branch, reason=branch.answer.remark)


def _remark_on_unknown(finished: Sequence[Answer]) -> str:
    unknown = sum(answer.confidence is None for answer in finished)
    if not unknown:
        return ""
    if unknown == len(finished):
        return "no confidence is known, so all traces count the same"
    return f"of {unknown} of {len(finished)} traces no confidence is known, so they do not vote"
