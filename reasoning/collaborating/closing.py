r"""Asks for the answer at the end, where no worker came to one: greedily, until the bracket that closes it.

    ... the final answer is \boxed{ ─> "\frac{1}" ─> "{2}" ─> "}" ─> closed

A bracket within the answer ends a call as well, and the next one goes on with all of it in the cache.
"""

from __future__ import annotations

import itertools

from engines import (
    BudgetExhausted,
    Collaboration,
    Completion,
    Context,
    ContextTooLong,
    Engine,
    ForkjoinError,
    LedgerEngine,
    RunError,
    Sampling,
)
from engines.hogwild.steps import answers, final_answer

from ..answer import Answer
from ..token_ids.span import Span
from ..token_ids.stitching import stitched
from ..token_ids.stop_tags import StopTags
from .desk import NOTHING, joined


async def close(
    context: Context, team: Collaboration, sampling: Sampling, engine: Engine
) -> Answer:
    """The answer after a context that ends with the words that ask for it.

    Args:
        context: The calls are forks of it.
        team: Has these words, and what stands before and after an answer.
        sampling: How to sample; its limit is that of all calls, and a seed is made each call's own.
        engine: Thinks.

    Returns:
        What was said, after these words. Whatever keeps it from being asked for, it says so.
    """
    asking = _Asking(context, team.closing, team.answer, LedgerEngine(engine))
    try:
        await asking.until_closed(sampling)
    except BudgetExhausted as error:
        return asking.answer(truncated=True, limited_by=error.what)
    except ContextTooLong:
        return asking.answer(truncated=True)
    except RunError:
        raise
    except ForkjoinError as error:
        return asking.answer(remark=f"the answer could not be asked for at the end: {error}")
    return asking.answer(truncated=not asking.closed, limited_by=asking.limited_by)


class _Asking:
    """The answer, as far as it was said.

    Attributes:
        limited_by: What of a budget cut it.
    """

    def __init__(
        self, context: Context, closing: str, marks: tuple[str, str], ledger: LedgerEngine
    ) -> None:
        self.limited_by: str | None = None
        self._closing = closing
        self._marks = marks
        self._ledger = ledger
        self._stand = self._start = context
        self._said = NOTHING

    @property
    def closed(self) -> bool:
        """Whether the bracket stands that closes it."""
        found = answers(self._closing + self._said.text, self._marks)
        return len(found) > len(answers(self._closing, self._marks))

    async def until_closed(self, sampling: Sampling) -> None:
        """Calls until it is closed, or the model or the limit ends it."""
        bracket, left = self._marks[1], sampling.max_tokens
        for number in itertools.count():
            prompt = self._start.fork(f"answer-{number}", self._said)
            limits = {"max_tokens": left, "stop": (bracket,)}
            asked = sampling.for_branch(prompt.path).model_copy(update=limits)
            completion = await self._ledger.generate(prompt, asked)
            await self._add(completion, prompt)
            # What was not even a token has taken its turn as well.
            left -= max(1, completion.usage.generated_tokens)
            if completion.stop_reason != bracket or self.closed or left < 1:
                return

    async def _add(self, completion: Completion, prompt: Context) -> None:
        bracket = self._marks[1]
        heard = await StopTags({bracket: None}).heard(self._ledger, completion, (bracket,))
        spans = [Span(0, len(heard.text))]
        said = await stitched(self._ledger, heard, spans, prompt)
        self._stand, self._said = prompt.extend(said), joined([self._said, said])
        self.limited_by = completion.limited_by

    def answer(
        self, *, truncated: bool = False, limited_by: str | None = None, remark: str = ""
    ) -> Answer:
        """What was said."""
        usage = self._ledger.usage
        return Answer(
            text=self._said.text,
            value=final_answer(self._closing + self._said.text, self._marks),
            context=self._stand,
            usage=usage,
            critical_path=usage.generated_tokens,
            truncated=truncated,
            limited_by=limited_by,
            remark=remark,
        )
