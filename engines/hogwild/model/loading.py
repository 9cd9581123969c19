"""Loads a model and its tokenizer without a word on the terminal, where progress and answers are written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging as transformers_logging

from ...errors import UsageError
from .tokenizing import ModelTokenizer
from .torch_model import TorchModel


def load(path: str, dtype: str | None, device: str | None) -> tuple[TorchModel, ModelTokenizer]:
    """The model and its tokenizer; see `TorchModel.load`.

    Raises:
        UsageError: There is no such model, device or dtype, the model is not supported, or the tokenizer is another's.
    """
    with _silence():
        model = TorchModel.load(path, dtype=dtype, device=device)
        tokenizer = ModelTokenizer.load(path)
    if tokenizer.vocabulary > model.vocabulary:
        raise UsageError(
            f"the tokenizer of {path} has {tokenizer.vocabulary} tokens and the model knows {model.vocabulary}: use "
            f"the tokenizer that belongs to the model"
        )
    return model, tokenizer


@contextmanager
def _silence() -> Iterator[None]:
    """Without bars, warnings and the hub's word on every retry; what the caller has chosen comes back at the end."""
    loggers = [logging.getLogger(name) for name in ("huggingface_hub", "transformers")]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()
