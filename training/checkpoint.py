"""A run that was stopped goes on: adapter, optimiser and number of steps, in a file that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .model import AdaptedModel

_NAME = "checkpoint.pt"


class OtherRun(ValueError):
    """The folder holds a run with other settings."""


def write(
    folder: Path, model: AdaptedModel, optimizer: Any, step: int, settings: Mapping[str, Any]
) -> None:
    """Takes the place of the checkpoint that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{_NAME}.part"
    state = {
        "settings": dict(settings),
        "step": step,
        "weights": [weight.detach().cpu() for weight in model.parameters],
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, part)
    os.replace(part, folder / _NAME)


def read(folder: Path, model: AdaptedModel, optimizer: Any, settings: Mapping[str, Any]) -> int:
    """Puts back what is there, if anything is.

    Returns:
        The number of the next step.

    Raises:
        OtherRun: It was made with other settings.
    """
    path = folder / _NAME
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["settings"] != dict(settings):
        other = sorted(name for name in settings if settings[name] != state["settings"].get(name))
        raise OtherRun(
            f"{path} was made with another {', '.join(other)}: take the same, or another folder"
        )
    for weight, kept in zip(model.parameters, state["weights"], strict=True):
        weight.data.copy_(kept)
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    return step
