"""The adapter that comes with forkjoin: the one place that says whether there is one.

It is trained by `training` on the embedded model. Where the folder is missing, the embedded model is the plain one.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelPreparationFailed, UsageError
from .adapter import LoraAdapter, read_adapter
from .checksums import check_checksums

SHIPPED = Path(__file__).parents[1] / "forkjoin_adapter"
"""Where it lies: `adapter_config.json`, `adapter_model.safetensors`, `SHA256SUMS` and its model card."""


def is_shipped() -> bool:
    """Whether this forkjoin has an adapter."""
    return SHIPPED.is_dir()


def shipped_adapter() -> LoraAdapter | None:
    """The adapter, compared with its checksums, which takes some hundredths of a second; None where there is none.

    Raises:
        ModelPreparationFailed: It is damaged.
    """
    if not is_shipped():
        return None
    try:
        adapter = read_adapter(SHIPPED)
        check_checksums(adapter)
    except UsageError as error:
        raise ModelPreparationFailed(
            f"the adapter that comes with forkjoin cannot be used: {error}; install forkjoin again, or use the plain "
            f"model: smollm2"
        ) from error
    return adapter
