"""One run: the plan comes in while it is carried out, and ends in an answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from engines import RunError, converse, single_error

from .ending import PLANNER, Ending, place_of
from .errors import OutputFailed, RunDeferred, RunFailed, RunFolderError
from .events import AnswerText, RunFinished, RunStarted
from .executed_plan import ExecutedPlan
from .execution.critical_path import CriticalPathQueue, ExpectedSeconds
from .execution.executor import Executor
from .history import History
from .node_runner import NodeRunner, Result
from .resources import Resources
from .run_result import RunResult
from .tools.speculation import Speculation


@dataclass(kw_only=True)
class Run:
    """One run of an agent; used once.

    Attributes:
        resources: What it works with.
        folder: Where its files are; None if it leaves none.
        resumed: Whether it has run before.
        history: What was asked and answered before; None if nothing was.
        tells_answer: Whether the answer's text is told while it comes.
    """

    resources: Resources
    folder: Path | None = None
    resumed: bool = False
    history: History | None = None
    tells_answer: bool = False
    _planner_path: int = 0
    _told: str = ""

    def __post_init__(self) -> None:
        """Takes what is needed all the time."""
        self._settings = self.resources.settings
        self._question = self.resources.question
        self._purse = self.resources.purse
        self._bus = self.resources.bus

    async def to_end(self) -> RunResult[Any]:
        """Plans, executes and returns the result; raises what `Agent.run` says."""
        model = self._settings.engine.model
        name = "" if self.folder is None else self.folder.name
        started = RunStarted(
            question=self._question,
            model=model,
            name=name,
            resumed=self.resumed,
            usage=self._purse.run.spent.usage,
        )
        self._bus.emit(started)
        try:
            result = await self._execute()
        except BaseException as error:
            # A full disk, which may be the error, must not hide it.
            with suppress(RunError):
                self._bus.emit(self._ended_by(error))
            raise
        end = RunFinished(
            status="ok",
            answer=result.answer.final,
            remark=result.remark,
            usage=result.usage,
            critical_path=result.critical_path,
        )
        try:
            self._bus.emit(end)
        except RunFolderError as error:
            error.result = result
            raise
        return result

    def _ended_by(self, error: BaseException) -> RunFinished:
        usage = self._purse.run.spent.usage
        if isinstance(error, OutputFailed):
            answer = error.result.answer.final
            return RunFinished(status="failed", reason=str(error), answer=answer, usage=usage)
        if isinstance(error, RunDeferred):
            return RunFinished(status="deferred", reason=error.reason, usage=usage)
        if isinstance(error, Exception):
            return RunFinished(status="failed", reason=str(error), usage=usage)
        return RunFinished(status="cancelled", usage=usage)

    async def _execute(self) -> RunResult[Any]:
        settings = self._settings
        before = None if self.history is None else await self.history.context(settings.engine)
        self._root = await converse(
            settings.engine, [("user", self._question)], after=before, name="root"
        )
        runner = self._runner()
        self._executor = self._executor_of(runner)
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(settings.limiter.adapt)
                self._plan = self._incoming(runner, group)
                await self._executor.run(self._write_plan)
                self._check_failure(runner)
                self._check_deferred(runner)
                result = await self._finish()
                group.cancel_scope.cancel()
        return result

    def _runner(self) -> NodeRunner:
        resources = self.resources
        return NodeRunner(
            root=self._root,
            settings=self._settings,
            calls=resources.calls,
            toolbox=resources.toolbox(aside=lambda work: self._executor.aside(work)),
            purse=self._purse,
            bus=self._bus,
            gives_answer=lambda node: self._plan.gives_answer(node),
            around=resources.around,
            tell_answer=self._tell_answer if self.tells_answer else None,
        )

    def _executor_of(self, runner: NodeRunner) -> Executor[Result]:
        settings = self._settings
        tokens = settings.sampling.max_tokens
        queue = CriticalPathQueue(ExpectedSeconds(think_tokens=tokens, reduce_tokens=tokens))
        return Executor(
            runner.run,
            concurrency=settings.concurrency,
            queue=queue,
            priority=queue.add,
            fail_fast=settings.on_failure == "fail",
        )

    def _incoming(self, runner: NodeRunner, group: anyio.abc.TaskGroup) -> ExecutedPlan:
        speculation = Speculation(
            group,
            toolbox=runner.toolbox,
            tools=self._settings.tools,
            outcomes=self._executor.outcomes,
            account=self._purse.work.child(PLANNER),
        )
        return ExecutedPlan(
            self._question,
            self._settings.vocabulary,
            self._purse,
            self._bus,
            executor=self._executor,
            speculation=speculation,
        )

    async def _write_plan(self) -> None:
        engine = self.resources.calls.of(PLANNER, self._purse.work.child(PLANNER))
        settings, history = self._settings, self.history
        # Planners see no context, but what a question refers to they have to know.
        question = self._question if history is None else history.before(self._question)
        # A planner's task groups wrap what ends the run.
        with single_error():
            self._planner_path = await settings.planner.plan(
                question, settings.vocabulary, engine, self._plan
            )
        self._plan.end()

    def _check_failure(self, runner: NodeRunner) -> None:
        failure = self._executor.failure
        if failure:
            for node in self._plan.nodes:
                runner.tell_cancelled(node, failure)
            place = place_of(self.folder)
            message = f"the run was ended by its first failure: {failure}{place}"
            raise RunFailed(message, self._executor.outcomes)

    def _check_deferred(self, runner: NodeRunner) -> None:
        if runner.deferred:
            assert self.folder is not None
            nodes = (node.id for node in self._plan.nodes)
            raise RunDeferred(
                [runner.deferred[node] for node in nodes if node in runner.deferred],
                folder=self.folder,
                plan=self._plan.plan,
                usage=self._purse.run.spent.usage,
            )

    def _tell_answer(self, delta: str) -> None:
        if delta and self.tells_answer:
            self._told += delta
            self._bus.emit(AnswerText(delta=delta))

    async def _finish(self) -> RunResult[Any]:
        resources = self.resources
        ending = Ending(
            plan=self._plan.plan,
            outcomes=self._executor.outcomes,
            root=self._root,
            settings=self._settings,
            calls=resources.calls,
            purse=self._purse,
            seconds=resources.seconds,
            folder=self.folder,
            history=self.history,
            planner_path=self._planner_path,
            remarks=self._plan.remarks,
        )
        # All of it, where nobody could read it while it came.
        self._tell_answer(ending.answer.text.removeprefix(self._told))
        return await ending.result()
