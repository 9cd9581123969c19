"""`python -m training train`: trains the adapter, in as many runs as it takes."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import torch
from rich.console import Console

from engines import embedded_model

from .checkpoint import OtherRun
from .lessons import Source, shares_of
from .loop import Plan, train
from .model import RANK, AdaptedModel
from .practice import practised
from .skills.catalogue import SKILLS

_MOST_PROCESSES = 14


def command(arguments: Sequence[str]) -> None:
    """Trains; the adapter as far as it has come lies in OUT/adapter."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    folder = options.model or str(anyio.run(embedded_model.prepare))
    source = Source(
        tokenizer=options.tokenizer or folder,
        shares=shares_of(options.skills),
        rows=options.rows,
        length=options.length,
        seed=options.seed,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    model = AdaptedModel(folder, device, rank=options.rank)
    try:
        done = train(
            model,
            source,
            Plan(steps=options.steps, rate=options.rate),
            options.out,
            seconds=60 * options.minutes,
            processes=options.processes,
            say=console.print,
        )
    except OtherRun as error:
        sys.exit(f"training: {error}")
    model.save(options.out / "adapter")
    if not done:
        console.print(f"the time is up: the same command goes on from {options.out}")
        return
    for name, loss, right, tokens in practised(model, source):
        console.print(f"{name:16} loss {loss:.4f}  right {100 * right:.2f} % of {tokens} tokens")
    console.print(f"the adapter is in {options.out / 'adapter'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="checkpoint and adapter go here")
    parser.add_argument("--model", help="folder of the base model (the embedded one)")
    parser.add_argument("--tokenizer", help="folder of the tokenizer (the model's)")
    parser.add_argument("--steps", type=int, default=1700, help="in all, over all runs (1700)")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so many, to go on later"
    )
    parser.add_argument("--skills", nargs="+", default=(), choices=sorted(SKILLS), metavar="SKILL")
    parser.add_argument("--rank", type=int, default=RANK, help=f"of the adapter ({RANK})")
    parser.add_argument(
        "--rate", type=float, default=2e-3, help="learning rate at its peak (0.002)"
    )
    parser.add_argument("--rows", type=int, default=18, help="rows a step (18)")
    parser.add_argument("--length", type=int, default=1408, help="tokens a row (1408)")
    parser.add_argument("--seed", type=int, default=0)
    # One core is for the process that feeds the GPU; in a container a machine may show more than one may use.
    cores = min(_MOST_PROCESSES, max(1, len(os.sched_getaffinity(0)) - 1))
    parser.add_argument("--processes", type=int, default=cores, help=f"make lessons ({cores} here)")
    return parser
