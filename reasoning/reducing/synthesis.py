"""An answer that the model writes after reading all.

    given          question + request [1. thread, 2. thread, 3. thread] ─> answer
    longest first  question + thread 2 ─> its own context + request [1. thread, 3. thread] ─> answer

In the second way the longest thread is not computed anew: its KV cache is gone on from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from engines import Context, Engine, Sampling, UsageError, converse

from ..answer import Answer
from .excerpts import Excerpt, excerpt_of, stitched
from .summarising import summarise

Order = Literal["given", "longest first"]

NAME = "synthesise"


@dataclass(frozen=True, kw_only=True)
class Synthesise:
    """The model reads the candidates and writes the answer.

    What the model generated is read by its ids. What does not fit into the window is read from as late on as all of
    it fits, and the answer's remark says so; results of tools and other computed values are never cut.

    Attributes:
        sampling: How to sample; a seed is made the branch's own.
        tail_tokens: The most that is read of each candidate, its last tokens; None reads all.
        order: `given` lists them in their order; `longest first` goes on from the longest, if it went on from the
            question, and lists the others. Their numbers stay. What is gone on from is read whole, and costs no
            prefill; it also is the model's own turn, which it may trust more.
        answers_in_one_call: That its answer is the text of its only call, and can be read while it comes.
        reads_unfinished: That it makes use of candidates that were cut before they came to an answer.
    """

    answers_in_one_call: ClassVar[bool] = True
    reads_unfinished: ClassVar[bool] = True

    sampling: Sampling = Sampling()
    tail_tokens: int | None = None
    order: Order = "given"

    def __post_init__(self) -> None:
        """Refuses to read nothing."""
        if self.tail_tokens is not None and self.tail_tokens < 1:
            raise UsageError(f"the last {self.tail_tokens} tokens of each: at least 1 is needed")

    async def reduce(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> Answer:
        """Asks once, on a fork of the question or of the longest candidate.

        Raises:
            ContextTooLong: The question does not fit, or what must not be cut.
        """
        first = self._first(candidates, context, engine)
        start = context if first is None else candidates[first].context or context
        listed = [number for number in range(len(candidates)) if number != first]
        excerpts = [await excerpt_of(candidates[number], engine) for number in listed]

        async def lay_out(shown: Sequence[Excerpt]) -> Context:
            pieces = _request(listed, shown, first)
            request = await stitched(engine, pieces, role="user", after=start, name=NAME)
            return await converse(engine, [("assistant", "")], after=request)

        return await summarise(excerpts, lay_out, engine, self.sampling, self.tail_tokens)

    def _first(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> int | None:
        """The candidate to go on from: the longest one, if it went on from the question and leaves half the window."""
        window = engine.capabilities.window
        if self.order == "given" or window is None or len(candidates) == 1:
            return None
        longest = max(range(len(candidates)), key=lambda i: len(candidates[i].token_ids))
        end = candidates[longest].context
        if end is None or not end.has_token_ids or context not in end.lineage:
            return None
        return longest if len(end.token_ids) <= window // 2 else None


def _request(
    listed: Sequence[int], shown: Sequence[Excerpt], first: int | None
) -> list[str | Excerpt]:
    opening = "\n\nThese findings are at hand:\n"
    if first is not None:
        opening = f"That was finding {first + 1}. These are at hand beside it:\n"
    pieces: list[str | Excerpt] = [opening]
    for number, excerpt in zip(listed, shown, strict=True):
        pieces += [f"{number + 1}. {'... ' if excerpt.cut else ''}", excerpt, "\n"]
    which = "them" if first is None else "all of them"
    return [
        *pieces,
        f"\nUse {which} to answer the question. End with the final answer in \\boxed{{}}.",
    ]
