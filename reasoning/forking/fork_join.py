"""ForkJoin: the model itself says where its thought forks and joins (Multiverse, Yang et al. 2025; ThreadWeaver 2025).

                               ┌─> thread 1 ─┐
context ─> ... <Outlines> ... ─┼─> thread 2 ─┼─ merge, in the order of the outlines ─> ... next block, or the end
                               └─> thread 3 ─┘

The whole and each thread are sequences that are written alike, so that blocks stand inside threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from engines import (
    BudgetExhausted,
    CapabilityMissing,
    Context,
    ContextTooLong,
    Engine,
    Sampling,
    UsageError,
    converse,
)

from ..answer import Answer, Branch
from ..branching import remark_on_lost, think_side_by_side
from ..token_ids.stop_tags import StopTags
from ..waiting import Wait, wait_policy
from .allowance import Allowance
from .dialect import MULTIVERSE, Dialect
from .invitation import invitation
from .sequence import WrittenSequence
from .tag_grammar import Part, grammar

Cut = Literal["close", "finish"]
"""What follows a block of which a thread was cut."""

_UNLIMITED = 2**31
# Multiverse forks no closer than this to the end of its budget.
_LEAST_FOR_A_THREAD = 30


@dataclass(frozen=True, kw_only=True)
class ForkJoin:
    """Follows the forks and joins that a model writes.

    It needs token ids. What a model writes wrongly is mended, and the answer says so in its remark.

    Attributes:
        dialect: The tags. `MULTIVERSE` and `THREADWEAVER` are those of tuned models.
        sampling: How to sample each call; a seed is made the call's own. Its `max_tokens` limits the longest path.
        invited: Whether the model is told of the tags and, where the engine has grammars, held to them: for models
            that were not tuned to write them.
        instruction: What is added to the user's turn of a model that is not invited.
        max_tokens: The most tokens generated in all threads together; None for what the window holds.
        max_path_tokens: The most tokens along the longest path, instead of the sampling's `max_tokens`.
        max_paths: The most threads of a block; the first ones are kept.
        max_depth: How deep blocks may stand in each other; 0 forks none.
        max_rounds: The most blocks of one sequence. Blocks beyond these limits are written in one piece.
        cut: Whether, after a thread that did not close itself, the model goes on (`close`), or the answer ends with the
            block, as in the training of ThreadWeaver (`finish`).
        wait: How many threads of a block to wait for.
        deadline: The most seconds to wait for them; None waits as long as it takes.
        longest_first: Whether the longest thread is merged first instead of the first outline's: the engine computes
            all but the first anew.
    """

    dialect: Dialect = MULTIVERSE
    sampling: Sampling = Sampling()
    invited: bool = True
    instruction: str = ""
    max_tokens: int | None = None
    max_path_tokens: int | None = None
    max_paths: int = 20
    max_depth: int = 5
    max_rounds: int = 32
    cut: Cut = "close"
    wait: Wait = "last"
    deadline: float | None = None
    longest_first: bool = False

    def __post_init__(self) -> None:
        """Refuses limits that leave nothing, and words that mean nothing."""
        least = {
            "max_tokens": 1,
            "max_path_tokens": 1,
            "max_paths": 1,
            "max_depth": 0,
            "max_rounds": 0,
        }
        for name, minimum in least.items():
            limit = getattr(self, name)
            if limit is not None and limit < minimum:
                raise UsageError(f"fork and join with {name}={limit}: at least {minimum} is needed")
        if self.cut not in get_args(Cut):
            raise UsageError(
                f"fork and join with cut={self.cut!r}: give one of {', '.join(get_args(Cut))}"
            )
        wait_policy(self.wait, self.deadline)

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Writes the answer, and in it as many blocks as the model begins.

        Raises:
            CapabilityMissing: The engine works on text only.
        """
        if not engine.capabilities.token_ids:
            raise CapabilityMissing(
                f"{engine.model} works on text only and cannot continue the model's own turn: use vLLM, as a server "
                f"or with --engine local"
            )
        told = invitation(self.dialect, self.max_paths) if self.invited else self.instruction
        asked = await converse(engine, [("user", told)], after=context) if told else context
        start = await converse(engine, [("assistant", "")], after=asked)
        whole = WrittenSequence(
            start,
            dialect=self.dialect,
            tags=await StopTags.encoded(
                engine, start, (self.dialect.fork_tag, self.dialect.thread_end)
            ),
            allowance=self._allowance(start, engine),
        )
        return await self._write(whole, engine)

    def _allowance(self, start: Context, engine: Engine) -> Allowance:
        # All that is generated comes to stand in one sequence.
        window = engine.capabilities.window or _UNLIMITED
        room = max(1, window - len(start.token_ids))
        return Allowance(
            total=min(room, self.max_tokens or _UNLIMITED),
            path=self.max_path_tokens or self.sampling.max_tokens,
        )

    async def _write(self, sequence: WrittenSequence, engine: Engine) -> Answer:
        """Writes one sequence to its end: the whole, or a thread."""
        while not sequence.ended:
            if not sequence.allowance.most or sequence.calls > self.max_rounds:
                sequence.cut("no tokens or rounds were left to end it")
                break
            try:
                labels = await self._ask(sequence, engine)
            except (ContextTooLong, BudgetExhausted) as error:
                if sequence.is_empty:
                    raise
                sequence.cut(str(error), limited_by=_what_ran_out(error))
                break
            if labels:
                await self._fork(sequence, labels, engine)
        return await sequence.close(engine)

    async def _ask(self, sequence: WrittenSequence, engine: Engine) -> tuple[str, ...]:
        """Has the model go on; the labels of the outlines that it ended with."""
        may_fork = sequence.depth < self.max_depth and sequence.calls < self.max_rounds
        stops = [self.dialect.fork_tag] * may_fork + [self.dialect.thread_end] * sequence.is_thread
        place = sequence.stand(f"round-{sequence.calls}")
        sampling = self.sampling.for_branch(place.path).model_copy(
            update={"max_tokens": sequence.allowance.most, **self._constraint(sequence, engine)}
        )
        completion = await engine.generate(place, sequence.tags.added_to(sampling, stops))
        return await sequence.hear(engine, completion, stops)

    def _constraint(self, sequence: WrittenSequence, engine: Engine) -> dict[str, object]:
        """What holds a model to the tags that was not tuned to write them."""
        if not self.invited or "grammar" not in engine.capabilities.constraints:
            return {}
        part: Part | None = None
        if sequence.is_empty:
            part = "thread" if sequence.is_thread else "opening"
        elif sequence.stands_after_threads:
            part = "rest"
        return {"constraint": part and grammar(self.dialect, part, self.max_paths)}

    async def _fork(self, sequence: WrittenSequence, labels: Sequence[str], engine: Engine) -> None:
        """Writes the threads of a block at the same time, and merges them."""
        kept = labels[: self.max_paths]
        share = sequence.allowance.share(len(kept))
        if share.most < _LEAST_FOR_A_THREAD:
            return
        threads: dict[str, WrittenSequence] = {}

        async def think(fork: Context, engine: Engine) -> Answer:
            threads[fork.path] = sequence.begin_thread(fork, share)
            return await self._write(threads[fork.path], engine)

        forks = await self._forks(sequence, kept, engine)
        policy = wait_policy(self.wait, self.deadline)
        branches = await think_side_by_side(forks, think, engine, policy)
        unclosed = [b for b in branches if b.usable and threads[b.path].repaired]
        sequence.count(branches, _remark(branches, unclosed, len(labels)))
        written = [(k, b.answer) for k, b in zip(kept, branches, strict=True) if b.usable]
        answers = [(label, answer) for label, answer in written if answer is not None]
        if not answers:
            return
        if self.longest_first:
            answers.sort(key=lambda thread: -len(thread[1].token_ids))
        finished = bool(unclosed) and self.cut == "finish"
        await sequence.merge(engine, answers, go_on=not finished)
        if finished:
            sequence.cut("the answer ended with them")

    async def _forks(
        self, sequence: WrittenSequence, labels: Sequence[str], engine: Engine
    ) -> list[Context]:
        block = sequence.stand(f"block-{sequence.blocks + 1}")
        forks = []
        for number, label in enumerate(labels, start=1):
            header = self.dialect.thread_header(label)
            segment = await engine.encode(header, role="assistant", after=block)
            forks.append(block.fork(f"thread-{number}", segment))
        return forks


def _what_ran_out(error: ContextTooLong | BudgetExhausted) -> str | None:
    return error.what if isinstance(error, BudgetExhausted) else None


def _remark(branches: Sequence[Branch], unclosed: Sequence[Branch], outlines: int) -> str:
    """What a reader should know of the threads of a block."""
    remarks = []
    if outlines > len(branches):
        remarks.append(f"only the first {len(branches)} of {outlines} outlines were kept")
    if lost := remark_on_lost(branches, "threads"):
        remarks.append(lost)
    if unclosed:
        remarks.append(f"{len(unclosed)} of {len(branches)} threads did not close themselves")
    return "; ".join(remarks)
