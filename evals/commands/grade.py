"""`forkjoin grade`: grades an evaluation again, without generating anything."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import anyio

from engines import AdaptiveLimiter, Engine, LimitedEngine, RetryEngine, RetryPolicy, UsageError
from orchestrator import RunUnreadable
from orchestrator.commands.engine_option import check_engine, open_engine
from orchestrator.commands.running import until_signal
from orchestrator.commands.tables import write_table
from orchestrator.runs.job_progress import JobProgress
from orchestrator.runs.run_folder import held
from orchestrator.runs.text_table import TextTable

from ..evaluation.evaluating import conclude
from ..evaluation.evaluation import Evaluation
from ..evaluation.reading import evaluations_in, read_evaluation
from ..evaluation.rows import Grade, Key
from ..grading.grader import Grader
from ..grading.judge import Judge
from ..task import Task
from ..tasks.catalogue import task_named
from .named_evaluation import evaluation_folder


class GradeCommand:
    """Grades what an evaluation generated."""

    summary = "grade an evaluation again, by today's graders or by a judge"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("folder", metavar="RUN", type=Path,
            help="the folder of an evaluation, or of a sweep of them; or last")  # fmt: skip
        add("--judge", metavar="ENGINE",
            help="ask a model about answers that are wrong by the rules: local, MODULE:NAME, or URL")  # fmt: skip
        add("--model", metavar="NAME", help="the judge's model")
        add("--task", metavar="MODULE:NAME", action="append", default=[],
            help="a task of your own that the evaluation has; repeat it")  # fmt: skip

    def run(self, arguments: argparse.Namespace) -> int:
        """Writes grades and figures, and prints what changed."""
        if arguments.judge:
            check_engine(arguments.judge)
        elif arguments.model:
            raise UsageError("--model names the judge's model: give --judge too")
        own = {task.name: task for task in map(task_named, arguments.task)}
        folders = evaluations_in(evaluation_folder(arguments.folder))
        # All that can be wrong with a folder is told before a judge starts.
        for folder in folders:
            _graders(read_evaluation(folder, threads=False), own)
        changes: list[_Change] = []
        with redirect_stdout(sys.stderr):
            anyio.run(until_signal, lambda: _grade(arguments, folders, own, changes))
        write_table(_table(changes))
        return 0


command = GradeCommand()


@dataclass(frozen=True, kw_only=True)
class _Change:
    """How the verdicts on a task's samples changed."""

    evaluation: str
    task: str
    before: Mapping[Key, Grade]
    after: Mapping[Key, Grade]

    def row(self) -> Sequence[str]:
        moves = Counter(
            (self.before[key].correct, grade.correct)
            for key, grade in self.after.items()
            if key in self.before
        )
        warnings = Counter(grade.warning for grade in self.after.values())
        counts = (
            len(self.after),
            sum(grade.correct for grade in self.after.values()),
            moves[False, True],
            moves[True, False],
            sum(key not in self.before for key in self.after),
            warnings["cut"],
            warnings["missed"],
            warnings["unread"],
        )
        return self.evaluation, self.task, *(f"{count:,}" for count in counts)


@dataclass
class _Grading:
    """How far it is."""

    total: int
    done: int = 0

    def line(self, now: float) -> str:
        return f"{self.done:,} of {self.total:,} samples graded"


_HEAD = ("evaluation", "task", "samples ", "right ", "wrong to right ", "right to wrong ", "first graded ",
    "cut ", "missed ", "unread ")  # fmt: skip


def _table(changes: Sequence[_Change]) -> TextTable:
    return TextTable(head=_HEAD, rows=[change.row() for change in changes])


def _graders(evaluation: Evaluation, own: Mapping[str, Task]) -> Mapping[str, Grader]:
    graders: dict[str, Grader] = {}
    for name in evaluation.problems:
        try:
            task = own.get(name) or task_named(evaluation.places.get(name, name))
            graders[name] = task.grader()
        except UsageError as error:
            raise UsageError(f"{evaluation.path}: {error}; name yours with --task") from error
    if not graders:
        raise RunUnreadable(f"{evaluation.path} has no problems: there is nothing to grade")
    return graders


async def _grade(
    arguments: argparse.Namespace,
    folders: Sequence[Path],
    own: Mapping[str, Task],
    changes: list[_Change],
) -> None:
    async with AsyncExitStack() as exits:
        judge = await _judge(arguments, exits) if arguments.judge else None
        progress = exits.enter_context(JobProgress())
        for folder in folders:
            changes += await _regrade(folder, own, judge, progress)
            progress.end()


async def _judge(arguments: argparse.Namespace, exits: AsyncExitStack) -> Engine:
    options = argparse.Namespace(engine=arguments.judge, model=arguments.model)
    engine = await exits.enter_async_context(open_engine(options, lambda notice: None))
    limiter = AdaptiveLimiter(engine)
    group = await exits.enter_async_context(anyio.create_task_group())
    exits.callback(group.cancel_scope.cancel)
    group.start_soon(limiter.adapt)
    return RetryEngine(LimitedEngine(engine, limiter, "judge"), RetryPolicy())


async def _regrade(
    path: Path, own: Mapping[str, Task], judge: Engine | None, progress: JobProgress
) -> list[_Change]:
    with held(path):
        evaluation = read_evaluation(path, threads=False)
        graders = _graders(evaluation, own)
        if judge is not None:
            graders = {name: Judge(grader, judge) for name, grader in graders.items()}
        try:
            progress.begin(grading := _Grading(sum(s.counts for s in evaluation.samples.values())))

            def tell(samples: int) -> None:
                grading.done += samples
                progress.look()

            graded = (await conclude(evaluation, graders, tell)).evaluation
        finally:
            for grader in graders.values():
                await grader.aclose()
    return [_change(evaluation, graded, task) for task in graders]


def _change(before: Evaluation, after: Evaluation, task: str) -> _Change:
    return _Change(
        evaluation=before.name,
        task=task,
        before={key: grade for key, grade in before.grades.items() if key.task == task},
        after={key: grade for key, grade in after.grades.items() if key.task == task},
    )
