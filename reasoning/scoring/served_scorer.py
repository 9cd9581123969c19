"""What scorers with a model on a server of its own have in common: an address, steps, and the run's journal.

candidates ─> each judged on the server ─> rewards of steps, kept as a decision ─> one score each

It does not know how a server is asked.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines import Context, Engine, Outcome, UsageError

from ..answer import Answer
from ..errors import NoCandidates
from .aggregation import Aggregation, aggregate
from .scorer import Scores, require_ready

StepRewards = tuple[float, ...]
Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class ServedScorer(ABC):
    """The base of these scorers. Its least score is minus infinity.

    Candidates go there as text, since the judge's tokenizer is its own. What it reads are tokens of its server, not of
    the engine, and so no part of the usage. Rewards are kept by the run's journal.
    """

    url: str = ""
    model: str | None = None
    aggregation: Aggregation = "last"
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
            UsageError: There is no address, or an option does not fit the model.
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

        Raises:
            NoCandidates: The server judged none.
            UsageError: There is no address, or an option does not fit the model.
        """
        require_ready(self)
        if not candidates:
            return []
        question = [{"role": turn.role, "content": turn.text} for turn in context.turns]

        async def choose() -> list[list[Any]]:
            outcomes = await self._judged([c.text for c in candidates], question)
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

    @abstractmethod
    async def _judged(self, texts: Sequence[str], question: Messages) -> list[Outcome[StepRewards]]:
        """Opens the server, and has each text judged as an answer to the question, side by side."""

    def _steps(self, text: str) -> list[str]:
        """The steps of a text; one that it was going to begin is none."""
        return [step.strip() for step in text.split(self.step_separator) if step.strip()]
