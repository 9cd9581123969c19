"""What tells the weights of a model from others, wherever they lie: what is measured belongs to them, not to a path.

    smollm2          SmolLM2-135M-Instruct
    an adapter       SmolLM2-135M-Instruct+5f0c...     its base, and the digest of what it adds
    another folder   weights 81d2...                   of its files
    on the hub       its name

Known without loading anything, so that no engine starts in vain.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from engines import embedded_model
from engines.adapters.shipped import shipped_adapter
from engines.kept_folder import checksum
from engines.model_choice import choose_model
from orchestrator.runs.run_folder import folder_errors

_FILES = ("config.json", "*.safetensors", "*.bin")


def weights_of(model: str | None) -> str:
    """What tells the weights of a model, as `local_engine` would open it, from others.

    Raises:
        UsageError: There is no such model, or it is a damaged adapter.
        ModelPreparationFailed: The adapter that comes with forkjoin is damaged.
        RunFolderError: Its folder cannot be read.
    """
    choice = choose_model(model)
    adapter = choice.adapter
    if choice.model is None:
        base, adapter = embedded_model.NAME, shipped_adapter()
    else:
        base = _base(choice.model)
    return base if adapter is None else f"{base}+{adapter.digest}"


def without_adapter(weights: str) -> str:
    """What tells the weights that an adapter was added to, from what `weights_of` tells of both."""
    return weights.partition("+")[0]


def _base(model: str) -> str:
    folder = Path(model)
    if model == embedded_model.PLAIN:
        return embedded_model.NAME
    if not folder.is_dir():
        return model
    whole = hashlib.sha256()
    with folder_errors(folder):
        for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
            whole.update(f"{path.name} {checksum(path)}\n".encode())
    return f"weights {whole.hexdigest()[:12]}"
