"""A reward model as a scorer, served by vLLM: of outcomes (ORM) or of steps (PRM).

question, candidate ─> conversation ─> the reward model's own template and tokenizer ─> a reward a step ─> one score
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from engines import EngineError, Outcome, UsageError, join

from .served_scorer import Messages, ServedScorer, StepRewards

if TYPE_CHECKING:
    from engines.remote.reward_reading import Rewards
    from engines.remote.reward_server import RewardServer


@dataclass(frozen=True, kw_only=True)
class RewardModel(ServedScorer):
    """The reward of a candidate. Its least score is minus infinity.

    In a search, where a candidate is all steps so far, the `last` reward is that of the newest step. A model that
    judges tokens gives one for each token of the conversation, the question's too.

    Attributes:
        url: The server's address: `vllm serve MODEL --runner pooling`.
        model: The served model to use; None is the one there.
        aggregation: What makes one score of the rewards of steps (or tokens); an outcome has one only. `last` is what
            search-and-learn and token-wise outcome models take; `min` and `prod` ask that every step be right
            (Lightman et al. 2023).
        step_separator: What stands between steps in a candidate's text, where they are tagged.
        in_flight: The most candidates that are judged at once, at least 1.
        label: Which of the model's classes says that something is good: the last, or its number from 0.
        step_tag: What a process reward model wants after each step, such as `<extra_0>` of Qwen2.5-Math-PRM; empty
            sends the text as it is.
    """

    label: int = -1
    step_tag: str = ""

    async def _judged(self, texts: Sequence[str], question: Messages) -> list[Outcome[StepRewards]]:
        # On first use, since it brings an HTTP library.
        from engines.remote.reward_server import RewardServer

        async with RewardServer(self.url, self.model, in_flight=self.in_flight) as server:
            judged = await join([partial(self._judge, server, question, text) for text in texts])
        return [self._labelled(outcome) for outcome in judged]

    async def _judge(self, server: RewardServer, question: Messages, text: str) -> Rewards:
        said = {"role": "assistant", "content": self._tagged(text)}
        rows = await server.of_conversation([*question, said])
        if not rows:
            raise EngineError(
                f"{self.url} found no step to judge: set step_tag to what the model wants after each step"
            )
        return rows

    def _labelled(self, judged: Outcome[Rewards]) -> Outcome[StepRewards]:
        """The rewards of the class that is good. That there is none is a mistake, and no bad luck of a candidate."""
        if judged.value is None:
            return Outcome(judged.status, reason=judged.reason)
        try:
            return Outcome(judged.status, tuple(row[self.label] for row in judged.value))
        except IndexError:
            raise UsageError(
                f"label={self.label}: the reward model has {len(judged.value[0])} classes, from 0 on"
            ) from None

    def _tagged(self, text: str) -> str:
        if not self.step_tag:
            return text
        # A tag that the candidate wrote itself would be a step of its own.
        return "".join(
            step + self.step_tag for step in self._steps(text.replace(self.step_tag, ""))
        )
