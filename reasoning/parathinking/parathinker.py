"""ParaThinker: threads side by side, then one summary of all of them (Wen et al. 2025).

          ┌─> thread-0 ──────────> │
context ──┼─> thread-1 ─> cut      ├─> summary
          └─> thread-2 ──────────> │
                                 wait

Any model can do it: the threads are a method's, and their summary is one more request that reads them. A model that
was trained for it has tokens for threads and summary, and these are used where its tokenizer has them. What its own
engine does beyond that is not to be had on stock vLLM: there each thread has a learned embedding, all threads start at
the same position, and the summary reads their KV caches where they are; here the summary's positions count all threads
one after another, and all but the first are computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Literal

from engines import Context, Engine, UsageError

from ..answer import Answer, Branch, usable
from ..branching import remark_on_lost, require_candidates, require_width, think_side_by_side
from ..chain_of_thought import ChainOfThought
from ..method import Method
from ..reducing.fallback import reduce_or_vote
from ..reducing.majority import Majority
from ..reducing.reducer import Reducer
from ..reducing.synthesis import Synthesise
from ..scoring.reading_logprobs import with_logprobs_for
from ..waiting import Wait, wait_policy
from .strategies import STRATEGIES
from .tagged_threads import tagged_threads
from .thought_tags import ThoughtTags
from .threads import Threads, plain_threads

Hints = Literal["strategies"] | tuple[str, ...]
Tuned = Literal["auto", "yes", "no"]


@dataclass(frozen=True, kw_only=True)
class ParaThinker:
    """Thinks in many threads, waits for some of them, and makes one answer of what all have said.

    A summary also reads what a thread had said when it was cut (section 3: first-finish, the best policy there, sums up
    threads of which all but one are unfinished). Votes and scores are about the threads that came to an end, as long
    as there is one.

    Attributes:
        threads: How many, 1 to 10,000 (4; the paper has up to 8).
        method: How each thread thinks.
        hints: What is added to the question for each thread, in turn; `strategies` takes eight of our own, and
            nothing leaves it to the seeds to make threads differ.
        wait: Which threads to wait for: `last`, `first`, `half` of them rounded up, or so many.
        deadline: The most seconds to wait; None waits as long as it takes.
        reducer: How the threads become one answer.
        tuned: Whether the model was trained for this, and opens, ends and sums up threads by its own tokens, which
            take the place of what `ChainOfThought` and `Synthesise` ask for: `auto` where the method is a chain of
            thought and the tokenizer has the tokens, `yes` refuses a model without them.
    """

    threads: int = 4
    method: Method = ChainOfThought()
    hints: Hints = ()
    wait: Wait = "last"
    deadline: float | None = None
    reducer: Reducer = Synthesise()
    tuned: Tuned = "auto"

    def __post_init__(self) -> None:
        """Refuses what cannot be thought."""
        require_width(self.threads, "ParaThinker with {} threads")
        if isinstance(self.hints, str) and self.hints != "strategies":
            raise UsageError(f"hints={self.hints!r} is one text: give a tuple, or 'strategies'")
        if self.tuned == "yes" and not isinstance(self.method, ChainOfThought):
            raise UsageError(
                f"a model's own threads cannot think by {type(self.method).__name__}: "
                f"use ChainOfThought, or set tuned=no"
            )
        wait_policy(self.wait, self.deadline)

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks in all threads at the same time, and sums up; where that cannot be done, finished threads vote.

        Raises:
            NoCandidates: No thread said anything.
            UsageError: The model is to use tokens that it does not have.
        """
        threads = await self._threads(context, engine)
        policy = wait_policy(self.wait, self.deadline)
        telling = with_logprobs_for(self.reducer, engine)
        branches = await think_side_by_side(threads.forks, threads.think, telling, policy)
        read = self._read(branches)
        candidates = _candidates([branches[i] for i in read])
        if not candidates:
            require_candidates(branches, "threads")
        answer = await reduce_or_vote(
            threads.reducer_of(read),
            candidates,
            threads.start,
            engine,
            voters=usable(branches),
            vote=Majority(),
        )
        return answer.after(branches, remark=_remark(branches))

    def _read(self, branches: Sequence[Branch]) -> list[int]:
        """The threads to make an answer of: those that ended, and what others had said where that is read."""
        finished = [i for i, branch in enumerate(branches) if branch.usable]
        if finished and not getattr(self.reducer, "reads_unfinished", False):
            return finished
        return [i for i, branch in enumerate(branches) if branch.usable or _had_begun(branch)]

    async def _threads(self, context: Context, engine: Engine) -> Threads:
        hints = STRATEGIES if self.hints == "strategies" else self.hints or ("",)
        hints = tuple(islice(cycle(hints), self.threads))
        if self.tuned != "no" and isinstance(self.method, ChainOfThought):
            tags = await self._tags(context, engine)
            if tags is not None:
                return await tagged_threads(tags, hints, self.method, self.reducer, context, engine)
        return await plain_threads(hints, self.method, self.reducer, context, engine)

    async def _tags(self, context: Context, engine: Engine) -> ThoughtTags | None:
        try:
            return await ThoughtTags.of(engine, self.threads, context)
        except UsageError:
            if self.tuned == "yes":
                raise
            return None


def _had_begun(branch: Branch) -> bool:
    """Whether a thread was cut that had said something."""
    return branch.status == "cancelled" and branch.answer is not None and branch.answer.text != ""


def _candidates(branches: Sequence[Branch]) -> tuple[Answer, ...]:
    """What there is to sum up; what is unfinished has no vote where something is finished."""
    finished = any(branch.usable for branch in branches)
    return tuple(
        replace(branch.answer, value=None) if finished and not branch.usable else branch.answer
        for branch in branches
        if branch.answer is not None
    )


def _remark(branches: Sequence[Branch]) -> str:
    unfinished = "no thread came to its end in time: the answer is made of what they had said"
    late = "" if any(branch.usable for branch in branches) else unfinished
    return "; ".join(filter(None, (late, remark_on_lost(branches, "threads"))))
