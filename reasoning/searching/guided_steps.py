"""Steps of which a program says what they may look like, from what was said before: moves of a game, calls of tools.

thought so far ─> constraint ─┬─> a step under it ─> thought so far ─> constraint ─> ...
                              └─> None: the thought has come to its end
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engines import Constraint, Context, Engine

from ..answer import Answer
from ..extraction import extract_answer
from .stepping import ModelSteps, Step

Guide = Callable[[str], Constraint | None]


@dataclass(frozen=True, kw_only=True)
class GuidedSteps:
    r"""Steps of the model under a constraint that depends on the thought so far.

    It is given in Python only, since no text on a command line is a function. It needs an engine that enforces the
    constraint's kind.

    Attributes:
        constraint: Gets the thought so far, empty before the first step, and says what the next step has to look like;
            None if the thought has come to its end. What stands between steps is part of it, such as a `\n`.
        steps: How the model takes each step. Its constraint is set here.
        answer: Gets a thought that has come to its end, and says what its final answer is; None if it has none.
    """

    constraint: Guide
    steps: ModelSteps = ModelSteps()
    # A function is shown by its address, which would make equal configurations differ.
    answer: Callable[[str], str | None] = field(default=extract_answer, repr=False)

    async def step(self, context: Context, engine: Engine, *, thought: str, room: int) -> Step:
        """One call; none for a thought that has come to its end."""
        constraint = self.constraint(thought)
        if constraint is None:
            said = Answer(text="", value=self.answer(thought), context=context)
            return Step(said=said, ended=True)
        sampling = self.steps.sampling.model_copy(update={"constraint": constraint})
        steps = replace(self.steps, sampling=sampling)
        step = await steps.step(context, engine, thought=thought, room=room)
        whole = thought + step.said.text
        cut = step.said.truncated
        ended = step.ended or (not cut and self.constraint(whole) is None)
        value = self.answer(whole) if ended and not cut else None
        return Step(said=replace(step.said, value=value), ended=ended)
