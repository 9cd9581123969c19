"""An evaluation from its beginning to its figures: anew, or from where it was left.

    folder, journal ─> Runner ─> samples.jsonl ─> grade_all ─> grades.jsonl ─> figures ─> metrics.json

The thin shell around what makes samples, grades them and counts. It knows no command line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import anyio

from engines import AdaptiveLimiter, Engine, Peers, single_error
from orchestrator import Event
from orchestrator.journal import FAILURES
from orchestrator.runs.run_files import RunFiles, new_files, reopened_files
from orchestrator.runs.run_folder import held
from orchestrator.runs.run_record import RunReader

from ..grading.grader import Grader
from ..grading.grading import grade_all
from .earlier_seconds import earlier_seconds
from .evaluation import Evaluation
from .figures import figures
from .folder import SampleFile, write_grades, write_metrics, write_problems
from .jobs import jobs
from .live_grading import LiveGrading
from .reading import read_evaluation
from .rows import Key
from .runner import Runner
from .settings import EvaluationSettings
from .tally import Tally


class Watcher(Protocol):
    """Sees how an evaluation goes."""

    @property
    def live(self) -> bool:
        """Whether it wants to hear of tokens while they come."""
        ...

    def begin(self, tally: Tally, path: Path) -> None:
        """Samples of the evaluation in this folder are made from here on."""
        ...

    def hear(self, event: Event) -> None:
        """Something happened; the tally knows of it."""
        ...

    def end(self) -> None:
        """No more samples are made."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What came of an evaluation.

    Attributes:
        path: Its folder.
        metrics: Its figures, as JSON data.
        total: How many samples were asked for.
        there: How many of them are there and count.
        limited_by: What of its budget ran out; None if nothing did.
    """

    path: Path
    metrics: Mapping[str, Any]
    total: int
    there: int
    limited_by: str | None = None


async def begin_evaluation(
    settings: EvaluationSettings,
    engine: Engine,
    graders: Mapping[str, Grader],
    *,
    base: Path,
    name: str | None = None,
    journal_dir: str | None = None,
    watcher: Watcher | None = None,
) -> Evaluated:
    """Makes an evaluation.

    Args:
        settings: What is to be done.
        engine: What all samples run on.
        graders: By the names of tasks. They are not closed.
        base: Where its folder goes.
        name: How the folder is called; None makes a name of the time.
        journal_dir: The folder of journals; None puts the journal into the evaluation's.
        watcher: Sees how it goes.

    Raises:
        RunError: It cannot be written.
        EngineDead: The engine is gone.
    """
    configuration = settings.configuration(engine.model)
    async with new_files(
        base,
        journal_dir,
        configuration,
        fingerprint=engine.fingerprint,
        clock=anyio.current_time,
        name=name,
    ) as files:
        write_problems(files.folder.path, settings.problems)
        return await _Evaluation(settings, engine, graders, files, watcher, {}).to_end(frozenset())


async def resume_evaluation(
    settings: EvaluationSettings,
    engine: Engine,
    graders: Mapping[str, Grader],
    *,
    path: Path,
    watcher: Watcher | None = None,
) -> Evaluated:
    """Goes on with an evaluation: samples that are there stay, the others are made, those that failed anew.

    Args:
        settings: What it was begun with. Limits may be others, and there may be more samples of each problem.
        engine: As it was begun with.
        graders: By the names of tasks. They are not closed.
        path: Its folder.
        watcher: Sees how it goes.

    Raises:
        UsageError: It was begun with something else, or another process works on it.
        RunError: It cannot be written.
        EngineDead: The engine is gone.
    """
    with held(path) as lock:
        begun = read_evaluation(path, threads=False)
        settings.check_same(begun, engine.model)
        before = begun.configuration
        async with reopened_files(
            path,
            lock,
            before.get("journal_dir"),
            fingerprint=engine.fingerprint,
            clock=anyio.current_time,
            # What failed is done again in any case.
            raised=settings.raised(begun) | {FAILURES},
            # A process that was killed before it had either has made no call.
            new_journal=not begun.problems,
        ) as files:
            if not begun.problems:
                write_problems(path, settings.problems)
            files.folder.write_configuration({**before, **settings.configuration(engine.model)})
            earlier = earlier_seconds(RunReader(path).new_events())
            evaluation = _Evaluation(settings, engine, graders, files, watcher, earlier)
            return await evaluation.to_end(done(begun, settings.k))


def done(evaluation: Evaluation, k: int) -> frozenset[Key]:
    """The samples of an evaluation that count, of the first `k` of each problem."""
    rows = evaluation.samples.items()
    return frozenset(key for key, row in rows if row.counts and key.sample < k)


class Concluded(NamedTuple):
    """An evaluation with its grades, and its figures as JSON data."""

    evaluation: Evaluation
    metrics: Mapping[str, Any]


async def conclude(
    evaluation: Evaluation,
    graders: Mapping[str, Grader],
    tell: Callable[[int], None] = lambda samples: None,
) -> Concluded:
    """Grades the samples of an evaluation, and writes grades and figures into its folder.

    Args:
        evaluation: As it was read, by whoever holds its lock.
        graders: By the names of tasks. They are not closed.
        tell: Hears of so many samples more that have their grade.

    Raises:
        ForkjoinError: They cannot be graded, or written.
    """
    with single_error():
        grades = await grade_all(evaluation, graders, tell)
    graded = replace(evaluation, grades={grade.key: grade for grade in grades})
    metrics = figures(graded)
    write_grades(evaluation.path, grades)
    write_metrics(evaluation.path, metrics)
    return Concluded(graded, metrics)


class _Evaluation:
    """One that has its files."""

    def __init__(
        self,
        settings: EvaluationSettings,
        engine: Engine,
        graders: Mapping[str, Grader],
        files: RunFiles,
        watcher: Watcher | None,
        earlier: Mapping[str, float],
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._graders = graders
        self._files = files
        self._watcher = watcher
        self._earlier = earlier

    async def to_end(self, there: Collection[Key]) -> Evaluated:
        path, total = self._files.folder.path, self._settings.total
        tally = Tally(total, len(there))
        limited_by = await self._make(there, tally)
        concluded = await conclude(read_evaluation(path, threads=False), self._graders)
        self._files.journal.flush()
        return Evaluated(
            path=path,
            metrics=concluded.metrics,
            total=total,
            there=tally.done,
            limited_by=limited_by,
        )

    async def _make(self, there: Collection[Key], tally: Tally) -> str | None:
        """Makes the samples that are not there; returns what of the budget ran out."""
        settings = self._settings
        grading = LiveGrading(self._graders, tally.grade)
        todo = jobs(settings.tasks, settings.problems, settings.k, there)
        with SampleFile(self._files.folder.path) as samples, self._watched(tally), single_error():
            runner = self._runner(samples, tally, grading)
            async with anyio.create_task_group() as group:
                group.start_soon(grading.run)
                await runner.run(todo, about=settings.about, resumed=bool(there))
                group.cancel_scope.cancel()
        return runner.limited_by

    def _runner(self, samples: SampleFile, tally: Tally, grading: LiveGrading) -> Runner:
        settings, engine, watcher = self._settings, self._engine, self._watcher
        hears = () if watcher is None else (watcher.hear,)
        hedge = settings.calls.hedge
        return Runner(
            engine=engine,
            system=settings.system,
            samples=samples,
            budget=settings.budget,
            policy=settings.calls,
            limiter=settings.limiter or AdaptiveLimiter(engine),
            peers=None if hedge is None else Peers(hedge),
            journal=self._files.journal,
            name=self._files.folder.path.name,
            subscribers=(self._files.folder.write, tally.hear, *hears),
            earlier=self._earlier,
            live=watcher is not None and watcher.live,
            tell=grading.offer,
        )

    @contextmanager
    def _watched(self, tally: Tally) -> Iterator[None]:
        if self._watcher is None:
            yield
            return
        self._watcher.begin(tally, self._files.folder.path)
        try:
            yield
        finally:
            self._watcher.end()
