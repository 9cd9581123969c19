"""The loop: AdamW, a short warm-up, then a cosine to nearly nothing; it stops when its time is up, to go on later."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from . import checkpoint
from .lessons import Source, ahead
from .model import AdaptedModel

_WARM_UP = 30
_LEAST_RATE = 0.02
_LARGEST_GRADIENT = 1.0
_STEPS_BETWEEN_LINES = 50
_SECONDS_BETWEEN_CHECKPOINTS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how fast.

    Attributes:
        steps: In all, over all runs.
        rate: The learning rate at its peak.
    """

    steps: int
    rate: float = 2e-3

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < _WARM_UP:
            return self.rate * (step + 1) / _WARM_UP
        done = (step - _WARM_UP) / max(1, self.steps - _WARM_UP)
        return self.rate * (_LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * done)) / 2)


def train(
    model: AdaptedModel,
    source: Source,
    plan: Plan,
    folder: Path,
    *,
    seconds: float = math.inf,
    processes: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> bool:
    """Trains until all steps are done or the time is up.

    Args:
        model: Its adapter is trained, from the checkpoint on if there is one.
        source: Makes the rows.
        plan: Steps and rates.
        folder: Where the checkpoint is.
        seconds: After so many the run stops, with a checkpoint.
        processes: So many make rows.
        say: Gets a line now and then.

    Returns:
        Whether all steps are done.

    Raises:
        OtherRun: The checkpoint is of other settings.
    """
    optimizer = torch.optim.AdamW(
        model.parameters,
        lr=plan.rate,
        betas=(0.9, 0.95),
        weight_decay=0.0,
        fused="cuda" in model.device,
    )
    settings: dict[str, Any] = {
        "plan": asdict(plan), "source": asdict(source) | {"tokenizer": None}
    }  # fmt: skip
    first = checkpoint.read(folder, model, optimizer, settings)
    start = kept = time.monotonic()
    step = first
    heard = _Heard(say, plan.steps)
    for rows in ahead(source, range(first, plan.steps), processes):
        _step(model, optimizer, rows, plan.rate_at(step), heard)
        step += 1
        heard.tell(step, rows.tokens.size)
        now = time.monotonic()
        if now - start > seconds:
            break
        if now - kept > _SECONDS_BETWEEN_CHECKPOINTS:
            checkpoint.write(folder, model, optimizer, step, settings)
            kept = now
    checkpoint.write(folder, model, optimizer, step, settings)
    return step >= plan.steps


def _step(model: AdaptedModel, optimizer: Any, rows: Any, rate: float, heard: _Heard) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = model.loss(rows)
    loss.mean.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters, _LARGEST_GRADIENT)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    heard.add(loss.mean.detach(), loss.right.detach())


class _Heard:
    """Tells how it goes; looks at what the GPU has computed only when it tells."""

    def __init__(self, say: Callable[[str], None], steps: int) -> None:
        self._say = say
        self._steps = steps
        self._losses: list[Any] = []
        self._rights: list[Any] = []
        self._since = time.monotonic()

    def add(self, loss: Any, right: Any) -> None:
        self._losses.append(loss)
        self._rights.append(right)

    def tell(self, step: int, tokens: int) -> None:
        if step % _STEPS_BETWEEN_LINES and step != self._steps:
            return
        loss, right = (float(torch.stack(all).mean()) for all in (self._losses, self._rights))
        seconds = time.monotonic() - self._since
        speed = tokens * len(self._losses) / seconds
        self._say(
            f"step {step} of {self._steps}  loss {loss:.4f}  right {100 * right:.2f} %  {speed / 1000:.0f}k tokens/s"
        )
        self._losses, self._rights, self._since = [], [], time.monotonic()
