"""`python -m training train`: trains the adapter, in as many runs as it takes."""

from __future__ import annotations

import argparse
import math
import os
import platform
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import anyio
import torch
from rich.console import Console

from engines import UsageError, embedded_model
from engines.adapters.checksums import SUMS, write_checksums
from engines.hogwild.model.memory import free_bytes
from engines.model_choice import choose_model, is_merged
from orchestrator.runs.run_folder import check_runs, folder_errors, held

from .checkpoint import Progress
from .lessons import Source, shares_of, tokenizer_in, vocabulary_of
from .loop import Plan, train
from .model import BASE, RANK, AdaptedModel
from .option_types import count, not_negative, positive, whole
from .practice import practised
from .skills.catalogue import SKILLS
from .stopping import Stopping
from .training_record import FILE as RECORD
from .training_record import TrainingRecord
from .weights import weights_of

# More would take time from the one that feeds the GPU, and these make rows for twice its speed.
_MOST_PROCESSES = 6
_ROWS = 9


def command(arguments: Sequence[str]) -> None:
    """Trains; the adapter as far as it has come lies in OUT/adapter.

    A run that stops before all steps are done, for its time is up or by Ctrl-C or SIGTERM, exits with 75 (try again),
    so that a script can repeat it until it exits with 0; a second Ctrl-C stops at once, with 130.

    Raises:
        ForkjoinError: Something that is asked for cannot be, or went wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        with Stopping(60 * options.minutes) as stopping:
            done = _train(options, stopping)
    except KeyboardInterrupt:
        sys.stderr.write(
            "training: stopped at once; the same command goes on from the last checkpoint\n"
        )
        sys.exit(128 + signal.SIGINT)
    if not done:
        _say("stopped before all steps were done: the same command goes on")
        sys.exit(os.EX_TEMPFAIL)


def _train(options: argparse.Namespace, stopping: Stopping) -> bool:
    """Returns whether all steps are done."""
    check_runs(options.out)
    base, folder = _base(options.model)
    weights = weights_of(options.model or embedded_model.PLAIN)
    tokenizer = tokenizer_in(options.tokenizer or folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = Source(
        tokenizer=options.tokenizer or folder,
        shares=shares_of(options.skills),
        rows=options.rows or (_ROWS if device == "cuda" else 1),
        length=options.length,
        seed=options.seed,
        vocabulary=vocabulary_of(tokenizer),
    )
    plan = Plan(steps=options.steps, rate=options.rate)
    if device == "cpu":
        chosen = "" if options.rows else f", and a step has one row, not {_ROWS}"
        _say(
            f"there is no GPU here: a step that takes one 0.2 s takes this processor minutes{chosen}"
        )
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    model = AdaptedModel(folder, device, rank=options.rank, base=base)
    _check_fits(model, source, len(tokenizer))
    with _for_itself(options.out):
        _say(_begun(model, source, options.processes))
        progress = train(
            model,
            source,
            plan,
            options.out,
            weights=weights,
            stopped=stopping,
            processes=options.processes,
            say=_say,
        )
        _save(model, source, plan, progress, options.out)
    return progress.steps >= plan.steps


def _save(
    model: AdaptedModel, source: Source, plan: Plan, progress: Progress, folder: Path
) -> None:
    """Writes the adapter as far as it has come, its checksums and how it came to be."""
    record = _record(model, source, plan, progress)
    if progress.steps >= plan.steps:
        record = record.model_copy(update={"practised": tuple(practised(model, source))})
        for skill in record.practised:
            _say(
                f"{skill.skill:16} loss {skill.loss:.4f}  right {100 * skill.right:.2f} % of {skill.tokens} tokens"
            )
    adapter = folder / "adapter"
    with folder_errors(folder):
        # Whoever is stopped in between leaves no checksums and no record of another adapter.
        for name in (SUMS, RECORD):
            (adapter / name).unlink(missing_ok=True)
        model.save(adapter)
        # PEFT's, a page to be filled in; `ship` writes a card.
        (adapter / "README.md").unlink(missing_ok=True)
        write_checksums(adapter)
    record.write(adapter)
    _say(f"the adapter, after {progress.steps} of {plan.steps} steps, is in {adapter}")


@contextmanager
def _for_itself(folder: Path) -> Iterator[None]:
    """No other process trains there meanwhile.

    Raises:
        RunInUse: One does.
        RunFolderError: The folder cannot be written.
    """
    with folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        yield


def _say(line: str) -> None:
    Console(highlight=False, soft_wrap=True).print(line)


def _base(model: str | None) -> tuple[str, str]:
    """What the model is called that is to be adapted, which is never one with an adapter, and its folder."""
    choice = choose_model(model or embedded_model.PLAIN)
    if choice.adapter is not None or is_merged(model or ""):
        raise UsageError(
            f"{model} holds an adapter, and no model that could be adapted: give the folder of one with --model"
        )
    path = anyio.run(choice.find).path
    if choice.model == embedded_model.PLAIN:
        return BASE, path
    return str(Path(path).absolute()) if Path(path).is_dir() else path, path


def _check_fits(model: AdaptedModel, source: Source, tokens: int) -> None:
    """Refuses tokens that the model does not know, and steps that would be killed for want of memory."""
    if tokens > model.vocabulary:
        raise UsageError(
            f"the tokenizer in {source.tokenizer} has {tokens:,} tokens, and the model knows {model.vocabulary:,}: "
            f"give the model's own with --tokenizer"
        )
    if model.on_gpu:
        return
    row, free = model.bytes_of_step(source.length), free_bytes(torch.device("cpu"))
    if source.rows * row > free:
        fewer = f"take at most --rows {free // row}" if free >= row else "take a smaller --length"
        raise UsageError(
            f"a step of {source.rows:,} x {source.length:,} tokens takes about {source.rows * row / 1e9:.0f} GB of "
            f"memory here, and {free / 1e9:.0f} GB are free: {fewer}"
        )


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
        base=model.base,
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
    add("--tokenizer", metavar="FOLDER", help="the tokenizer (default: the model's)")
    add("--steps", type=positive, default=3400, help="in all, over all runs (3400)")
    add("--minutes", type=not_negative, default=math.inf,
        help="stop after the step at which so many are over since the start, to go on later")  # fmt: skip
    add("--skills", nargs="+", default=(), choices=sorted(SKILLS), metavar="SKILL",
        help=f"of {', '.join(SKILLS)} (default: all)")  # fmt: skip
    add("--rank", type=positive, default=RANK, help=f"of the adapter ({RANK})")
    add("--rate", type=not_negative, default=2e-3, help="learning rate at its peak (0.002)")
    add("--rows", type=positive, help=f"rows a step ({_ROWS}; without a GPU 1)")
    add("--length", type=positive, default=2816, help="tokens a row (2816)")
    add("--seed", type=whole, default=0, help="of lessons and first weights (0)")
    # One core is for the process that feeds the GPU; in a container a machine may show more than one may use.
    cores = min(_MOST_PROCESSES, max(1, len(os.sched_getaffinity(0)) - 1))
    add("--processes", type=count, default=cores,
        help=f"make lessons; with 0 the training makes them itself ({cores} here)")  # fmt: skip
    return parser
