"""A reward model on a vLLM server: conversations, texts or token ids in, rewards out.

    conversation ── the server's chat template ──┐
    texts, ids ── batches of so many, in order ──┴─> POST /pooling ─> a row of numbers a step

`/pooling` is what all kinds of reward models answer: outcome models (task `classify`) and process models (task
`token_classify`). It takes one conversation a request and many texts or ids. It does not know what makes one score of
the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .reward_reading import Rewards, read_rewards
from .side_server import SideServer

_PATH = "/pooling"


class RewardServer(SideServer):
    """A reward model on a vLLM server: `async with RewardServer(url) as server`. It is made as any `SideServer`.

    Ids go there only where both models have one vocabulary.
    """

    _absent: ClassVar[str] = (
        "does not serve a reward model, as it has no {path}: start one there with "
        "`python -m vllm.entrypoints.openai.api_server --model MODEL --runner pooling`"
    )

    async def of_conversation(self, messages: Sequence[Mapping[str, str]]) -> Rewards:
        """The rewards of a conversation (`role` and `content` each), rendered with the model's own chat template.

        Returns:
            A row for each place that the model judges, with a number for each of its classes: one row of an outcome
            reward model, and none where a process reward model finds no step.

        Raises:
            RequestRejected: The server refuses it, as one that is too long (`ContextTooLong`).
            EngineUnavailable: It does not answer, or takes no more, however often it was tried.
            NotAnEngine: It is no vLLM server of a pooling model.
            EngineError: A reward is no number, or the model is no reward model.
        """
        return (await self._rewards({"messages": list(messages)}, 1))[0]

    async def of_inputs(
        self, inputs: Sequence[str | Sequence[int]], *, batch: int = 32
    ) -> list[Rewards]:
        """The rewards of texts that are rendered already, or of token ids, in their order.

        Args:
            inputs: All texts, or all ids.
            batch: The most of them in one request, at least 1.

        Raises:
            EngineError: As `of_conversation`, for the batch that one of them is in.
        """

        async def ask(some: Sequence[str | Sequence[int]]) -> list[Rewards]:
            return await self._rewards({"input": some}, len(some))

        return await self._in_batches(inputs, batch, ask)

    async def _rewards(self, body: dict[str, Any], count: int) -> list[Rewards]:
        return read_rewards(self._at(_PATH), await self._asked(_PATH, body), count)
