"""The workers, what they are told and what they came to: what Hogwild! over one cache and over a blackboard share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice

from pydantic import ValidationError

from engines import Collaboration, Context, Engine, Layout, Sampling, UsageError, converse

from ..branching import counted, require_width
from ..extraction import extract_answer

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

# A name more is hardly read.
_MOST_LISTED = 12

INVITATION = """

{names} work on this together. Each writes short steps; a step is a few sentences and ends with a blank line. \
Everybody reads what the others have finished, and what they are writing. Do not repeat what somebody does already: \
split the work, check it, or try another way. Agree on the answer, and write it in \\boxed{} as soon as it is \
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
        sampling: How each of them samples; `max_tokens` is for each. A seed is made the worker's own. Nothing in the
            text of one ends it but a step and an answer: there are no stop texts, stop ids and constraints.
        invitation: What is added to the user's turn, with `{names}`; other braces are text.
    """

    workers: int = 4
    layout: Layout = "combined"
    question_every: int = 256
    step_tokens: int = 256
    answer_tokens: int = 16
    sampling: Sampling = Sampling()
    invitation: str = INVITATION

    def __post_init__(self) -> None:
        """Refuses no workers, numbers that are none, and what would end one of them but not the others.

        Raises:
            UsageError: A number is too low or too high, there is no such layout, or the sampling has other ends.
        """
        require_width(self.workers, "{} workers")
        for name in ("stop", "stop_token_ids", "constraint"):
            if value := getattr(self.sampling, name):
                raise UsageError(
                    f"sampling.{name} is {value!r}: workers end their steps by themselves, leave it out"
                )
        if self.sampling.collaboration is not None:
            raise UsageError("sampling.collaboration is what a team is made into: leave it out")
        try:
            self.collaboration  # noqa: B018  # pydantic checks what it is made of
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            wanted = str(wrong["msg"]).removeprefix("Input ")
            raise UsageError(f"{wrong['loc'][0]} is {wrong['input']!r}: it {wanted}") from None

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
        # No str.format: what an answer is boxed in has braces too.
        said = self.invitation.replace("{names}", _listed(names(self.workers)))
        return await converse(engine, [("user", said), ("assistant", "")], after=context)


def names(workers: int) -> tuple[str, ...]:
    """A name for each worker.

    >>> names(2), names(18)[-1]
    (('Alice', 'Bob'), 'Worker 18')
    """
    more = (f"Worker {number}" for number in count(len(_NAMES) + 1))
    return (*_NAMES[:workers], *islice(more, max(0, workers - len(_NAMES))))


def conclusion(boxed: str | None, asked: str | None, spoken: str) -> tuple[str | None, str]:
    """The answer of a team, and what a reader should know of how it came about.

    Args:
        boxed: The answer in the step that ended the work; None where none did.
        asked: What was answered when it was asked for at the end; None where it was not, or nothing came of it.
        spoken: All that the workers wrote, without that.
    """
    if boxed is not None:
        return boxed, ""
    if asked is not None:
        return asked, "no worker boxed an answer: it was asked for at the end"
    value = extract_answer(spoken)
    if value is None:
        return None, "no worker came to an answer"
    return value, "no worker ended a step with an answer: this is the last that one spoke of"


def reason_of_others(winner: str) -> str:
    """Why those write no more who did not end the work: they were stopped, and came to no end of their own."""
    return f"{winner} had the answer"


def limit_of_window(window: int | None) -> str:
    """What cut workers whose window was full, in words."""
    return f"the window of {window or 0:,} tokens ended it"


def remark_on_cut_steps(cut: int, begun: int, most: int) -> str:
    """That a worker ended no step by itself, though its last one may be unfinished; empty if it did.

    Args:
        cut: How many of its steps were as long as they may be.
        begun: How many steps it has.
        most: The most tokens of a step.
    """
    if not cut or cut < begun - 1:
        return ""
    return f"it ended no step by itself: {counted(cut, 'steps')} cut at {counted(most, 'tokens')}"


def remark_on_weakness(remarks: Sequence[str], most: int) -> str:
    """That this is true of all workers; empty if it is not."""
    if not all(remarks):
        return ""
    return (
        f"no worker ended a step, all were cut at {counted(most, 'tokens')}: a model that only repeats itself is too "
        f"weak for this, another one may need more step_tokens"
    )


def _listed(all: tuple[str, ...]) -> str:
    """The names in words; of many the first, since nobody needs the others to read the headers of steps."""
    if len(all) == 1:
        return all[0]
    last = all[-1]
    if len(all) > _MOST_LISTED:
        last = f"{len(all) - _MOST_LISTED:,} others"
        all = (*all[:_MOST_LISTED], last)
    return f"{', '.join(all[:-1])} and {last}"
