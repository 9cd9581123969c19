"""What a method gives back, with the account of how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heapreplace

from engines import Completion, Context, Status, Usage

from .extraction import extract_answer
from .voting.confidence import WINDOW, Confidence, confidence_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of a thread of thought, or of many. Printed, it leaves out ids, context and branches: see `draw_threads`.

    Attributes:
        text: All that the thread said.
        value: The final answer in it, such as `70`; None if none can be told apart.
        words: The text as a person reads it, where it holds tags and threads; None where that is the text itself.
        token_ids: The ids of `text`, those of a stop text included, to be stitched into another context; empty where
            they are not known, or it was computed.
        context: Where the thread stands, so that another can go on from there; None for a computed value, and for a
            thread that was cut while it spoke.
        usage: What it took: all calls, those of branches that lost or failed included.
        critical_path: Tokens generated one after another, along the longest chain of calls that were waited for.
        truncated: Whether a limit cut it before it came to its end.
        limited_by: What of a budget (`tokens`, `seconds`) cut it; None where none did.
        limit: What cut it, in words, where that was neither a budget nor its token limit; else empty.
        confidence: How sure the model was, where it was sampled with logprobs and the engine tells them; else None.
        remark: What a reader should know of how it came about, such as samples that were lost; empty if nothing.
        branches: The threads that it came from, in their order, with those that were lost: a tree, since each has an
            answer with branches of its own.
    """

    text: str
    value: str | None = None
    words: str | None = None
    token_ids: tuple[int, ...] = field(default=(), repr=False)
    context: Context | None = field(default=None, repr=False)
    usage: Usage = Usage()
    critical_path: int = 0
    truncated: bool = False
    limited_by: str | None = None
    limit: str = ""
    confidence: Confidence | None = None
    remark: str = ""
    branches: tuple[Branch, ...] = field(default=(), repr=False)

    @property
    def final(self) -> str:
        """The final answer, or all that a person reads of the text where none can be told apart."""
        if self.value is not None:
            return self.value
        return (self.text if self.words is None else self.words).strip()

    @property
    def cut_by(self) -> str:
        """What cut it, in words; empty if nothing did."""
        if not self.truncated:
            return ""
        if self.limited_by is None:
            return self.limit or "it reached its token limit"
        return f"the budget's {self.limited_by} cut it"

    @property
    def candidates(self) -> tuple[Answer, ...]:
        """The answers of the branches that came to one, in their order."""
        return usable(self.branches)

    @property
    def parallel_ratio(self) -> float:
        """Tokens generated for each one on the critical path: 1 is one thread, 8 are eight of equal length."""
        return self.usage.generated_tokens / self.critical_path if self.critical_path else 1.0

    @classmethod
    def from_completion(cls, completion: Completion, *, window: int = WINDOW) -> Answer:
        """The answer of a thread that was one completion; its confidence is told by windows of so many tokens."""
        return cls(
            text=completion.text,
            value=extract_answer(completion.text),
            token_ids=completion.token_ids,
            context=completion.context,
            usage=completion.usage,
            critical_path=completion.usage.generated_tokens,
            truncated=completion.truncated,
            limited_by=completion.limited_by,
            confidence=confidence_of(completion.logprobs, window=window),
        )

    def after(
        self, branches: Sequence[Branch], *, remark: str = "", in_flight: int | None = None
    ) -> Answer:
        """The same answer as what branches came to, with what they took added to what it took itself.

        Args:
            branches: In the order in which they began.
            remark: What a reader should know of them.
            in_flight: How many of them thought at once; None is all.
        """
        spent = [branch.answer for branch in branches if branch.answer is not None]
        awaited = [b.critical_path for b in branches if b.status != "cancelled" or b.timed_out]
        longest = _longest_chain(awaited or [b.critical_path for b in branches], in_flight)
        return replace(
            self,
            usage=sum((answer.usage for answer in spent), self.usage),
            critical_path=self.critical_path + longest,
            remark="; ".join(filter(None, (self.remark, remark))),
            branches=(*self.branches, *branches),
        )

    def then(self, said: Answer) -> Answer:
        """The thread with what it said next: that is what it came to, and how sure it was, where this is known."""
        return Answer(
            text=self.text + said.text,
            value=said.value,
            token_ids=(*self.token_ids, *said.token_ids),
            context=said.context,
            usage=self.usage + said.usage,
            critical_path=self.critical_path + said.critical_path,
            truncated=said.truncated,
            limited_by=said.limited_by,
            confidence=said.confidence or self.confidence,
        )

    @property
    def costless(self) -> Answer:
        """The same answer as the choice of a reducer, which took nothing to make."""
        return replace(self, usage=Usage(), critical_path=0, branches=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One of the threads that an answer came from.

    Attributes:
        path: The path of the context that it started from.
        status: What became of it.
        answer: What it came to. Of one that failed or was cut, what it had said by then and what that cost; None if
            nothing is known of it.
        reason: Why it is not ok, for a person; empty if it is.
        score: How good it was found, higher is better; None where nothing scored it.
        timed_out: Whether it was waited for until it was cut, since the time was up; others are cut where there is
            enough without them.
    """

    path: str
    status: Status
    answer: Answer | None = None
    reason: str = ""
    score: float | None = None
    timed_out: bool = False

    @property
    def usable(self) -> bool:
        """Whether there is an answer to go on with."""
        return self.status in ("ok", "truncated") and self.answer is not None

    @property
    def critical_path(self) -> int:
        """Tokens that it generated one after another."""
        return self.answer.critical_path if self.answer is not None else 0


def _longest_chain(lengths: Sequence[int], in_flight: int | None) -> int:
    """The end of the last of these threads, each of which begins as soon as fewer than so many are at work."""
    ends = [0] * max(1, min(in_flight or len(lengths), len(lengths)))
    for length in lengths:
        heapreplace(ends, ends[0] + length)
    return max(ends)


def usable(branches: Sequence[Branch]) -> tuple[Answer, ...]:
    """The answers of the branches that came to one, in their order."""
    return tuple(b.answer for b in branches if b.usable and b.answer is not None)
