r"""How a thought takes one step: what ends it, and when the thought has come to its answer.

The model's turn goes on from step to step by its own ids, the text that ended a step included:

    ids      ... | "so" | ".\n\n" |          the next step goes on here
    ids      ... | "so" | "." | "\n\nThe" |  "\n\n" is encoded instead, since the step ends within a token

On a text-only engine, which cannot go on with it, a turn of the user asks for the next step.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Protocol

from engines import Completion, Context, Engine, Sampling, Segment, UsageError, converse

from ..answer import Answer
from ..extraction import ends_in_answer, extract_answer, extract_boxes
from ..token_ids.span import Span
from ..token_ids.stitching import stitched
from ..token_ids.stop_tags import StopTags

_NEXT = "Go on with the next step. End with the final answer in \\boxed{}."
# What ids are decoded to that end within a character.
_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken.

    Attributes:
        said: What the step says, what ended it included, and what it cost. Its value is the thought's final answer, if
            it has come to one; its context is where the thought can go on.
        ended: Whether the thought came to its end with it. One that ended `truncated` and without a value was cut.
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


@dataclass(frozen=True)
class CheckedStepper:
    """A stepper that is held to what it may give, so that a mistake in it is told where it is made.

    Attributes:
        stepper: Takes the steps.
    """

    stepper: Stepper

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """The stepper's step.

        Raises:
            TypeError: It is none, or `step` is no async method.
        """
        name = f"{type(self.stepper).__name__}.step"
        going: object = self.stepper.step(context, engine, thought=thought, room=room)
        if not inspect.isawaitable(going):
            raise TypeError(f"{name} returned {going!r} at once: make it async")
        step = await going
        if not isinstance(step, Step):
            raise TypeError(f"{name} returned {step!r}: return a Step")
        return step


@dataclass(frozen=True, kw_only=True)
class ModelSteps:
    """The model writes until a stop text, or for so many tokens; a box with an answer or its own end ends the thought.

    So it is in search-and-learn. An answer in other words is no end, since much is said of what "the answer is" and
    `####` may be a heading; it is what a thought comes to that ends without a box.

    Its own end is no end of the thought on a text-only engine, where each step is a turn that it ends, and under a
    constraint, whose end it is: there an answer in other words is one, where it is the last that a step says. A thought
    that was cut by a budget or within a constraint cannot go on, and one that says nothing twice does not.

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
            raise UsageError(
                "a step that ends at an empty text is none: give others, "
                r'such as ["\n\n"], or [] to cut by tokens alone'
            )

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """One call."""
        if thought and not context.has_token_ids:
            context = await converse(engine, [("user", _NEXT), ("assistant", "")], after=context)
        completion = await engine.generate(context, self._sampling(context, room))
        if context.has_token_ids:
            segment = await self._segment(completion, context, engine)
            said_in = context.extend(segment)
        else:
            segment, said_in = self._text(completion), completion.context
        ended = self._ended(segment.text, completion, thought)
        value = extract_answer(thought + segment.text) if ended else None
        said = replace(
            Answer.from_completion(completion),
            text=segment.text,
            value=value,
            token_ids=segment.token_ids or (),
            context=said_in,
        )
        if value is not None and said.limited_by is None:
            # The limit of a step is none of the thought, which has said all that it had to say.
            said = replace(said, truncated=False)
        return Step(said=said, ended=ended)

    def _sampling(self, context: Context, room: int) -> Sampling:
        return self.sampling.for_branch(context.path).model_copy(
            update={
                "max_tokens": min(self.step_tokens, room),
                "stop": (*self.sampling.stop, *self.ends),
            }
        )

    async def _segment(self, completion: Completion, context: Context, engine: Engine) -> Segment:
        """What was said, by its own ids: with the stop text, and without the mark of the model's own end."""
        said = await StopTags(dict.fromkeys(self.ends)).heard(engine, completion, self.ends)
        spoken, end = completion.text, len(said.text)
        if completion.truncated:
            # A step that was cut within a character leaves that to the next one.
            end = len(said.text.rstrip(_BROKEN)) or end
            spoken = spoken.rstrip(_BROKEN) or spoken
        kept = await stitched(engine, said, [Span(0, end)], context)
        # Not what the ids alone are decoded to: some tokenizers take the space from the start of a text.
        return replace(kept, text=f"{spoken}{self._end_met(completion)}")

    def _text(self, completion: Completion) -> Segment:
        """The same on a text-only engine, which need not say what ended a turn."""
        text = completion.text
        if self.ends and text.strip() and not completion.truncated:
            text = f"{text}{self._end_met(completion) or self.ends[0]}"
        return Segment("assistant", text)

    def _end_met(self, completion: Completion) -> str:
        reason = completion.stop_reason
        return reason if isinstance(reason, str) and reason in self.ends else ""

    def _ended(self, said: str, completion: Completion, thought: str) -> bool:
        whole = thought + said
        if extract_boxes(whole) is not None or completion.limited_by is not None:
            return True
        constrained = self.sampling.constraint is not None
        if completion.context.has_token_ids and not constrained:
            own_end = not completion.truncated and not self._end_met(completion)
            return own_end or (not said.strip() and self._said_nothing(thought))
        if completion.truncated:
            return constrained or not said.strip()
        return not said.strip() or ends_in_answer(whole)

    def _said_nothing(self, thought: str) -> bool:
        """Whether the step before said nothing too: then there is more at the end than what ends a step."""
        return len(thought) - len(thought.rstrip()) > max(map(len, self.ends), default=0)
