"""A process reward model that answers each step with a token, `+` or `-`: Math-Shepherd, Llemma's and RLHFlow's.

    tags            question step 1 ки
                    step 2 ки                             how likely `+` is after the last tag (Wang et al. 2024)
    conversation    user: question step 1   assistant: +
                    user: step 2            assistant:    how likely `+` is as the next turn (RLHFlow)

It is a language model, served as any other is. A step is one call of one token on a prefix that the steps before it
have in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import anyio

from engines import EngineError, Outcome, UsageError, join, single_error

from .served_scorer import Messages, ServedScorer, StepRewards

if TYPE_CHECKING:
    from engines.remote.next_token_server import NextTokenServer

_Read = Callable[[Sequence[str]], Awaitable[tuple[float, ...]]]


@dataclass(frozen=True, kw_only=True)
class StepLogits(ServedScorer):
    """The probability of the good token against the bad one. Its least score is minus infinity.

    In a search, where a candidate is all steps so far, the `last` reward is that of the newest step, and the only one
    that is asked for; with any other aggregation there is a call for each step.

    Attributes:
        url: The server's address: `vllm serve MODEL`.
        model: The served model to use; None is the one there.
        aggregation: What makes one score of the rewards of steps.
        step_separator: What stands between steps in a candidate's text.
        in_flight: The most steps that are judged at once, at least 1.
        good: What the model says after a good step; one token of it.
        bad: What it says after a bad one; one token of it.
        layout: How it wants the steps: with a tag after each (`tags`), or each in a turn of its own that an assistant
            finds good (`conversation`).
        tag: The tag after each step.
    """

    good: str = "+"
    bad: str = "-"
    layout: Literal["tags", "conversation"] = "tags"
    tag: str = " ки"

    def __post_init__(self) -> None:
        """Refuses words that tell nothing, besides what any served scorer does."""
        super().__post_init__()
        if not self.good or not self.bad or self.good == self.bad:
            raise UsageError(
                f"good={self.good!r}, bad={self.bad!r}: give two different words, a token each"
            )

    async def _judged(self, texts: Sequence[str], question: Messages) -> list[Outcome[StepRewards]]:
        # On first use, since it brings an HTTP library.
        from engines.remote.next_token_server import NextTokenServer

        async with NextTokenServer(self.url, self.model, in_flight=self.in_flight) as server:
            try:
                tokens = [await server.token_id(word) for word in (self.good, self.bad)]
            except EngineError as error:
                return [Outcome("failed", reason=str(error))] * len(texts)
            read = partial(self._read, server, question, tokens)
            return await join([partial(self._judge, read, self._steps(text)) for text in texts])

    async def _judge(self, read: _Read, steps: Sequence[str]) -> StepRewards:
        if not steps:
            raise EngineError("there is no step to judge in an empty text")
        first = len(steps) if self.aggregation == "last" else 1
        rewards = [0.0] * (len(steps) + 1 - first)

        async def judge(count: int) -> None:
            good, bad = await read(steps[:count])
            rewards[count - first] = _share(good, bad)

        with single_error():
            async with anyio.create_task_group() as group:
                for count in range(first, len(steps) + 1):
                    group.start_soon(judge, count)
        return tuple(rewards)

    async def _read(
        self, server: NextTokenServer, question: Messages, tokens: list[int], steps: Sequence[str]
    ) -> tuple[float, ...]:
        """The logprobs of the tokens after the last of these steps."""
        if self.layout == "tags":
            return await server.after_text(_tagged(question, steps, self.tag), tokens)
        return await server.after_conversation(_turns(question, steps, self.good), tokens)


def _tagged(question: Messages, steps: Sequence[str], tag: str) -> str:
    asked = "\n".join(message["content"] for message in question)
    return f"{asked} " + "\n".join(step + tag for step in steps)


def _turns(question: Messages, steps: Sequence[str], good: str) -> Messages:
    *before, asking = question
    turns = [*before, {**asking, "content": f"{asking['content']} {steps[0]}"}]
    for step in steps[1:]:
        turns += [{"role": "assistant", "content": good}, {"role": "user", "content": step}]
    return turns


def _share(good: float, bad: float) -> float:
    """The probability of one of two logprobs, as if there were no others; at least one is finite.

    >>> _share(-1.0, -1.0), _share(-0.5, -math.inf), _share(-5000.0, -0.5)
    (0.5, 1.0, 0.0)
    """
    most = max(good, bad)
    return math.exp(good - most) / (math.exp(good - most) + math.exp(bad - most))
