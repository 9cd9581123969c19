"""Prompt ensemble: one question in several forms side by side, and a vote that weighs them.

What ParScale (Chen et al. 2025, Parallel Scaling Law, section 2) learns, its transformations of the input and the
weights of their outputs, is here chosen by hand, for any model and without training.

                       ┌─> plain ──────────────────> prompt-0 ─> method ─┐
before the question ───┼─> the model paraphrases ──> prompt-1 ─> method ─┼─> weighted vote
                       └─> persona, order, ... ────> prompt-n ─> method ─┘
"""

from __future__ import annotations

import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from engines import Context, Engine, Sampling, UsageError, converse

from .answer import Answer, Branch, usable
from .branching import (
    remark_on_lost,
    remark_on_unanswered,
    require_candidates,
    require_width,
    think_side_by_side,
)
from .chain_of_thought import ChainOfThought
from .method import Method
from .reducing.majority import Majority
from .reducing.reducer import Reducer
from .reducing.weighted import heaviest
from .rewording.checking import problem_with
from .rewording.rewordings import REWORDINGS, Chosen, RewordingName, choose
from .scoring.reading_logprobs import with_logprobs_for
from .voting.tally import votes_of

_REWORD = "reword"


@dataclass(frozen=True, kw_only=True)
class PromptEnsemble:
    """Says the question in several ways, solves each, and lets the answers vote.

    Where a rewording fails or is of no use (empty, cut, far too long, with other numbers), the question takes its place
    as it is.

    Attributes:
        prompts: How many, 1 to 10,000.
        transforms: The ways, taken in turn, each time in another variant: `plain` (as it is), `paraphrase` (the model
            rewrites it), `persona` (somebody is asked it), `order` (its conditions in another order), `language` (the
            model translates it, and thinks in that language).
        weights: What the votes of each transform weigh, one for each; empty for votes that are all alike.
        method: How each prompt is thought about.
        reducer: How the answers become one, where there are no weights.
        sampling: How to sample rewordings; a seed is made the branch's own.
    """

    prompts: int = 5
    transforms: tuple[RewordingName, ...] = typing.get_args(RewordingName)
    weights: tuple[float, ...] = ()
    method: Method = ChainOfThought()
    reducer: Reducer = Majority()
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        """Refuses what gives no prompts, or no vote."""
        require_width(self.prompts, "an ensemble of {} prompts")
        names = ", ".join(self.transforms)
        if not self.transforms or not set(self.transforms) <= set(REWORDINGS):
            raise UsageError(f"transforms ({names}): choose from {', '.join(REWORDINGS)}")
        if len(set(self.transforms)) < len(self.transforms):
            raise UsageError(f"transforms ({names}): each is there once, and taken in turn")
        if not self.weights:
            return
        if len(self.weights) != len(self.transforms):
            raise UsageError(f"{len(self.weights)} weights for {len(self.transforms)} transforms")
        if not all(0 <= weight < math.inf for weight in self.weights) or not any(self.weights):
            raise UsageError(f"weights {self.weights}: 0 or more is needed, and more than 0 of one")
        if self.reducer != Majority():
            raise UsageError("weights are for a vote: give weights or another reducer, not both")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Thinks about all prompts at the same time.

        Raises:
            NoCandidates: Every prompt failed.
        """
        chosen = choose(self.transforms, context.turns[-1].text, self.prompts)
        forks = [context.fork(f"prompt-{i}") for i in range(self.prompts)]
        chosen_at = {fork.path: choice for fork, choice in zip(forks, chosen, strict=True)}

        async def think(fork: Context, engine: Engine) -> Answer:
            return await self._think(chosen_at[fork.path], fork, engine)

        telling = with_logprobs_for(self.reducer, engine)
        branches = await think_side_by_side(forks, think, telling)
        candidates = require_candidates(branches, "prompts")
        if self.weights:
            answer = await self._vote(chosen, branches)
        else:
            answer = await self.reducer.reduce(candidates, context, engine)
        remarks = (
            remark_on_lost(branches, "prompts"),
            _remark_on_plain(branches),
            remark_on_unanswered(candidates, "prompts"),
        )
        return answer.after(branches, remark="; ".join(filter(None, remarks)))

    async def _think(self, chosen: Chosen, fork: Context, engine: Engine) -> Answer:
        """Rewords the question, and thinks about what came of it."""
        rewording = REWORDINGS[chosen.name]
        question = fork.turns[-1].text
        if rewording.request is None:
            prompt = rewording.prompt(question, chosen.variant)
            return await self.method.solve(await _with_turn(prompt, fork, engine), engine)
        written = await self._write(rewording.request(chosen.variant), fork, engine)
        for rewritten in usable([written]):
            prompt = rewording.prompt(rewritten.text, chosen.variant)
            fork = await _with_turn(prompt, fork, engine)
        answer = await self.method.solve(fork, engine)
        return answer.after([written])

    async def _write(self, request: str, fork: Context, engine: Engine) -> Branch:
        """The question as the model writes it: a branch that failed where it is of no use."""

        async def write(fork: Context, engine: Engine) -> Answer:
            prompt = await converse(engine, [("user", request), ("assistant", "")], after=fork)
            completion = await engine.generate(prompt, self.sampling.for_branch(prompt.path))
            said = Answer.from_completion(completion)
            # A model that thinks aloud ends its thought so.
            return replace(said, text=said.text.rpartition("</think>")[2].strip())

        (branch,) = await think_side_by_side([fork.fork(_REWORD)], write, engine)
        if not branch.usable or branch.answer is None:
            return branch
        question = fork.turns[-1].text
        problem = (
            "it was cut" if branch.answer.truncated else problem_with(branch.answer.text, question)
        )
        return branch if problem is None else replace(branch, status="failed", reason=problem)

    async def _vote(self, chosen: Sequence[Chosen], branches: Sequence[Branch]) -> Answer:
        """The answer with the most weight behind it; those without a final answer vote only if none has one."""
        weights = dict(zip(self.transforms, map(Fraction, self.weights), strict=True))
        voters = [
            (answer, weights.get(choice.name, Fraction(1)))
            for choice, branch in zip(chosen, branches, strict=True)
            for answer in usable([branch])
        ]
        voters = [voter for voter in voters if voter[0].value is not None] or voters
        votes = await votes_of(answer.final for answer, _ in voters)
        winner = heaviest(votes, [weight for _, weight in voters])
        return voters[votes.index(winner)][0].costless


async def _with_turn(text: str, context: Context, engine: Engine) -> Context:
    """The same path with another text as all of the user's turn; what is before it stays the shared prefix."""
    if text == context.turns[-1].text:
        return context
    lineage = context.lineage
    start = len(lineage)
    while start and lineage[start - 1].segment.role == "user":
        start -= 1
    before = lineage[start - 1] if start else None
    name = "/".join(node.name for node in lineage[start:] if node.name is not None)
    return await converse(engine, [("user", text)], after=before, name=name)


def _remark_on_plain(branches: Sequence[Branch]) -> str:
    """How many prompts are the question as it is because a rewording was of no use, and the first cause."""
    reasons = [
        written.reason
        for branch in branches
        if branch.answer is not None
        for written in branch.answer.branches
        if written.path == f"{branch.path}/{_REWORD}" and written.status == "failed"
    ]
    if not reasons:
        return ""
    return (
        f"{len(reasons)} of {len(branches)} prompts are the question as it was, since the rewording was of no use, "
        f"the first: {reasons[0]}"
    )
