"""One run: the plan comes in while it is carried out, and ends in an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from engines import Outcome, RunError, Usage, converse, single_error
from planners import Call, Finding, Node, Plan, PlanChecker, PlanError

from .agent_settings import AgentSettings
from .budget import Account, Purse
from .calls import Calls
from .ending import PLANNER, Ending, place_of
from .errors import OutputFailed, RunFailed, RunFolderError
from .events import (
    AnswerText,
    EventBus,
    NodePlanned,
    PlanFinished,
    PlanText,
    RunFinished,
    RunStarted,
)
from .execution.critical_path import CriticalPathQueue, ExpectedSeconds
from .execution.executor import Executor
from .history import History
from .journal import Journal, JournaledTools
from .nesting import Outer
from .node_runner import NodeRunner, Result
from .resolve import as_text
from .run_result import RunResult
from .tools.approval import Approve
from .tools.speculation import Speculation
from .tools.toolbox import Toolbox


@dataclass(kw_only=True)
class Run:
    """One run of an agent; used once. It is also where the planner puts its nodes.

    Attributes:
        settings: What the agent is made of.
        question: What is asked.
        bus: Takes the events.
        name: The run's name, for limits that runs share to be fair.
        folder: Where its files are; None if it leaves none.
        journal: Keeps what is finished; None keeps nothing.
        resumed: Whether it has run before.
        repeat: Nodes whose tools are called again though they may not be repeated.
        live: Whether tokens are told while they come.
        dependencies: What tools get that ask for it.
        history: What was asked and answered before; None if nothing was.
        outer: What it shares with the run that it is inside of; None if it is inside of none.
        depth: How many runs it is inside of.
        tells_answer: Whether the answer's text is told while it comes.
    """

    settings: AgentSettings
    question: str
    bus: EventBus
    name: str = ""
    folder: Path | None = None
    journal: Journal | None = None
    resumed: bool = False
    repeat: Collection[str] = ()
    live: bool = False
    dependencies: Any = None
    history: History | None = None
    outer: Outer | None = None
    depth: int = 0
    tells_answer: bool = False
    _nodes: list[Node] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _remarks: list[str] = field(default_factory=list)
    _planned: bool = False
    _planner_path: int = 0
    _told: str = ""

    def __post_init__(self) -> None:
        """Opens the budget, with what earlier processes have spent of it."""
        outer = self.outer
        if outer is not None:
            self.name, self.journal, self.repeat = outer.owner, outer.journal, outer.repeat
            self._purse = outer.purse.inside(outer.account, self.settings.budget)
            return
        journal = self.journal
        self._purse = Purse(
            self.settings.budget,
            clock=self._seconds,
            spent=None if journal is None else self._keep_spent,
        )
        for path, spent in {} if journal is None else journal.spent.items():
            self._purse.restore(path, spent.usage, spent.calls, spent.money)

    def _keep_spent(self, account: str, usage: Usage, calls: int, money: float) -> None:
        assert self.journal is not None
        self.journal.spend(account, usage=usage, calls=calls, money=money)

    def _seconds(self) -> float:
        if self.journal is None or self.outer is not None:
            return self.bus.seconds
        return self.journal.seconds

    async def to_end(self) -> RunResult[Any]:
        """Plans, executes and returns the result; raises what `Agent.run` says."""
        model = self.settings.engine.model
        name = "" if self.folder is None else self.folder.name
        self.bus.emit(
            RunStarted(question=self.question, model=model, name=name, resumed=self.resumed)
        )
        try:
            result = await self._execute()
        except BaseException as error:
            # A full disk, which may be the error, must not hide it.
            with suppress(RunError):
                self.bus.emit(self._ended_by(error))
            raise
        end = RunFinished(
            status="ok",
            answer=result.answer.final,
            remark=result.remark,
            usage=result.usage,
            critical_path=result.critical_path,
        )
        try:
            self.bus.emit(end)
        except RunFolderError as error:
            error.result = result
            raise
        return result

    def _ended_by(self, error: BaseException) -> RunFinished:
        usage = self._purse.run.spent.usage
        if isinstance(error, OutputFailed):
            answer = error.result.answer.final
            return RunFinished(status="failed", reason=str(error), answer=answer, usage=usage)
        if isinstance(error, Exception):
            return RunFinished(status="failed", reason=str(error), usage=usage)
        return RunFinished(status="cancelled", usage=usage)

    async def _execute(self) -> RunResult[Any]:
        settings = self.settings
        self._checker = PlanChecker(settings.vocabulary)
        before = None if self.history is None else await self.history.context(settings.engine)
        self._root = await converse(
            settings.engine, [("user", self.question)], after=before, name="root"
        )
        self._calls = self._make_calls()
        runner = NodeRunner(
            root=self._root,
            settings=settings,
            calls=self._calls,
            toolbox=self._toolbox(),
            purse=self._purse,
            bus=self.bus,
            gives_answer=self._gives_answer,
            around=self._around,
            tell_answer=self._tell_answer if self.tells_answer else None,
        )
        tokens = settings.sampling.max_tokens
        queue = CriticalPathQueue(ExpectedSeconds(think_tokens=tokens, reduce_tokens=tokens))
        self._executor = Executor(
            runner.run,
            concurrency=settings.concurrency,
            queue=queue,
            priority=queue.add,
            fail_fast=settings.on_failure == "fail",
        )
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(settings.limiter.adapt)
                self._speculation = Speculation(
                    group,
                    toolbox=runner.toolbox,
                    tools=settings.tools,
                    outcomes=self._executor.outcomes,
                    account=self._purse.work.child(PLANNER),
                )
                await self._executor.run(self._write_plan)
                self._check_failure(runner)
                result = await self._finish()
                group.cancel_scope.cancel()
        return result

    def _make_calls(self) -> Calls:
        settings = self.settings
        if self.outer is not None:
            return self.outer.calls.inside(
                self.outer.node,
                settings.engine,
                policy=settings.calls,
                limiter=settings.limiter,
                peers=settings.peers,
                purse=self._purse,
            )
        return Calls(
            settings.engine,
            policy=settings.calls,
            limiter=settings.limiter,
            peers=settings.peers,
            purse=self._purse,
            journal=self.journal,
            bus=self.bus,
            owner=self.name,
            live=self.live,
        )

    def _around(self, node: str, account: Account) -> Outer:
        return Outer(
            node=node,
            path=node if self.outer is None else f"{self.outer.path}/{node}",
            depth=self.depth + 1,
            account=account,
            purse=self._purse,
            calls=self._calls,
            journal=self.journal,
            repeat=self.repeat,
            owner=self.name,
            dependencies=self.dependencies,
            approve=self._approve,
        )

    @property
    def _approve(self) -> Approve | None:
        return self.settings.approve or (self.outer.approve if self.outer else None)

    def _check_failure(self, runner: NodeRunner) -> None:
        failure = self._executor.failure
        if failure:
            for node in self._nodes:
                runner.tell_cancelled(node, failure)
            place = place_of(self.folder)
            raise RunFailed(f"the run was ended by its first failure: {failure}{place}")

    def _gives_answer(self, node: Node) -> bool:
        return self._planned and self._nodes[-1] is node

    def _toolbox(self) -> Toolbox:
        journal = self.journal
        inside = "" if self.outer is None else self.outer.path
        return Toolbox(
            self.settings.tools,
            retry=self.settings.calls.retry,
            purse=self._purse,
            journal=None
            if journal is None
            else JournaledTools(journal, repeat=self.repeat, inside=inside),
            owner=self.name,
            question=self.question,
            dependencies=self.dependencies,
            approve=self._approve,
            emit=self.bus.emit,
            aside=lambda work: self._executor.aside(work),
        )

    async def _write_plan(self) -> None:
        engine = self._calls.of(PLANNER, self._purse.work.child(PLANNER))
        planner = self.settings.planner
        history = self.history
        # Planners see no context, but what a question refers to they have to know.
        question = self.question if history is None else history.before(self.question)
        self._planner_path = await planner.plan(question, self.settings.vocabulary, engine, self)
        self._speculation.guess(None)
        if not self._nodes:
            raise PlanError("the plan: it has no nodes")
        self._planned = True
        self.bus.emit(PlanFinished(text="".join(self._texts)))

    @property
    def tokens_left(self) -> int | None:
        """What the budget leaves for the plan's work."""
        work = self._purse.work
        limit = None if work.limits is None else work.limits.tokens
        usage = work.spent.usage
        spent = usage.prompt_tokens + usage.generated_tokens
        return None if limit is None else max(0, limit - spent)

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        """What became of these nodes, once all have ended."""
        outcomes = await self._executor.wait(nodes)
        return {name: _finding(outcome) for name, outcome in outcomes.items()}

    def text(self, delta: str) -> None:
        """Takes the planner's text."""
        self._texts.append(delta)
        self.bus.emit(PlanText(delta=delta))

    def remark(self, text: str) -> None:
        """Takes what a reader of the answer should know of the plan."""
        self._remarks.append(text)

    def node(self, node: Node) -> None:
        """Takes a node of the plan and starts it as soon as its inputs are there."""
        self._checker.check(node)
        self._nodes.append(node)
        self._speculation.settle(node)
        self.bus.emit(NodePlanned(node=node))
        self._executor.add(node)

    def speculate(self, call: Call | None) -> None:
        """Takes the call that will probably come next."""
        self._speculation.guess(call)

    def _tell_answer(self, delta: str) -> None:
        if delta and self.tells_answer:
            self._told += delta
            self.bus.emit(AnswerText(delta=delta))

    async def _finish(self) -> RunResult[Any]:
        ending = Ending(
            plan=Plan(question=self.question, nodes=tuple(self._nodes)),
            outcomes=self._executor.outcomes,
            root=self._root,
            settings=self.settings,
            calls=self._calls,
            purse=self._purse,
            seconds=self._seconds,
            folder=self.folder,
            history=self.history,
            planner_path=self._planner_path,
            remarks=self._remarks,
        )
        # All of it, where nobody could read it while it came.
        self._tell_answer(ending.answer.text.removeprefix(self._told))
        return await ending.result()


def _finding(outcome: Outcome[Result]) -> Finding:
    if outcome.value is None:
        return Finding(status=outcome.status, reason=outcome.reason)
    data = outcome.value.data
    return Finding(status=outcome.status, text=as_text(data), reason=outcome.reason, data=data)
