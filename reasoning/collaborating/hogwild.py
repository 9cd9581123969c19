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

from engines import Context, Engine, Usage
from engines.engine import require_capabilities

from ..answer import Answer, Branch
from ..branching import counted
from ..extraction import extract_answer
from .team import Team
from .transcript import Said, Transcript


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
        """
        team = self.collaboration
        asked = {"collaboration": team, "max_tokens": self._tokens + self.answer_tokens}
        sampling = self.sampling.model_copy(update=asked)
        require_capabilities(engine, sampling)
        prompt = await self.invited(context, engine)
        completion = await engine.generate(prompt, sampling.for_branch(prompt.path))
        transcript = await Transcript.of(completion, team, engine)
        limit = self._limit(transcript, engine.capabilities.window)
        branches = [
            self._branch(transcript, number, prompt.fork(name).path, limit)
            for number, name in enumerate(team.workers)
        ]
        return self._rest(transcript, branches, limit).after(branches, remark=_remark(transcript))

    @property
    def _tokens(self) -> int:
        """What all workers together may generate."""
        return self.workers * self.sampling.max_tokens

    def _branch(self, transcript: Transcript, number: int, path: str, limit: str) -> Branch:
        """A worker. The one that answered stands where the answer does."""
        completion, steps = transcript.completion, transcript.of_worker(number)
        text = "".join(step.text for step in steps)
        ids = tuple(id for step in steps for id in step.token_ids)
        generated = sum(step.generated for step in steps)
        answer = Answer(
            text=text,
            value=extract_answer(text),
            token_ids=ids,
            context=completion.context if transcript.answered in steps else None,
            usage=Usage(prompt_tokens=len(ids) - generated, generated_tokens=generated),
            critical_path=generated,
            truncated=completion.truncated,
            limited_by=completion.limited_by,
            limit=limit,
            remark=_remark_on_cut(steps, self.step_tokens),
        )
        return Branch(path=path, status="truncated" if answer.truncated else "ok", answer=answer)

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
        # What is in no step was written by all of them, side by side.
        unsaid = -(-transcript.unsaid // self.workers)
        return Answer(
            text=completion.text,
            value=transcript.value,
            token_ids=completion.token_ids,
            context=completion.context,
            usage=usage,
            critical_path=unsaid + (0 if closing is None else closing.generated),
            truncated=completion.truncated,
            limited_by=completion.limited_by,
            limit=limit,
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
        return f"the window of {window:,} tokens ended it" if near else ""


def _remark(transcript: Transcript) -> str:
    remarks = []
    if transcript.value is None:
        remarks.append("no worker came to an answer")
    elif transcript.closing is not None:
        remarks.append("no worker boxed an answer: it was asked for at the end")
    step_tokens = transcript.team.step_tokens
    workers = range(len(transcript.team.workers))
    if all(_remark_on_cut(transcript.of_worker(number), step_tokens) for number in workers):
        remarks.append(
            f"no worker ended a step, all were cut at {counted(step_tokens, 'tokens')}: a model that only repeats "
            f"itself is too weak for this, another one may need more step_tokens"
        )
    return "; ".join(remarks)


def _remark_on_cut(steps: Sequence[Said], most: int) -> str:
    """That a worker ended no step by itself; its last one may be unfinished."""
    cut = sum(step.generated >= most for step in steps)
    if not cut or cut < len(steps) - 1:
        return ""
    return f"it ended no step by itself: {counted(cut, 'steps')} of it were cut at {most} tokens"
