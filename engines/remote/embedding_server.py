"""An embedding model on a server: texts in, vectors out.

texts ── batches of so many, in order ──> POST /v1/embeddings ─> a vector a text

`/v1/embeddings` is what vLLM and other OpenAI-compatible servers answer. It does not know what vectors are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..errors import ContextTooLong
from .embedding_reading import Embedding, read_embeddings
from .side_server import SideServer

_PATH = "/v1/embeddings"
# What vLLM takes for: no more tokens than the model can read.
_CUT = {"truncate_prompt_tokens": -1}


class EmbeddingServer(SideServer):
    """An embedding model on a server: `async with EmbeddingServer(url) as server`. It is made as any `SideServer`."""

    _absent: ClassVar[str] = (
        "does not serve an embedding model, as it has no {path}: start one there with "
        "`python -m vllm.entrypoints.openai.api_server --model MODEL --runner pooling`"
    )

    async def of_texts(self, texts: Sequence[str], *, batch: int = 32) -> list[Embedding]:
        """The embeddings of texts, in their order, all of one length.

        vLLM cuts a text that is too long for the model; other servers may refuse it.

        Args:
            texts: The texts.
            batch: The most texts in one request, at least 1.

        Raises:
            RequestRejected: The server refuses a text, as one that is too long (`ContextTooLong`).
            EngineUnavailable: It does not answer, or takes no more, however often it was tried.
            NotAnEngine: It serves no embedding model, or embeds texts in different numbers.
            EngineError: A number is none.
        """
        return await self._in_batches(texts, batch, self._embeddings)

    async def _embeddings(self, texts: Sequence[str]) -> list[Embedding]:
        body: dict[str, Any] = {"input": texts}
        try:
            answer = await self._asked(_PATH, body)
        except ContextTooLong:
            # Not at once, since others than vLLM may refuse what they do not know.
            answer = await self._asked(_PATH, body | _CUT)
        return read_embeddings(self._at(_PATH), answer, len(texts))
