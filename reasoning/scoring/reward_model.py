"""A reward model as a scorer, served by vLLM: of outcomes (ORM) or of steps (PRM).

question, candidate ─> conversation ─> the reward model's own template and tokenizer ─> a reward a step ─> one score
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engines import Context, Engine, EngineError, Outcome, UsageError, join

from ..answer import Answer
from ..errors import NoCandidates
from .aggregation import Aggregation, aggregate
from .scorer import Scores, require_ready

if TYPE_CHECKING:
    from engines.remote.reward_server import RewardServer

StepRewards = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RewardModel:
    """The reward of a candidate. Its least score is minus infinity.

    Candidates go there as text, since the reward model's tokenizer is its own. What it reads are tokens of its server,
    not of the engine, and so no part of the usage. Rewards are kept by the run's journal.

    Attributes:
        url: The server's address: `vllm serve MODEL --runner pooling`.
        model: The served model to use; None is the one there.
        aggregation: What makes one score of the rewards of steps (or tokens); an outcome has one only. `last` is what
            search-and-learn and token-wise outcome models take; `min` and `prod` ask that every step be right
            (Lightman et al. 2023).
        label: Which of the model's classes says that something is good: the last, or its number from 0.
        step_tag: What a process reward model wants after each step, such as `<extra_0>` of Qwen2.5-Math-PRM; empty
            sends the text as it is.
        step_separator: What stands between steps in a candidate's text, where they are tagged.
        in_flight: The most candidates that are judged at once, at least 1.
    """

    url: str = ""
    model: str | None = None
    aggregation: Aggregation = "last"
    label: int = -1
    step_tag: str = ""
    step_separator: str = "\n\n"
    in_flight: int = 32

    def __post_init__(self) -> None:
        """Refuses what is no address, steps without a border, and to ask for nothing."""
        if self.url:
            # Only what has an address needs to know how one looks.
            from engines.remote.server_address import ServerAddress

            ServerAddress.parse(self.url)
        if not self.step_separator:
            raise UsageError("step_separator is empty, so that there are no steps: give a text")
        if self.in_flight < 1:
            raise UsageError(f"in_flight={self.in_flight} asks for no rewards: give at least 1")

    @property
    def problem(self) -> str:
        """What it needs before it can score; empty if nothing."""
        if self.url:
            return ""
        return (
            "a reward model needs the address of its server: set url (on a command line scorer.url, as in "
            "--set method.scorer.url=http://127.0.0.1:8001)"
        )

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """Judges all candidates at the same time, as far as the server takes them.

        Raises:
            NoCandidates: The server judged none.
            UsageError: There is no address.
        """
        outcomes = await self.step_rewards(candidates, context, engine)
        lost = [outcome.reason for outcome in outcomes if not outcome.usable]
        remark = ""
        if lost:
            remark = f"{len(lost)} of {len(outcomes)} rewards were lost, the first: {lost[0]}"
        return Scores(
            values=tuple(
                -math.inf if outcome.value is None else aggregate(outcome.value, self.aggregation)
                for outcome in outcomes
            ),
            remark=remark,
        )

    async def step_rewards(
        self, candidates: Sequence[Answer], context: Context, engine: Engine
    ) -> list[Outcome[StepRewards]]:
        """The rewards of each candidate's steps, at least one; or why there are none.

        Of a model that judges tokens there is one for each token of the conversation, the question's too.

        Raises:
            NoCandidates: The server judged none.
            UsageError: There is no address.
        """
        require_ready(self)
        if not candidates:
            return []

        async def choose() -> list[list[Any]]:
            # On first use, since it brings an HTTP library.
            from engines.remote.reward_server import RewardServer

            async with RewardServer(self.url, self.model, in_flight=self.in_flight) as server:
                outcomes = await join(
                    [partial(self._judge, server, context, candidate) for candidate in candidates]
                )
            if not any(outcome.usable for outcome in outcomes):
                raise NoCandidates(
                    f"all {len(outcomes)} rewards failed, the first: {outcomes[0].reason}"
                )
            return [[outcome.status, outcome.value, outcome.reason] for outcome in outcomes]

        # The server is none of the run's engines, so that its answers are kept as a decision.
        decided = await engine.decide(f"{context.path}#rewards", choose)
        return [
            Outcome(status, None if rewards is None else tuple(rewards), reason)
            for status, rewards, reason in decided
        ]

    async def _judge(
        self, server: RewardServer, context: Context, candidate: Answer
    ) -> StepRewards:
        messages = [{"role": turn.role, "content": turn.text} for turn in context.turns]
        said = {"role": "assistant", "content": self._tagged(candidate.text)}
        rows = await server.of_conversation([*messages, said])
        if not rows:
            raise EngineError(
                f"{self.url} found no step to judge: set step_tag to what the model wants after each step"
            )
        try:
            return tuple(row[self.label] for row in rows)
        except IndexError:
            raise UsageError(
                f"label={self.label}: the reward model has {len(rows[0])} classes, from 0 on"
            ) from None

    def _tagged(self, text: str) -> str:
        if not self.step_tag:
            return text
        # A tag that the candidate wrote itself would be a step of its own.
        steps = text.replace(self.step_tag, "").split(self.step_separator)
        return "".join(step.strip() + self.step_tag for step in steps if step.strip())
