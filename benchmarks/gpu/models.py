"""Whose speed is measured: a model, or random weights in the shape of a large one, of which nothing is downloaded.

vLLM makes such weights itself (`load_format=dummy`) from a folder that holds a configuration and a tokenizer. The
tokenizer is the embedded model's, and so is the size of the vocabulary: every token that is drawn can be read.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.model_shapes import SHAPES
from engines import UsageError

WINDOW = 8192
"""Tokens, the embedded model's too."""

DUMMY: Mapping[str, Any] = {"load_format": "dummy"}
"""The option of vLLM that makes random weights."""

_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "generation_config.json",
)  # fmt: skip


def write_shape(shape: str, tokenizer: Path, folder: Path) -> Path:
    """Writes a folder that vLLM takes for a model of this shape.

    Args:
        shape: One of `benchmarks.model_shapes.SHAPES`.
        tokenizer: The folder of a model with a tokenizer.
        folder: Where the folder is made.

    Raises:
        UsageError: The model's configuration is none, or does not say how large its vocabulary is.
    """
    try:
        known = json.loads((tokenizer / "config.json").read_text(encoding="utf-8"))
        vocabulary = known["vocab_size"]
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{tokenizer / 'config.json'} tells no size of a vocabulary") from error
    ends = {name: known[name] for name in ("bos_token_id", "eos_token_id") if name in known}
    own = {
        **SHAPES[shape],
        **ends,
        "vocab_size": vocabulary,
        "max_position_embeddings": WINDOW,
        "dtype": "bfloat16",
    }
    made = folder / shape
    made.mkdir(parents=True, exist_ok=True)
    (made / "config.json").write_text(json.dumps(own, indent=1), encoding="utf-8")
    for name in _TOKENIZER:
        if (tokenizer / name).exists():
            shutil.copyfile(tokenizer / name, made / name)
    return made
