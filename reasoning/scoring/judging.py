"""Asking the model for a verdict: one of a few words, after some thoughts on it if there is room for them.

question ─> thoughts, if asked for ─> "which?" ─> one word under a constraint, and how likely each was

It does not know what the words mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines import Context, Engine, Sampling, Usage, converse, score_choice

from ..answer import Answer, Branch

ROOM = 192
"""Tokens for the word and for what asks for it, also where every character is one; thoughts come on top."""

_THINK = "\n\nGive your reasons first, briefly, and no verdict yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the model found.

    Attributes:
        probabilities: How likely each word was; they add up to 1.
        told: Whether the model said any of the words; without constraints it may say others.
        usage: What it took; all of it was generated one after another.
    """

    probabilities: Mapping[str, float]
    told: bool
    usage: Usage

    def as_answer(self, value: str) -> Answer:
        """The verdict as a branch's answer, which says `value`, or nothing where the model told none."""
        word = max(self.probabilities, key=lambda word: self.probabilities[word])
        return Answer(
            text=word if self.told else "",
            value=value if self.told else None,
            usage=self.usage,
            critical_path=self.usage.generated_tokens,
        )


async def judge(
    engine: Engine,
    question: Context,
    demand: str,
    words: Sequence[str],
    sampling: Sampling,
    thinking_tokens: int = 0,
) -> Verdict:
    """Has the model choose one of the words.

    Args:
        engine: Judges.
        question: All that there is to be judged; it ends in the user's turn and has a name of its own.
        demand: A sentence that asks for one of the words.
        words: None may begin another.
        sampling: How to sample; a seed is made the branch's own.
        thinking_tokens: The most that the model thinks before it chooses; 0 chooses at once.

    Raises:
        EngineError: As the engine does.
    """
    sampling = sampling.for_branch(question.path)
    usage = Usage()
    if thinking_tokens:
        prompt = await converse(engine, [("user", _THINK), ("assistant", "")], after=question)
        room = sampling.model_copy(update={"max_tokens": thinking_tokens})
        thoughts = await engine.generate(prompt, room)
        question, usage = thoughts.context, thoughts.usage
    else:
        demand = f"\n\n{demand}"
    prompt = await converse(engine, [("user", demand), ("assistant", "")], after=question)
    choosing = await score_choice(engine, prompt, words, sampling)
    return Verdict(
        probabilities=choosing.probabilities,
        told=choosing.told,
        usage=usage + choosing.completion.usage,
    )


def remark_on_unread(branches: Sequence[Branch]) -> str:
    """How many verdicts were none of the words; empty if all were one."""
    unread = sum(
        branch.answer.value is None for branch in branches if branch.usable and branch.answer
    )
    return f"{unread} of {len(branches)} verdicts could not be read" if unread else ""
