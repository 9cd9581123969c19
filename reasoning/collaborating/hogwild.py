"""Hogwild!: workers that write at the same time over one attention cache (Rodionov et al. 2025, section 3).

                        ┌─ Alice   step ──────> step ─> ... boxed ─> the answer
context ─> invitation ──┼─ Bob        step ─> step ───> ...
                        └─ Carol   step ───────────> ...        or else closing ─> the answer

All of them are one call of an engine that lets each see what the others write while they write it. The answer's text
is its transcript; the answer's branches are the workers, each with what it wrote itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from engines import Context, ContextTooLong, Engine, Status, Usage
from engines.engine import require_capabilities

from ..answer import Answer, Branch
from ..branching import counted
from ..extraction import extract_answer
from .team import (
    Team,
    conclusion,
    limit_of_window,
    reason_of_others,
    remark_on_cut_steps,
    remark_on_weakness,
)
from .transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class Hogwild(Team):
    """Workers over one cache, until one of them boxes the answer; where none does, it is asked for at the end.

    It takes an engine that lets workers share its cache.

    Attributes:
        answers_in_one_call: That its answer is the text of its only call, and can be read while it comes.
    """

    answers_in_one_call: ClassVar[bool] = True

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Lets all of them write.

        Raises:
            CapabilityMissing: Workers cannot share this engine's cache.
            ContextTooLong: The window has no room for a first token of each of them.
        """
        team = self.collaboration
        asked = {"collaboration": team, "max_tokens": self._tokens + self.answer_tokens}
        sampling = self.sampling.model_copy(update=asked)
        require_capabilities(engine, sampling)
        prompt = await self.invited(context, engine)
        try:
            completion = await engine.generate(prompt, sampling.for_branch(prompt.path))
        except ContextTooLong as error:
            raise ContextTooLong(error.tokens, error.window, workers=self.workers) from error
        transcript = await Transcript.of(completion, team, engine)
        limit = self._limit(transcript, engine.capabilities.window)
        branches = [
            self._branch(transcript, number, prompt.fork(name).path, limit)
            for number, name in enumerate(team.workers)
        ]
        remarks = [branch.answer.remark for branch in branches if branch.answer is not None]
        weak = remark_on_weakness(remarks, self.step_tokens)
        return self._rest(transcript, branches, limit).after(branches, remark=weak)

    @property
    def _tokens(self) -> int:
        """What all workers together may generate."""
        return self.workers * self.sampling.max_tokens

    def _branch(self, transcript: Transcript, number: int, path: str, limit: str) -> Branch:
        """A worker. The one that answered stands where the answer does; the others were stopped by that."""
        completion, steps = transcript.completion, transcript.of_worker(number)
        answered = transcript.answered
        text = "".join(step.text for step in steps)
        ids = tuple(id for step in steps for id in step.token_ids)
        generated = sum(step.generated for step in steps)
        cut = sum(step.generated >= self.step_tokens for step in steps)
        answer = Answer(
            text=text,
            value=extract_answer(text),
            token_ids=ids,
            context=completion.context if answered in steps else None,
            usage=Usage(prompt_tokens=len(ids) - generated, generated_tokens=generated),
            critical_path=generated,
            truncated=completion.truncated,
            limited_by=completion.limited_by,
            limit=limit,
            remark=remark_on_cut_steps(cut, len(steps), self.step_tokens),
        )
        status: Status = "truncated" if answer.truncated else "ok"
        reason = ""
        if answered is not None and answered.worker not in (None, number):
            status = "cancelled"
            reason = reason_of_others(transcript.team.workers[answered.worker])
        return Branch(path=path, status=status, answer=answer, reason=reason)

    def _rest(self, transcript: Transcript, branches: Sequence[Branch], limit: str) -> Answer:
        """The answer with what no worker's steps have taken: the prompt, and the closing."""
        completion, closing = transcript.completion, transcript.closing
        told = sum((b.answer.usage for b in branches if b.answer is not None), Usage())
        usage = completion.usage.model_copy(
            update={
                "prompt_tokens": completion.usage.prompt_tokens - told.prompt_tokens,
                "generated_tokens": completion.usage.generated_tokens - told.generated_tokens,
            }
        )
        closed = 0 if closing is None else closing.generated
        worked = completion.usage.generated_tokens - closed
        # In a round each of them writes a token. What is in nobody's steps was cut in the midst of them.
        rounds = -(-worked // self.workers)
        waited_for = [b.answer for b in branches if b.answer and b.status != "cancelled"]
        longest = max(one.critical_path for one in waited_for)
        boxed, asked = map(transcript.final, (transcript.answered, closing))
        value, remark = conclusion(boxed, asked, transcript.spoken)
        if transcript.unsaid:
            lost = (
                f"{counted(transcript.unsaid, 'tokens')} of unfinished steps are in nobody's text"
            )
            remark = "; ".join(filter(None, (remark, lost)))
        return Answer(
            text=completion.text,
            value=value,
            token_ids=completion.token_ids,
            context=completion.context,
            usage=usage,
            critical_path=max(0, rounds - longest) + closed,
            truncated=completion.truncated,
            limited_by=completion.limited_by,
            limit=limit,
            remark=remark,
        )

    def _limit(self, transcript: Transcript, window: int | None) -> str:
        """That the window ended the work, where it was not the limit on tokens."""
        completion, closing = transcript.completion, transcript.closing
        worked = completion.usage.generated_tokens - (closing.generated if closing else 0)
        # A last round of all of them may not fit into the limit.
        if not completion.truncated or window is None or worked > self._tokens - self.workers:
            return ""
        # An engine around this one may have a lower limit.
        near = 2 * len(completion.context.token_ids) > window
        return limit_of_window(window) if near else ""
