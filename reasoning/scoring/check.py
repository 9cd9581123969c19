"""A program as a scorer: unit tests, a calculator, a comparison with what is known.

It is given in Python only, since no text on a command line is a function.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import SupportsFloat

import anyio

from engines import Context, Engine, single_error

from ..answer import Answer
from .scorer import Scores

Judged = bool | float


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a function says of each answer: whether it is right, or how good it is.

    What the function raises is a mistake in it, not a low score, and passes on. It is called again in a run that is
    resumed, and should say the same then.

    Attributes:
        check: Gets an answer. A plain function is called in the event loop, so one that takes long or waits has to be
            async; these run side by side.
    """

    check: Callable[[Answer], Judged | Awaitable[Judged]]

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Checks all candidates at the same time.

        Raises:
            TypeError: The function returned what is no number.
        """
        values = [0.0] * len(candidates)

        async def judge(index: int, candidate: Answer) -> None:
            said = self.check(candidate)
            values[index] = _number(await said if inspect.isawaitable(said) else said)

        with single_error():
            async with anyio.create_task_group() as group:
                for index, candidate in enumerate(candidates):
                    group.start_soon(partial(judge, index, candidate))
        return Scores(values=tuple(values))


def _number(said: object) -> float:
    # A text would be read as a number where it looks like one.
    if not isinstance(said, SupportsFloat):
        raise TypeError(f"the check returned {said!r}: return True, False or a number")
    return float(said)
