"""An embedding model on a server: texts in, vectors out.

texts ── batches of so many, in order ──> POST /v1/embeddings ─> a vector a text

`/v1/embeddings` is what vLLM and other OpenAI-compatible servers answer. It does not know what vectors are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import anyio

from ..error_groups import single_error
from ..errors import UsageError
from ..wrappers.retry import RetryPolicy
from .embedding_reading import Embedding, read_embeddings
from .side_server import SideServer

if TYPE_CHECKING:
    import httpx

_PATH = "/v1/embeddings"


class EmbeddingServer(SideServer):
    """An embedding model on a server: `async with EmbeddingServer(url) as server`.

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
        "does not serve an embedding model, as it has no {path}: start one there with "
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
        if batch < 1:
            raise UsageError(f"batch={batch} asks for no embeddings: give at least 1")
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

    async def of_texts(self, texts: Sequence[str]) -> list[Embedding]:
        """The embeddings of texts, in their order, all of one length.

        Raises:
            RequestRejected: The server refuses a text, as one that is too long (`ContextTooLong`).
            EngineUnavailable: It does not answer, or takes no more, however often it was tried.
            NotAnEngine: It serves no embedding model.
            EngineError: A number is none.
        """
        found: list[Embedding] = [()] * len(texts)

        async def ask(start: int) -> None:
            batch = texts[start : start + self._batch]
            answer = await self._asked(_PATH, {"input": batch})
            found[start : start + len(batch)] = read_embeddings(self._at(_PATH), answer, len(batch))

        with single_error():
            async with anyio.create_task_group() as group:
                for start in range(0, len(texts), self._batch):
                    group.start_soon(ask, start)
        return found
