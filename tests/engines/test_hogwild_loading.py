from __future__ import annotations

import logging
import shutil
from pathlib import Path

import anyio
import pytest
import torch

from engines import UsageError, embedded_model
from engines.hogwild.model.loading import load
from tests.engines.hogwild_reference import random_model

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    pytest.mark.filterwarnings("ignore"),
]


def with_tokenizer(folder: Path, vocabulary: int) -> str:
    """A small model with the tokenizer of the embedded one."""
    random_model("llama", torch.float32, vocab_size=vocabulary).save_pretrained(folder)
    embedded = anyio.run(embedded_model.prepare)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(embedded) / name, folder)
    return str(folder)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path: Path) -> None:
    _, tokenizer = load(with_tokenizer(tmp_path, 49152), None, "cpu")
    assert tokenizer.vocabulary == 49152
    with pytest.raises(UsageError, match=r"has 49152 tokens and the model knows 49151: use the"):
        load(with_tokenizer(tmp_path, 49151), None, "cpu")


def test_a_refusal_is_all_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Its ends are beyond that, of which transformers warns.
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "vocab_size": 101}')
    logger = logging.getLogger("transformers")
    logger.addHandler(caplog.handler)
    level = logger.level
    caplog.clear()
    try:
        with pytest.raises(UsageError, match="this one is of the type gpt2"):
            load(str(tmp_path), None, "cpu")
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert logger.level == level
