"""A run that was stopped goes on: adapter, optimiser and how far it has come, in a file that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engines import ForkjoinError, UsageError
from orchestrator.runs.run_folder import folder_errors

from .model import AdaptedModel

_NAME = "checkpoint.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a training has come, over all its runs.

    Attributes:
        steps: That are done.
        tokens: Of tries, that were computed.
        seconds: That it took.
    """

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0


def write(
    folder: Path,
    model: AdaptedModel,
    optimizer: Any,
    progress: Progress,
    settings: Mapping[str, Any],
) -> None:
    """Takes the place of the checkpoint that is there.

    Raises:
        UsageError: The weights are no numbers any more; what is there is left.
        RunFolderError: It cannot be written.
    """
    weights = [weight.detach().cpu() for weight in model.parameters]
    if not all(weight.isfinite().all() for weight in weights):
        raise UsageError(
            f"after step {progress.steps} the adapter has numbers that are not finite: take another folder and a "
            f"smaller --rate"
        )
    state = {
        "settings": dict(settings),
        "progress": asdict(progress),
        "weights": weights,
        "optimizer": optimizer.state_dict(),
    }
    part = folder / f"{_NAME}.part"
    with folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Through a file of ours: on a full disk, torch's own raises no OSError.
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / _NAME)


def read(
    folder: Path, model: AdaptedModel, optimizer: Any, settings: Mapping[str, Any]
) -> Progress:
    """Puts back what is there, if anything is.

    Returns:
        How far the training had come.

    Raises:
        UsageError: It was made with other settings, or is damaged.
        RunFolderError: It cannot be read.
    """
    path = folder / _NAME
    try:
        with folder_errors(folder):
            if not path.exists():
                return Progress()
            state = torch.load(path, map_location="cpu", weights_only=True)
        known = dict(state["settings"])
        weights, optimized = list(state["weights"]), state["optimizer"]
        progress = Progress(**state["progress"])
    except ForkjoinError:
        raise
    # Of a file that is none, `torch.load` raises anything; so does a state with other parts than these.
    except Exception as error:
        raise UsageError(
            f"{path} is damaged: take it away to begin again, or take another folder"
        ) from error
    other = sorted(name for name in settings if settings[name] != known.get(name))
    if other:
        told = ", ".join(_difference(name, known.get(name), settings[name]) for name in other)
        raise UsageError(
            f"{path} was made with other settings, {told}: take the same, or another folder"
        )
    for weight, kept in zip(model.parameters, weights, strict=True):
        weight.data.copy_(kept)
    optimizer.load_state_dict(optimized)
    return progress


def _difference(name: str, known: Any, wanted: Any) -> str:
    """Of pairs, such as the shares of skills, those alone that are not the same."""
    if not (isinstance(known, tuple) and isinstance(wanted, tuple)):
        return f"{name} {known} and not {wanted}"
    before, now = dict(known), dict(wanted)
    told = [
        f"{key} {before.get(key, 'none')} and not {now.get(key, 'none')}"
        for key in before | now
        if before.get(key) != now.get(key)
    ]
    return f"{name} of {', '.join(told)}" if told else f"{name} in another order"
