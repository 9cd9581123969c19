"""A model on a vLLM server beside the run's engines, such as one that judges: connected to, asked, and asked again.

It does not know what requests mean; `reward_server`, `next_token_server` and `embedding_server` do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import anyio

from ..error_groups import single_error
from ..errors import ForkjoinError, NotAnEngine, RequestRejected, UsageError
from ..wrappers.retry import RetryPolicy, delay_before_retry
from .answer_shape import prompt_tokens_in
from .api_client import ApiClient
from .connecting import authorization, transport_to
from .server_address import ServerAddress

if TYPE_CHECKING:
    import httpx

Input = TypeVar("Input")
Found = TypeVar("Found")


class SideServer:
    """The base of these servers: `async with RewardServer(url) as server`.

    Its tokenizer is its own, so what another model said goes there as a conversation or a text.

    Args:
        url: The server's address, with or without `/v1`.
        model: The served model to use; None is the one there.
        api_key: The server's key; None takes OPENAI_API_KEY, except with a client, whose auth is its own.
        in_flight: The most requests at once, at least 1; the server makes batches of them itself.
        retry: How often to try what may succeed later, as where the server takes no more now.
        idle_seconds: How long the server may send nothing before a request fails.
        connect_seconds: How long a connection may take to come about.
        client: An httpx client of your own; you close it.
    """

    _absent: ClassVar[str]
    """What it means where the server has no such route, and what to start instead."""

    def __init__(
        self,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        in_flight: int = 32,
        retry: RetryPolicy | None = None,
        idle_seconds: float = 600,
        connect_seconds: float = 60,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        _require_requests(in_flight=in_flight)
        self._address = ServerAddress.parse(url)
        self._headers = authorization(self._address, api_key, client)
        self._model = model
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

    async def _in_batches(
        self,
        inputs: Sequence[Input],
        batch: int,
        ask: Callable[[Sequence[Input]], Awaitable[list[Found]]],
    ) -> list[Found]:
        """What is found for inputs, in their order; so many of them in a request, requests side by side.

        Raises:
            UsageError: A request would be of nothing.
        """
        _require_requests(batch=batch)
        batches = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
        found: list[list[Found]] = [[] for _ in batches]

        async def fill(number: int) -> None:
            found[number] = await ask(batches[number])

        with single_error():
            async with anyio.create_task_group() as group:
                for number in range(len(batches)):
                    group.start_soon(fill, number)
        return list(chain.from_iterable(found))

    async def _asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request, tried again where that may help."""
        if self._model is not None:
            body = {**body, "model": self._model}
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._places:
                    answer = await self._post(path, body)
                self._prompt_tokens += prompt_tokens_in(self._at(path), answer)
                return answer
            except ForkjoinError as error:
                delay = delay_before_retry(self._retry, attempt, error, self._random)
                if delay is None:
                    raise
            await anyio.sleep(delay)

    def _at(self, path: str) -> str:
        """The address of a route, for messages."""
        return self._opened.url + path

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._opened.post(path, body)
        except (RequestRejected, NotAnEngine) as error:
            if isinstance(error, RequestRejected) and "Not Found" not in str(error):
                raise
            raise NotAnEngine(
                f"{self._opened.url} {self._absent.format(path=path)}, or give the address of one"
            ) from error

    @property
    def _opened(self) -> ApiClient:
        if self._api is None:
            name = type(self).__name__
            raise RuntimeError(f"the server is not open: use `async with {name}(url) as server`")
        return self._api


def _require_requests(**counts: int) -> None:
    for name, number in counts.items():
        if number < 1:
            raise UsageError(f"{name}={number} asks for nothing: give at least 1")
