"""Reads a model of transformers, all of whose weights have to be there as its configuration says.

    folder ─> configuration ─> weights ─> none missing, none of another shape, none left over in a layer

transformers fills up what is missing with random numbers and goes on. It knows no attention and no device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM

from ...errors import UsageError


def configuration(path: str) -> Any:
    """The configuration of a model, from its folder or the hub.

    Raises:
        UsageError: There is none.
    """
    try:
        return AutoConfig.from_pretrained(path)
    except Exception as error:  # transformers raises what it likes.
        raise _unreadable(path, error) from error


def weights(path: str, dtype: str, **options: Any) -> Any:
    """The model with its weights, on the CPU.

    Args:
        path: A folder, or a name on the hub.
        dtype: `auto` is the model's own.
        options: Others of transformers' `from_pretrained`.

    Raises:
        UsageError: They cannot be read, or are not those of its configuration.
    """
    try:
        # Other shapes are let through so that they can be told: of themselves they are told on the terminal only.
        model, report = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    except SafetensorError as error:
        raise UsageError(
            f"the weights of {path} are damaged ({first_line(error).rstrip('.')}): download the model again"
        ) from error
    except Exception as error:  # transformers raises what it likes.
        raise _unreadable(path, error) from error
    _require_all(path, report)
    return model


def first_line(error: BaseException) -> str:
    """What an error says in its first line, as a sentence."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if line.endswith(".") else f"{line}."


def _unreadable(path: str, error: Exception) -> UsageError:
    return UsageError(
        f"{path} cannot be loaded: {first_line(error)} Give the folder of a model, or its name on the Hugging Face hub"
    )


def _require_all(path: str, report: Mapping[str, Any]) -> None:
    if missing := report["missing_keys"]:
        raise UsageError(
            f"the weights of {path} lack {min(missing)}{_more(missing)}: download the model again"
        )
    if mismatched := report["mismatched_keys"]:
        name, found, expected = min(mismatched)
        raise UsageError(
            f"{name} of {path} has the shape {list(found)} and config.json says {list(expected)}: use the config.json "
            f"that belongs to the weights"
        )
    # Outside of the layers there may be other heads, which the model does without.
    left_over = [name for name in report["unexpected_keys"] if name.startswith("model.layers.")]
    if left_over:
        raise UsageError(
            f"the weights of {path} have {min(left_over)}{_more(left_over)}, which config.json knows nothing of: use "
            f"the config.json that belongs to the weights"
        )


def _more(names: Any) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
