"""The workers and what they are told: what Hogwild! over one cache and over a blackboard have in common. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice

from engines import Collaboration, Context, Engine, Layout, Sampling, UsageError, converse

from ..branching import require_width

_NAMES = (
    "Alice",
    "Bob",
    "Carol",
    "Dave",
    "Erin",
    "Frank",
    "Grace",
    "Heidi",
    "Ivan",
    "Judy",
    "Kevin",
    "Laura",
)

INVITATION = """

{names} work on this together. Each writes short steps; a step is a few sentences and ends with a blank line. \
Everybody reads what the others have finished, and what they are writing. Do not repeat what somebody does already: \
split the work, check it, or try another way. Agree on the answer, and write it in \\boxed{{}} as soon as it is \
certain."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """Workers on one question.

    Attributes:
        workers: How many.
        layout: What they see of each other.
        question_every: Tokens that all together generate until the next step begins with the question whether it
            repeats work; 0 never asks. The paper has 1024, its code 256.
        step_tokens: The most tokens of a step.
        answer_tokens: The most tokens of a final answer that has to be asked for at the end.
        sampling: How each of them samples; `max_tokens` is for each. A seed is made the worker's own.
        invitation: What is added to the user's turn, with `{names}`.
    """

    workers: int = 4
    layout: Layout = "combined"
    question_every: int = 256
    step_tokens: int = 256
    answer_tokens: int = 16
    sampling: Sampling = Sampling()
    invitation: str = INVITATION

    def __post_init__(self) -> None:
        """Refuses no workers, and numbers that are none.

        Raises:
            UsageError: A number is too low or too high, or there is no such layout.
        """
        require_width(self.workers, "{} workers")
        try:
            self.collaboration  # noqa: B018  # pydantic checks what it is made of
        except ValueError as error:
            raise UsageError(str(error)) from error

    @property
    def collaboration(self) -> Collaboration:
        """What is asked of an engine, and what a blackboard does itself."""
        return Collaboration(
            workers=names(self.workers),
            layout=self.layout,
            question_every=self.question_every,
            step_tokens=self.step_tokens,
            answer_tokens=self.answer_tokens,
        )

    async def invited(self, context: Context, engine: Engine) -> Context:
        """The context with the invitation, where the model's turn is open."""
        said = self.invitation.format(names=_listed(names(self.workers)))
        return await converse(engine, [("user", said), ("assistant", "")], after=context)


def names(workers: int) -> tuple[str, ...]:
    """A name for each worker.

    >>> names(2), names(18)[-1]
    (('Alice', 'Bob'), 'Worker 18')
    """
    more = (f"Worker {number}" for number in count(len(_NAMES) + 1))
    return (*_NAMES[:workers], *islice(more, max(0, workers - len(_NAMES))))


def _listed(all: tuple[str, ...]) -> str:
    return all[0] if len(all) == 1 else f"{', '.join(all[:-1])} and {all[-1]}"
