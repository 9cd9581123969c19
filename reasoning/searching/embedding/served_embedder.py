"""Embeds texts with a model on a server, such as `vllm serve MODEL --runner pooling`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from engines import UsageError

from .distinct import embedded_once

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class ServedEmbedder:
    """An embedding model behind `/v1/embeddings`, of vLLM or another server.

    vLLM cuts texts that are too long for the model. What it reads are tokens of its server, not of the engine, and so
    no part of a search's usage.

    Attributes:
        url: The server's address, with or without `/v1`.
        model: The served model to use; None is the one there.
        batch: The most texts in one request, at least 1.
    """

    url: str = ""
    model: str | None = None
    batch: int = 32

    def __post_init__(self) -> None:
        """Refuses what is no address, and to ask for nothing."""
        if self.url:
            # Only what has an address needs to know how one looks.
            from engines.remote.server_address import ServerAddress

            ServerAddress.parse(self.url)
        if self.batch < 1:
            raise UsageError(f"batch={self.batch} asks for no embeddings: give at least 1")

    @property
    def problem(self) -> str:
        """What it needs before it can embed; empty if nothing."""
        if self.url:
            return ""
        return (
            "a served embedder needs the address of its server: set url (on a command line rule.embedder.url, as in "
            "--set method.rule.embedder.url=http://127.0.0.1:8001)"
        )

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Asks the server for all texts at the same time.

        Raises:
            UsageError: There is no address.
            EngineError: The server does not answer, or its model embeds nothing.
        """
        if self.problem:
            raise UsageError(self.problem)
        return await embedded_once(texts, self._ask)

    async def _ask(self, texts: Sequence[str]) -> np.ndarray:
        # On first use, since it brings an HTTP library.
        from engines.remote.embedding_server import EmbeddingServer

        async with EmbeddingServer(self.url, self.model) as server:
            embeddings = await server.of_texts(texts, batch=self.batch)
        return await anyio.to_thread.run_sync(_rows, embeddings)


def _rows(embeddings: Sequence[Sequence[float]]) -> np.ndarray:
    import numpy as np

    rows = np.array(embeddings, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths > 0, lengths, 1)
    return rows
