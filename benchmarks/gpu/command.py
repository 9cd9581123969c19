"""Measures parts of the headline table, one after another, and prints it last.

    parts ─> OUT/gpu.json ─> table

A part that fails leaves the others alone.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import yaml

from benchmarks.report import machine
from engines import ForkjoinError, UsageError, embedded_model, local_engine, single_error

from .models import DUMMY, SHAPES, write_shape
from .part import Engines, Open, Part, Setting
from .record import Record

_DATA = Path(__file__).parents[3] / "shared" / "data"
_ALL = "all"


def measure(
    arguments: Sequence[str], parts: Mapping[str, Part], opened: Open = local_engine
) -> None:
    """Measures what is asked for; exits with 1 where a part could not be measured.

    Args:
        arguments: Of the command line.
        parts: That there are.
        opened: Opens the engines.
    """
    given = _parser(parts).parse_args(arguments)
    try:
        done = anyio.run(partial(_measure, given, parts, opened))
    except ForkjoinError as error:
        sys.exit(f"benchmarks.gpu: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if not done:
        sys.exit(1)


async def _measure(given: argparse.Namespace, parts: Mapping[str, Part], opened: Open) -> bool:
    record = Record(given.out)
    names = [name for name in parts if {name, _ALL}.intersection(given.part)]
    options = _options(given.vllm)
    name, model = await _model(given)
    if given.shape:
        options = {**DUMMY, **options}
    start, done = anyio.current_time(), True
    async with Engines(opened, model, options) as engines:
        setting = Setting(
            engines=engines,
            model=model,
            options=options,
            small=given.small,
            data=given.data,
            say=_say,
        )
        for part in names:
            if anyio.current_time() - start > 60 * given.minutes:
                _say(
                    f"{part}: no time is left (--minutes); give it with --part, the others are kept"
                )
                done = False
                continue
            done &= await _part(part, parts[part], name, setting, record)
    for table in record.tables():
        sys.stdout.write(f"\n{table}\n")
    _say(f"the figures are in {given.out}")
    return done


async def _part(name: str, part: Part, model: str, setting: Setting, record: Record) -> bool:
    """Returns whether it could be measured."""
    _say(f"{name}: begins")
    start = anyio.current_time()
    try:
        # Task groups wrap what ends them.
        with single_error():
            figures = await part(setting)
    except ForkjoinError as error:
        _say(f"{name}: {error}")
        return False
    seconds = anyio.current_time() - start
    record.put(model, _machine(), name, seconds, figures)
    for figure in figures:
        _say("  ".join(filter(None, figure.cells())))
    _say(f"{name}: done in {seconds:,.0f} s")
    return True


async def _model(given: argparse.Namespace) -> tuple[str, str]:
    """What it is called in tables, and its folder."""
    if given.shape:
        tokenizer = await embedded_model.prepare()
        return given.shape, str(write_shape(given.shape, tokenizer, given.out / "models"))
    if given.model:
        return Path(given.model).name, given.model
    return embedded_model.NAME, str(await embedded_model.prepare())


def _machine() -> str:
    """The GPU, or the processor where there is none."""
    import torch

    if not torch.cuda.is_available():
        return machine()
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return f"{len(names)} x {names[0]}; {machine()}"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _options(given: Sequence[str]) -> dict[str, Any]:
    """Values are read as YAML: `max_num_seqs=64` is a number."""
    options = {}
    for item in given:
        name, separator, value = item.partition("=")
        if not separator:
            raise UsageError(f"--vllm {item}: write KEY=VALUE, such as max_num_seqs=64")
        options[name] = yaml.safe_load(value)
    return options


def _parser(parts: Mapping[str, Part]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Measures the headline table on one GPU, and prints it last.",
    )
    add = parser.add_argument
    add("--part", nargs="+", required=True, choices=[*parts, _ALL], metavar="NAME",
        help=f"{', '.join(parts)}, or {_ALL}")  # fmt: skip
    add("--out", type=Path, default=Path(".bench/gpu"), metavar="FOLDER",
        help="has gpu.json, with the figures of all calls so far (default: %(default)s)")  # fmt: skip
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--model", metavar="FOLDER", help="default: the plain embedded model")
    model.add_argument("--shape", choices=[*SHAPES], help="random weights in this shape")
    add("--data", type=Path, metavar="FOLDER", default=_DATA if _DATA.is_dir() else None,
        help="of benchmark questions, for parts that ask some")  # fmt: skip
    add("--small", action="store_true", help="measure next to nothing, to see that it works")
    add("--minutes", type=float, default=math.inf, help="begin no part after so many")
    add("--vllm", nargs="+", default=[], metavar="KEY=VALUE", help="options of vLLM: dtype=float16")
    return parser
