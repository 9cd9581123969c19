"""`python -m training train`: trains the adapter, in as many runs as it takes."""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import anyio
import torch
from rich.console import Console

from engines import ForkjoinError, embedded_model
from orchestrator.runs.run_folder import folder_errors

from .checkpoint import Progress
from .lessons import Source, shares_of
from .loop import Plan, train
from .model import BASE, RANK, AdaptedModel
from .option_types import count, not_negative, positive
from .practice import practised
from .skills.catalogue import SKILLS
from .stopping import Stopping
from .training_record import TrainingRecord

# More would take time from the one that feeds the GPU, and these make rows for twice its speed.
_MOST_PROCESSES = 6


def command(arguments: Sequence[str]) -> None:
    """Trains; the adapter as far as it has come lies in OUT/adapter.

    A run that stops before all steps are done, for its time is up or by Ctrl-C or SIGTERM, exits with 75 (try again),
    so that a script can repeat it until it exits with 0.
    """
    options = _parser().parse_args(arguments)
    try:
        with Stopping(60 * options.minutes) as stopping:
            done = _train(options, stopping)
    except ForkjoinError as error:
        sys.exit(f"training: {error}")
    except KeyboardInterrupt:
        sys.exit("training: stopped at once; the same command goes on from the last checkpoint")
    if not done:
        _say("stopped before all steps were done: the same command goes on")
        sys.exit(os.EX_TEMPFAIL)


def _train(options: argparse.Namespace, stopping: Stopping) -> bool:
    """Returns whether all steps are done."""
    with folder_errors(options.out):
        options.out.mkdir(parents=True, exist_ok=True)
    folder = options.model or str(anyio.run(embedded_model.prepare))
    source = Source(
        tokenizer=options.tokenizer or folder,
        shares=shares_of(options.skills),
        rows=options.rows,
        length=options.length,
        seed=options.seed,
    )
    plan = Plan(steps=options.steps, rate=options.rate)
    model = _model(folder, options)
    _say(_begun(model, source, options.processes))
    progress = train(
        model,
        source,
        plan,
        options.out,
        stopped=stopping,
        processes=options.processes,
        say=_say,
    )
    record = _record(model, source, plan, progress)
    done = progress.steps >= plan.steps
    if done:
        record = record.model_copy(update={"practised": tuple(practised(model, source))})
        for skill in record.practised:
            _say(
                f"{skill.skill:16} loss {skill.loss:.4f}  right {100 * skill.right:.2f} % of {skill.tokens} tokens"
            )
    adapter = options.out / "adapter"
    with folder_errors(options.out):
        model.save(adapter)
        # PEFT's, a page to be filled in; `ship` writes a card.
        (adapter / "README.md").unlink(missing_ok=True)
    record.write(adapter)
    _say(f"the adapter, after {progress.steps} of {plan.steps} steps, is in {adapter}")
    return done


def _say(line: str) -> None:
    Console(highlight=False, soft_wrap=True).print(line)


def _model(folder: str, options: argparse.Namespace) -> AdaptedModel:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        _say(
            "there is no GPU here: a step that takes one 0.2 s takes this processor minutes, and some GB of memory a "
            "row: try --rows 1"
        )
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    return AdaptedModel(folder, device, rank=options.rank)


def _begun(model: AdaptedModel, source: Source, processes: int) -> str:
    parameters = sum(map(torch.numel, model.parameters))
    skills = ", ".join(name for name, _ in source.shares)
    return (
        f"training an adapter of {parameters:,} parameters, rank {model.rank}, on {_machine(model)}; "
        f"processes that make lessons: {processes}; skills: {skills}"
    )


def _machine(model: AdaptedModel) -> str:
    return torch.cuda.get_device_name() if model.on_gpu else platform.machine()


def _record(model: AdaptedModel, source: Source, plan: Plan, progress: Progress) -> TrainingRecord:
    return TrainingRecord(
        base=BASE,
        rank=model.rank,
        planned=plan.steps,
        steps=progress.steps,
        rows=source.rows,
        length=source.length,
        rate=plan.rate,
        seed=source.seed,
        shares=dict(source.shares),
        tokens=progress.tokens,
        seconds=progress.seconds,
        machine=_machine(model),
        packages={name: version(name) for name in ("torch", "transformers", "peft")},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training train",
        description="Trains the adapter of the embedded model, in as many runs as it takes: a run that was stopped "
        "exits with 75, and the same command goes on.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="checkpoint and adapter go here")
    add("--model", metavar="FOLDER", help="the base model (default: the embedded one)")
    add("--tokenizer", metavar="FOLDER", help="of another than the model's")
    add("--steps", type=positive, default=3600, help="in all, over all runs (3600)")
    add("--minutes", type=not_negative, default=math.inf,
        help="stop after the step at which so many are over since the start, to go on later")  # fmt: skip
    add("--skills", nargs="+", default=(), choices=sorted(SKILLS), metavar="SKILL",
        help=f"of {', '.join(SKILLS)} (default: all)")  # fmt: skip
    add("--rank", type=positive, default=RANK, help=f"of the adapter ({RANK})")
    add("--rate", type=not_negative, default=2e-3, help="learning rate at its peak (0.002)")
    add("--rows", type=positive, default=9, help="rows a step (9)")
    add("--length", type=positive, default=2816, help="tokens a row (2816)")
    add("--seed", type=int, default=0, help="of lessons and first weights (0)")
    # One core is for the process that feeds the GPU; in a container a machine may show more than one may use.
    cores = min(_MOST_PROCESSES, max(1, len(os.sched_getaffinity(0)) - 1))
    add("--processes", type=count, default=cores,
        help=f"make lessons; with 0 the training makes them itself ({cores} here)")  # fmt: skip
    return parser
