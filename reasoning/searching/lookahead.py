"""Lookahead: a thought is as good as what it leads to (Snell et al. 2024, Scaling LLM Test-Time Compute, section 5.2).

thought ─┬─> step ─> step, greedily, thrown away ─> its score is the thought's
         └─> step ─> step, greedily, thrown away ─> its score is the thought's

It is a scorer around a scorer, for any search: beam search with it is the paper's lookahead search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines import Context, Engine, Sampling, UsageError
from engines.wrappers.resampling import ResamplingEngine

from ..answer import Answer
from ..branching import remark_on_lost, think_side_by_side
from ..scoring.placing import placed
from ..scoring.reading_logprobs import with_logprobs_for
from ..scoring.scorer import Scorer, Scores, require_ready, scores_of
from ..scoring.step_verifier import StepVerifier
from .stepping import CheckedStepper, ModelSteps, Stepper


@dataclass(frozen=True, kw_only=True)
class Lookahead:
    """Scores what candidates come to if they go on for some steps, each step the likeliest.

    What has come to its end is scored as it is, and so is what cannot go on. What counts is where a rollout ends: its
    confidence is that of its last step, as a search has it of every thought. What is rolled out shares the candidate's
    KV cache, counts in the usage, and is no part of the answer.

    Attributes:
        scorer: Scores what was rolled out.
        stepper: Takes the steps, at temperature 0 whatever its own.
        steps: The most steps of a rollout, at least 1.
        max_tokens: The most tokens of a rollout.
    """

    scorer: Scorer = StepVerifier()
    stepper: Stepper = ModelSteps()
    steps: int = 1
    max_tokens: int = 512

    def __post_init__(self) -> None:
        """Refuses to look nowhere, and a scorer that is not ready."""
        for name in ("steps", "max_tokens"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"lookahead with {name}={getattr(self, name)}: at least 1 is needed"
                )
        require_ready(self.scorer)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Rolls all candidates out side by side, and has them scored in one batch.

        Raises:
            NoCandidates: As the scorer does.
        """
        going = [number for number, said in enumerate(candidates) if _is_open(said)]
        forks = [
            await placed(candidates[number], context.fork(f"ahead-{number}"), engine)
            for number in going
        ]
        thoughts = {
            fork.path: candidates[number].text for fork, number in zip(forks, going, strict=True)
        }

        async def roll_out(fork: Context, engine: Engine) -> Answer:
            return await self._roll_out(thoughts[fork.path], fork, engine)

        greedy = with_logprobs_for(self.scorer, _Greedy(engine))
        branches = await think_side_by_side(forks, roll_out, greedy)
        rolled = list(candidates)
        for number, branch in zip(going, branches, strict=True):
            rolled[number] = _further(candidates[number], branch.answer)
        scores = await scores_of(self.scorer, rolled, context.fork("ahead"), engine)
        spent = Answer(text="").after(branches)
        return Scores(
            values=scores.values,
            usage=spent.usage + scores.usage,
            critical_path=spent.critical_path + scores.critical_path,
            remark="; ".join(filter(None, (remark_on_lost(branches, "rollouts"), scores.remark))),
        )

    async def _roll_out(self, thought: str, fork: Context, engine: Engine) -> Answer:
        """What comes after the thought."""
        stepper = CheckedStepper(self.stepper)
        said = Answer(text="", context=fork)
        for number in range(self.steps):
            room = self.max_tokens - said.usage.generated_tokens
            if said.context is None or room < 1:
                break
            place = said.context.fork(f"step-{number}")
            step = await stepper.step(place, engine, thought=thought + said.text, room=room)
            said = said.then(step.said)
            if step.ended:
                break
        return said


class _Greedy(ResamplingEngine):
    """An engine that always takes the likeliest token."""

    def resampled(self, sampling: Sampling) -> Sampling:
        return sampling.model_copy(update={"temperature": 0.0})


def _further(candidate: Answer, said: Answer | None) -> Answer:
    """The candidate with what was rolled out, of one that failed what there is of it."""
    return candidate.then(said) if said is not None and said.text else candidate


def _is_open(candidate: Answer) -> bool:
    """Whether a candidate may go on. One that the model ended without an answer may: it ends it again, at once."""
    return candidate.value is None and candidate.limited_by is None
