"""Loads a model and its tokenizer without a word on the terminal, where progress and answers are written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging as transformers_logging

from .tokenizing import ModelTokenizer
from .torch_model import TorchModel


def load(path: str, dtype: str | None, device: str | None) -> tuple[TorchModel, ModelTokenizer]:
    """The model and its tokenizer; see `TorchModel.load`.

    Raises:
        UsageError: There is no such model, device or dtype, or the model is not supported.
    """
    with _silence():
        return TorchModel.load(path, dtype=dtype, device=device), ModelTokenizer.load(path)


@contextmanager
def _silence() -> Iterator[None]:
    """Without bars, and without the hub's word on every retry; what the caller has chosen comes back at the end."""
    hub = logging.getLogger("huggingface_hub")
    level, bars = hub.level, transformers_logging.is_progress_bar_enabled()
    hub.setLevel(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        hub.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()
