"""The loop: AdamW, a short warm-up, then a cosine to nearly nothing; it stops when it is told to, to go on later."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engines import ForkjoinError

from . import checkpoint
from .checkpoint import Progress
from .lesson_processes import ProcessDied, ahead
from .lessons import Source
from .model import AdaptedModel
from .rows import Rows

_WARM_UP = 30
_LEAST_RATE = 0.02
_LARGEST_GRADIENT = 1.0
_STEPS_BEFORE_THE_FIRST_LINE = 3
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
    weights: str = "",
    stopped: Callable[[], bool] = lambda: False,
    processes: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Progress:
    """Trains until all steps are done or it is told to stop, with a checkpoint now and then and at the end.

    Args:
        model: Its adapter is trained, from the checkpoint on if there is one.
        source: Makes the rows.
        plan: Steps and rates.
        folder: Where the checkpoint is.
        weights: What tells the weights of the model from others.
        stopped: Is asked after each step whether it is to be the last one of this run.
        processes: So many make rows.
        say: Gets a line now and then.

    Returns:
        How far it has come, over all runs.

    Raises:
        UsageError: The checkpoint is of other settings or damaged, no row has room for any lesson of a skill, or the
            weights are no numbers any more.
        RunFolderError: The checkpoint cannot be read or written.
        ForkjoinError: One that makes rows was killed, or a skill is wrong; there is a checkpoint.
    """
    optimizer = torch.optim.AdamW(
        model.parameters,
        lr=plan.rate,
        betas=(0.9, 0.95),
        weight_decay=0.0,
        fused=model.on_gpu,
    )
    settings = asdict(plan) | asdict(source) | {"rank": model.rank, "model": weights}
    # Its folder may be another on another machine.
    del settings["tokenizer"]
    progress = before = checkpoint.read(folder, model, optimizer, settings)
    if before.steps < plan.steps:
        left_out = source.left_out()
        begins = f"goes on after step {before.steps:,}" if before.steps else "begins"
        say(f"the training of {plan.steps:,} steps {begins}, {_told(source)} in each")
        if any(left_out.values()):
            say(_about_lessons(source.length, left_out))
    start = kept = time.monotonic()
    heard = _Heard(say, plan.steps, before)

    def keep(progress: Progress) -> None:
        # What has not begun can begin with any settings.
        if progress.steps:
            checkpoint.write(folder, model, optimizer, progress, settings)

    try:
        for rows in ahead(source, range(before.steps, plan.steps), processes):
            _step(model, optimizer, rows, plan.rate_at(progress.steps), heard)
            now = time.monotonic()
            progress = Progress(
                steps=progress.steps + 1,
                tokens=progress.tokens + int(rows.filled.sum()),
                seconds=before.seconds + now - start,
            )
            heard.tell(progress)
            if stopped():
                break
            if now - kept > _SECONDS_BETWEEN_CHECKPOINTS:
                keep(progress)
                kept = now
    except ForkjoinError as error:
        # SIGTERM for a group of processes, as `timeout` sends it, ends those that make lessons too.
        if not (isinstance(error, ProcessDied) and stopped()):
            keep(progress)
            raise
    keep(progress)
    return progress


def _told(source: Source) -> str:
    return f"{source.rows:,} row{'s' if source.rows > 1 else ''} of {source.length:,} tokens"


def _about_lessons(length: int, left_out: Mapping[str, float]) -> str:
    shares = [f"{100 * share:.0f} % of {name}" for name, share in left_out.items() if share]
    return (
        f"rows of {length:,} tokens have no room for about {', '.join(shares)}, which are left out: make rows longer "
        f"with --length"
    )


def _step(model: AdaptedModel, optimizer: Any, rows: Rows, rate: float, heard: _Heard) -> None:
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

    def __init__(self, say: Callable[[str], None], steps: int, before: Progress) -> None:
        self._say = say
        self._steps = steps
        self._first = before.steps + _STEPS_BEFORE_THE_FIRST_LINE
        self._losses: list[Any] = []
        self._rights: list[Any] = []
        self._told = before

    def add(self, loss: Any, right: Any) -> None:
        self._losses.append(loss)
        self._rights.append(right)

    def tell(self, progress: Progress) -> None:
        if not self._is_told(progress.steps):
            return
        loss, right = (float(torch.stack(all).mean()) for all in (self._losses, self._rights))
        speed = (progress.tokens - self._told.tokens) / (progress.seconds - self._told.seconds)
        self._say(
            f"step {progress.steps} of {self._steps}  loss {loss:.4f}  right {100 * right:.2f} %  "
            f"{speed / 1000:.1f}k tokens/s"
        )
        self._losses, self._rights, self._told = [], [], progress

    def _is_told(self, step: int) -> bool:
        return step % _STEPS_BETWEEN_LINES == 0 or step in (self._first, self._steps)
