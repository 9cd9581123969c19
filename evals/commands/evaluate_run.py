"""Carries out what `forkjoin eval` was asked: loads problems, opens engines, makes one evaluation after another."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from engines import AdaptiveLimiter, CallLimiter, Engine, LimitedEngine, RetryEngine
from orchestrator.commands.call_options import budget_of, call_policy_of, limiter_of
from orchestrator.commands.engine_option import open_engine
from orchestrator.runs.run_files import check_journal
from orchestrator.runs.run_folder import held

from ..evaluation.display import Display
from ..evaluation.evaluating import Evaluated, begin_evaluation, conclude, done, resume_evaluation
from ..evaluation.folder import write_sweep
from ..evaluation.reading import read_evaluation
from ..evaluation.settings import EvaluationSettings
from ..grading.grader import Grader
from ..grading.judge import Judge
from .evaluate_options import RUNS, Order, kept_options
from .evaluate_problems import Asked, Problems
from .evaluated_system import name_of, system_of

# Fewer problems than this say little with one sample of each.
_FEW, _USUAL = 100, 16


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An evaluation of which everything is known but its engine.

    Attributes:
        order: What was asked for.
        settings: The same, as it is carried out.
    """

    order: Order
    settings: EvaluationSettings

    @property
    def complete(self) -> bool:
        """Whether no sample is left to be made."""
        begun = self.order.begun
        if begun is None:
            return False
        evaluation = read_evaluation(begun, threads=False)
        return len(done(evaluation, self.settings.k)) == self.settings.total

    @property
    def runs_on(self) -> tuple[str, str | None]:
        """The engine and the model."""
        return self.order.options.engine, self.order.options.model

    @property
    def judged_by(self) -> tuple[str | None, str | None]:
        """The engine and the model of the judge, which on the same engine is the same model if nobody says."""
        options = self.order.options
        same = options.judge == options.engine and options.judge_model is None
        return options.judge, options.model if same else options.judge_model


async def prepare(orders: Iterable[Order], display: Display) -> list[Prepared]:
    """Loads problems and makes systems; whatever can be wrong without an engine is told here.

    Raises:
        UsageError: Something is.
    """
    problems = Problems()
    prepared: list[Prepared] = []
    for order in orders:
        system = system_of(order.options)
        asked = await problems.of(order)
        options = order.options
        settings = EvaluationSettings(
            name=order.name or name_of(options),
            system=system,
            tasks=asked.tasks,
            problems=asked.problems,
            sources=asked.sources,
            k=options.k,
            budget=budget_of(options),
            calls=call_policy_of(options),
            limiter=limiter_of(options),
            notes={"options": kept_options(options)},
        )
        one = Prepared(order=order, settings=settings)
        if order.begun is not None:
            _check_begun(one, order.begun)
        prepared.append(one)
        _tell(prepared, asked, display)
    return prepared


def _check_begun(one: Prepared, path: Path) -> None:
    begun = read_evaluation(path, threads=False)
    one.settings.check_same(begun, None)
    if begun.problems and not one.complete:
        check_journal(path, begun.configuration.get("journal_dir"))


def keep_order(orders: Sequence[Order]) -> None:
    """Notes in which order a sweep has its systems, for its report.

    Raises:
        RunFolderError: It cannot be written.
    """
    folders = [folder for order in orders if (folder := order.begun or order.out) is not None]
    write_sweep(folders[0].parent, [folder.name for folder in folders])


async def carry_out(
    prepared: Sequence[Prepared], display: Display, tell: Callable[[Evaluated], None]
) -> None:
    """Evaluates one after another; one engine is open for all that run on it.

    Args:
        prepared: What is to be done.
        display: Shows how it goes.
        tell: Told what came of each, while its engine is still open.

    Raises:
        RunError: A folder cannot be written.
        EngineDead: The engine is gone.
    """
    for runs_on, several in groupby(prepared, key=lambda one: one.runs_on):
        group = list(several)
        needed = any(not one.complete or one.judged_by == runs_on for one in group)
        async with AsyncExitStack() as exits:
            opened = None
            if needed:
                opened = await exits.enter_async_context(_opened(group[0].order.options, display))
            for one in group:
                tell(await _evaluate(one, opened, display))


@dataclass(frozen=True)
class _Opened:
    """An engine, and the limiter of all calls on it."""

    engine: Engine
    limiter: CallLimiter


@asynccontextmanager
async def _opened(options: argparse.Namespace, display: Display) -> AsyncIterator[_Opened]:
    opening = open_engine(options, display.notice)
    display.starting(options.engine, options.model)
    async with opening as engine:
        yield _Opened(engine, limiter_of(options) or AdaptiveLimiter(engine))


async def _evaluate(one: Prepared, opened: _Opened | None, display: Display) -> Evaluated:
    order, settings = one.order, one.settings
    async with _graders(one, opened, display) as graders:
        if one.complete or opened is None:
            assert order.begun is not None
            return await _concluded(order.begun, settings, graders)
        settings = replace(settings, limiter=opened.limiter)
        display.say(settings.about)
        if order.begun is not None:
            return await resume_evaluation(
                settings, opened.engine, graders, path=order.begun, watcher=display
            )
        out = None if order.out is None else order.out.absolute()
        return await begin_evaluation(
            settings,
            opened.engine,
            graders,
            base=RUNS if out is None else _shortest(out.parent),
            name=None if out is None else out.name,
            journal_dir=order.options.journal_dir,
            watcher=display,
        )


def _shortest(path: Path) -> Path:
    """The path from here, where it is in this folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


async def _concluded(
    path: Path, settings: EvaluationSettings, graders: Mapping[str, Grader]
) -> Evaluated:
    with held(path):
        concluded = await conclude(read_evaluation(path, threads=False), graders)
    there = len(done(concluded.evaluation, settings.k))
    return Evaluated(path=path, metrics=concluded.metrics, total=settings.total, there=there)


@asynccontextmanager
async def _graders(
    one: Prepared, opened: _Opened | None, display: Display
) -> AsyncIterator[Mapping[str, Grader]]:
    """The graders of the tasks, with a judge where one is asked for."""
    options = one.order.options
    graders: dict[str, Grader] = {name: task.grader() for name, task in one.settings.tasks.items()}
    async with AsyncExitStack() as exits:
        for grader in graders.values():
            exits.push_async_callback(grader.aclose)
        if options.judge is not None:
            judge = opened if one.judged_by == one.runs_on else None
            if judge is None:
                name, model = one.judged_by
                asked = argparse.Namespace(**{**vars(options), "engine": name, "model": model})
                judge = await exits.enter_async_context(_opened(asked, display))
            engine = RetryEngine(
                LimitedEngine(judge.engine, judge.limiter, "judge"), one.settings.calls.retry
            )
            graders = {name: Judge(grader, engine) for name, grader in graders.items()}
        yield graders


def _tell(prepared: Sequence[Prepared], asked: Asked, display: Display) -> None:
    """Says what a person should know before it begins, once."""
    if len(prepared) > 1:
        return
    if asked.skipped:
        more = f" and {len(asked.skipped) - 1} more" if asked.skipped[1:] else ""
        display.say(f"skipped {asked.skipped[0]}{more}")
    order = prepared[0].order
    fewest = min(map(len, asked.problems.values()))
    if fewest < _FEW and not order.own_k:
        display.say(
            f"hint: one sample of each of {fewest} problems leaves a wide interval: -k {_USUAL} is usual for so few"
        )
