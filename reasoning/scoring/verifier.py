"""The generative verifier: how likely the model says that an answer is right (Zhang et al. 2024, GenRM).

question ─┬─> candidate 1, by its ids ─> "is this right?" ─> probability of Yes
          └─> candidate 2, by its ids ─> "is this right?" ─> probability of Yes
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import Context, Engine, Sampling, Segment, UsageError, converse

from ..answer import Answer, Branch
from ..branching import remark_on_lost, require_candidates, think_side_by_side
from .judging import ROOM, judge, remark_on_unread
from .scorer import Scores

_YES, _NO = "Yes", "No"
_REQUEST = "Check whether the answer above is correct: each step, and the final result above all."
_DEMAND = f"Is it correct? Say {_YES} or {_NO}, and nothing else."


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """The probability of a yes, in the model's own words, averaged over votes. Its least score is 0.

    It takes one call a vote, side by side, on a fork of the question, which all share in the KV cache. A candidate that
    is too long for the window is cut to its tail, where the result stands.

    Attributes:
        votes: How often each candidate is judged, at least 1. More help where votes differ: with thoughts
            (GenRM-CoT), or on an engine that gives no logprobs.
        thinking_tokens: The most that each vote thinks before it judges; 0 judges at once, in one call of a token.
        sampling: How to sample thoughts and verdicts; its limit is set here, and a seed is made the branch's own.
    """

    votes: int = 1
    thinking_tokens: int = 0
    sampling: Sampling = Sampling()

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
        question = await _asked(candidate, fork, engine)
        excess = self._excess(question, engine)
        if excess > 0:
            question = await _asked(candidate, fork, engine, without=excess)
        verdict = await judge(
            engine, question, _DEMAND, (_YES, _NO), self.sampling, self.thinking_tokens
        )
        answer = verdict.as_answer(str(verdict.probabilities[_YES]))
        return replace(answer, truncated=excess > 0)

    def _excess(self, question: Context, engine: Engine) -> int:
        """By how many tokens the question is too long for the window; nobody knows of texts."""
        window = engine.capabilities.window
        if window is None or not question.has_token_ids:
            return 0
        return len(question.token_ids) + self.thinking_tokens + ROOM - window


async def _asked(candidate: Answer, fork: Context, engine: Engine, *, without: int = 0) -> Context:
    """The question with the candidate as the model's turn, without so many tokens of its beginning."""
    opened = await converse(engine, [("assistant", "")], after=fork)
    said = Segment("assistant", candidate.text)
    if opened.has_token_ids:
        ids = candidate.token_ids
        if not ids:
            ids = (
                await engine.encode(candidate.text, role="assistant", after=opened)
            ).token_ids or ()
        # The ids are what the model reads; the text is for people, and may well be whole.
        said = Segment("assistant", candidate.text, ids[without:])
    return await converse(engine, [("user", _REQUEST)], after=opened.extend(said))


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
