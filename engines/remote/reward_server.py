"""A reward model on a vLLM server: conversations, texts or token ids in, rewards out.

    conversation ── the server's chat template ──┐
    texts, ids ── batches of so many, in order ──┴─> POST /pooling ─> a row of numbers a step

`/pooling` is what all kinds of reward models answer: outcome models (task `classify`) and process models (task
`token_classify`). It takes one conversation a request and many texts or ids. It does not know what makes one score of
the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio

from ..error_groups import single_error
from ..errors import ForkjoinError, NotAnEngine, RequestRejected, UsageError
from ..wrappers.retry import RetryPolicy, delay_before_retry
from .api_client import ApiClient
from .connecting import authorization, transport_to
from .reward_reading import Rewards, prompt_tokens_in, read_rewards
from .server_address import ServerAddress

if TYPE_CHECKING:
    import httpx

_PATH = "/pooling"


class RewardServer:
    """A reward model on a vLLM server: `async with RewardServer(url) as server`.

    Its tokenizer is its own, so what another model said goes there as a conversation or a text; ids only where both
    have one vocabulary.

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
        for name, number in {"batch": batch, "in_flight": in_flight}.items():
            if number < 1:
                raise UsageError(f"{name}={number} asks for no rewards: give at least 1")
        self._address = ServerAddress.parse(url)
        self._headers = authorization(self._address, api_key, client)
        self._model = model
        self._batch = batch
        self._retry = retry or RetryPolicy()
        self._random = Random()
        self._idle_seconds = idle_seconds
        self._connect_seconds = connect_seconds
        self._client = client
        self._places = anyio.CapacityLimiter(in_flight)
        self._api: ApiClient | None = None
        self._prompt_tokens = 0

    async def __aenter__(self) -> Self:
        transport = transport_to(self._address, self._headers, self._connect_seconds, self._client)
        self._api = ApiClient(self._address.url, transport, self._idle_seconds)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    @property
    def prompt_tokens(self) -> int:
        """Tokens that the server has read so far, by its own count."""
        return self._prompt_tokens

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
        return (await self._asked({"messages": list(messages)}, 1))[0]

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
            found[start : start + len(batch)] = await self._asked({"input": batch}, len(batch))

        with single_error():
            async with anyio.create_task_group() as group:
                for start in range(0, len(inputs), self._batch):
                    group.start_soon(ask, start)
        return found

    async def _asked(self, body: dict[str, Any], count: int) -> list[Rewards]:
        if self._model is not None:
            body["model"] = self._model
        address = self._opened.url + _PATH
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._places:
                    answer = await self._post(body)
                self._prompt_tokens += prompt_tokens_in(address, answer)
                return read_rewards(address, answer, count)
            except ForkjoinError as error:
                delay = delay_before_retry(self._retry, attempt, error, self._random)
                if delay is None:
                    raise
            await anyio.sleep(delay)

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._opened.post(_PATH, body)
        except (RequestRejected, NotAnEngine) as error:
            if isinstance(error, RequestRejected) and "Not Found" not in str(error):
                raise
            raise NotAnEngine(
                f"{self._opened.url} does not serve a reward model, as it has no {_PATH}: start one there with "
                f"`vllm serve MODEL --runner pooling`, or give the address of one"
            ) from error

    @property
    def _opened(self) -> ApiClient:
        if self._api is None:
            raise RuntimeError(
                "the server is not open: use `async with RewardServer(url) as server`"
            )
        return self._api
