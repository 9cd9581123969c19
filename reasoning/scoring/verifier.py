"""The generative verifier: how likely the model says that an answer is right (Zhang et al. 2024, GenRM).

question ─┬─> candidate 1, by its ids ─> "is this right?" ─> probability of Yes
          └─> candidate 2, by its ids ─> "is this right?" ─> probability of Yes
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from engines import Context, Engine, Sampling, UsageError, converse

from ..answer import Answer, Branch
from ..branching import remark_on_lost, require_candidates, think_side_by_side
from .judging import ROOM, judge, remark_on_unread
from .placing import placed, placed_alone
from .scorer import Scores

_YES, _NO = "Yes", "No"


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """The probability of a yes, in the model's own words, averaged over votes. Its least score is 0.

    It takes one call a vote, side by side, each on a fork that has the question and the candidate in the KV cache. A
    candidate that is too long for the window is cut to its tail, where the result stands.

    Attributes:
        votes: How often each candidate is judged, at least 1. More help where votes differ: with thoughts
            (GenRM-CoT), or on an engine that gives no logprobs.
        thinking_tokens: The most that each vote thinks before it judges; 0 judges at once, in one call of a token.
        sampling: How to sample thoughts and verdicts; its limit is set here, and a seed is made the branch's own.
    """

    votes: int = 1
    thinking_tokens: int = 0
    sampling: Sampling = Sampling()

    _request: ClassVar[str] = (
        "Check whether the answer above is correct: each step, and the final result above all."
    )
    _demand: ClassVar[str] = f"Is it correct? Say {_YES} or {_NO}, and nothing else."

    def __post_init__(self) -> None:
        """Refuses to judge without a vote, and to think of less than nothing."""
        if self.votes < 1:
            raise UsageError(f"a verifier with {self.votes} votes: at least 1 is needed")
        if self.thinking_tokens < 0:
            raise UsageError(f"thinking_tokens={self.thinking_tokens}: give 0 or more")

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Judges all candidates at the same time.

        Raises:
            NoCandidates: Every vote failed.
        """
        if not candidates:
            return Scores(values=())
        forks = [
            context.fork(f"verify-{i}-{vote}")
            for i in range(len(candidates))
            for vote in range(self.votes)
        ]
        judged = {fork.path: candidates[i // self.votes] for i, fork in enumerate(forks)}

        async def vote(fork: Context, engine: Engine) -> Answer:
            return await self._vote(judged[fork.path], fork, engine)

        branches = await think_side_by_side(forks, vote, engine)
        require_candidates(branches, "verdicts")
        spent = Answer(text="").after(branches)
        return Scores(
            values=tuple(
                _average(branches[start : start + self.votes])
                for start in range(0, len(branches), self.votes)
            ),
            usage=spent.usage,
            critical_path=spent.critical_path,
            remark="; ".join(filter(None, _remarks(branches))),
        )

    async def _vote(self, candidate: Answer, fork: Context, engine: Engine) -> Answer:
        question = await self._asked(await placed(candidate, fork, engine), engine)
        excess = self._excess(question, engine)
        if excess > 0:
            tail = await placed_alone(candidate, fork, engine, without=excess)
            question = await self._asked(tail, engine)
        verdict = await judge(
            engine, question, self._demand, (_YES, _NO), self.sampling, self.thinking_tokens
        )
        answer = verdict.as_answer(str(verdict.probabilities[_YES]))
        return replace(answer, truncated=excess > 0)

    async def _asked(self, candidate: Context, engine: Engine) -> Context:
        return await converse(engine, [("user", self._request)], after=candidate)

    def _excess(self, question: Context, engine: Engine) -> int:
        """By how many tokens the question is too long for the window; nobody knows of texts."""
        window = engine.capabilities.window
        if window is None or not question.has_token_ids:
            return 0
        return len(question.token_ids) + self.thinking_tokens + ROOM - window


def _average(votes: Sequence[Branch]) -> float:
    """The mean of the votes that were cast; 0 without any."""
    said = [vote.answer.value for vote in votes if vote.usable and vote.answer]
    cast = [float(value) for value in said if value is not None]
    return math.fsum(cast) / len(cast) if cast else 0.0


def _remarks(votes: Sequence[Branch]) -> list[str]:
    return [remark_on_lost(votes, "verdicts"), remark_on_unread(votes), _on_cut(votes)]


def _on_cut(votes: Sequence[Branch]) -> str:
    cut = sum(vote.status == "truncated" for vote in votes)
    return f"{cut} of {len(votes)} verdicts saw the end of an answer only" if cut else ""
