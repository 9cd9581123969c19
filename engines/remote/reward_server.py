"""A reward model on a vLLM server: conversations, texts or token ids in, rewards out.

    conversation ── the server's chat template ──┐
    texts, ids ── batches of so many, in order ──┴─> POST /pooling ─> a row of numbers a step

`/pooling` is what all kinds of reward models answer: outcome models (task `classify`) and process models (task
`token_classify`). It takes one conversation a request and many texts or ids. It does not know what makes one score of
the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import anyio

from ..error_groups import single_error
from ..wrappers.retry import RetryPolicy
from .reward_reading import Rewards, read_rewards
from .side_server import SideServer, require_requests

if TYPE_CHECKING:
    import httpx

_PATH = "/pooling"


class RewardServer(SideServer):
    """A reward model on a vLLM server: `async with RewardServer(url) as server`.

    Ids go there only where both models have one vocabulary.

    Args:
        url: The server's address, with or without `/v1`.
        model: The served model to use; None is the one there.
        api_key: The server's key; None takes OPENAI_API_KEY, except with a client, whose auth is its own.
        batch: The most texts in one request, at least 1.
        in_flight: The most requests at once, at least 1; the server makes batches of them itself.
        retry: How often to try what may succeed later, as where the server takes no more now.
        idle_seconds: How long the server may send nothing before a request fails.
        connect_seconds: How long a connection may take to come about.
        client: An httpx client of your own; you close it.
    """

    _absent: ClassVar[str] = (
        "does not serve a reward model, as it has no {path}: start one there with "
        "`vllm serve MODEL --runner pooling`"
    )

    def __init__(
        self,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        batch: int = 32,
        in_flight: int = 32,
        retry: RetryPolicy | None = None,
        idle_seconds: float = 600,
        connect_seconds: float = 60,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        require_requests(batch=batch)
        super().__init__(
            url,
            model,
            api_key,
            in_flight=in_flight,
            retry=retry,
            idle_seconds=idle_seconds,
            connect_seconds=connect_seconds,
            client=client,
        )
        self._batch = batch

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

    async def of_inputs(self, inputs: Sequence[str | Sequence[int]]) -> list[Rewards]:
        """The rewards of texts that are rendered already, or of token ids, in their order.

        Args:
            inputs: All texts, or all ids.

        Raises:
            EngineError: As `of_conversation`, for the batch that one of them is in.
        """
        found: list[Rewards] = [()] * len(inputs)

        async def ask(start: int) -> None:
            batch = inputs[start : start + self._batch]
            found[start : start + len(batch)] = await self._rewards({"input": batch}, len(batch))

        with single_error():
            async with anyio.create_task_group() as group:
                for start in range(0, len(inputs), self._batch):
                    group.start_soon(ask, start)
        return found

    async def _rewards(self, body: dict[str, Any], count: int) -> list[Rewards]:
        return read_rewards(self._at(_PATH), await self._asked(_PATH, body), count)
