"""How a branch takes one step: what ends it, and when the thought has come to its answer.

The model's turn goes on from step to step by its own ids. On a text-only engine, which cannot go on with it, a turn of
the user asks for the next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engines import Context, Engine, Sampling, UsageError, converse

from ..answer import Answer
from ..extraction import extract_answer

_NEXT = "Go on with the next step. End with the final answer in \\boxed{}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken.

    Attributes:
        said: What the step says and what it cost; its value is the final answer, if the step has one.
        ended: Whether the thought came to its end with it.
    """

    said: Answer
    ended: bool


class Stepper(Protocol):
    """Takes steps of thought."""

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """Takes the next step.

        Args:
            context: Ends in the model's turn, which is empty before the first step, and has a name of its own.
            engine: Thinks.
            thought: What was said so far in that turn.
            room: The most tokens that are left for it, at least 1.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ModelSteps:
    """The model writes until a stop text, or for so many tokens; a final answer or its own end ends the thought.

    Attributes:
        sampling: How to sample; its limit is set here, a seed is made the step's own. A constraint holds for each step.
        ends: What stands between steps (a blank line in search-and-learn and ETS); none cuts by tokens alone.
        step_tokens: The most tokens of a step.
    """

    sampling: Sampling = Sampling(temperature=0.8)
    ends: tuple[str, ...] = ("\n\n",)
    step_tokens: int = 256

    def __post_init__(self) -> None:
        """Refuses steps of nothing."""
        if self.step_tokens < 1:
            raise UsageError(f"steps of {self.step_tokens} tokens: at least 1 is needed")
        if "" in self.ends:
            raise UsageError("a step that ends at an empty text is none: give ends without it")

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """One call."""
        sampling = self.sampling.for_branch(context.path).model_copy(
            update={
                "max_tokens": min(self.step_tokens, room),
                "stop": (*self.sampling.stop, *self.ends),
            }
        )
        if thought and not context.has_token_ids:
            context = await converse(engine, [("user", _NEXT), ("assistant", "")], after=context)
        completion = await engine.generate(context, sampling)
        said = Answer.from_completion(completion)
        value = extract_answer(said.text)
        own_end = not completion.truncated and completion.stop_reason not in self.ends
        return Step(said=said, ended=own_end or value is not None or said.limited_by is not None)
