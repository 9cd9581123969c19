"""One run: the plan comes in while it is carried out, and ends in an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from engines import Outcome, RunError, Usage, converse, single_error
from planners import Finding, Node, Plan, PlanChecker, PlanError, Vocabulary

from .agent_settings import AgentSettings
from .budget import Purse
from .calls import Calls
from .critical_path import CriticalPathQueue, ExpectedSeconds
from .errors import RunFailed, RunFolderError
from .events import EventBus, NodePlanned, PlanFinished, PlanText, RunFinished, RunStarted
from .executor import Executor
from .journal import Journal, JournaledTools
from .node_runner import NodeRunner, Result
from .resolve import as_text
from .run_result import RunResult
from .toolbox import Toolbox

PLANNER = "(planner)"
"""What the planner's calls are booked under; no node can be called so."""


@dataclass(kw_only=True)
class Run:
    """One run of an agent; used once. It is also where the planner puts its nodes.

    Attributes:
        settings: What the agent is made of.
        vocabulary: What plans may name.
        question: What is asked.
        bus: Takes the events.
        name: The run's name, for limits that runs share to be fair.
        folder: Where its files are; None if it leaves none.
        journal: Keeps what is finished; None keeps nothing.
        resumed: Whether it has run before.
        repeat: Nodes whose tools are called again though they may not be repeated.
        live: Whether tokens are told while they come.
    """

    settings: AgentSettings
    vocabulary: Vocabulary
    question: str
    bus: EventBus
    name: str = ""
    folder: Path | None = None
    journal: Journal | None = None
    resumed: bool = False
    repeat: Collection[str] = ()
    live: bool = False
    _nodes: list[Node] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _remarks: list[str] = field(default_factory=list)
    _planned: bool = False
    _planner_path: int = 0

    def __post_init__(self) -> None:
        """Opens the budget, with what earlier processes have spent of it."""
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
        return self.bus.seconds if self.journal is None else self.journal.seconds

    async def to_end(self) -> RunResult:
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
        if isinstance(error, Exception):
            return RunFinished(status="failed", reason=str(error), usage=usage)
        return RunFinished(status="cancelled", usage=usage)

    async def _execute(self) -> RunResult:
        settings = self.settings
        self._checker = PlanChecker(self.vocabulary)
        root = await converse(settings.engine, [("user", self.question)], name="root")
        self._calls = Calls(
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
        runner = NodeRunner(
            root=root,
            settings=settings,
            calls=self._calls,
            toolbox=self._toolbox(),
            purse=self._purse,
            bus=self.bus,
            gives_answer=self._gives_answer,
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
                await self._executor.run(self._write_plan)
                group.cancel_scope.cancel()
        failure = self._executor.failure
        if failure:
            for node in self._nodes:
                runner.tell_cancelled(node, failure)
            raise RunFailed(f"the run was ended by its first failure: {failure}{self._place}")
        return self._result(self._executor.outcomes)

    @property
    def _place(self) -> str:
        return "" if self.folder is None else f"; its events are in {self.folder}"

    def _gives_answer(self, node: Node) -> bool:
        return self._planned and self._nodes[-1] is node

    def _toolbox(self) -> Toolbox:
        journal = self.journal
        return Toolbox(
            self.settings.tools,
            retry=self.settings.calls.retry,
            purse=self._purse,
            journal=None if journal is None else JournaledTools(journal, repeat=self.repeat),
            owner=self.name,
        )

    async def _write_plan(self) -> None:
        engine = self._calls.of(PLANNER, self._purse.work.child(PLANNER))
        planner = self.settings.planner
        self._planner_path = await planner.plan(self.question, self.vocabulary, engine, self)
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
        self.bus.emit(NodePlanned(node=node))
        self._executor.add(node)

    def _result(self, outcomes: Mapping[str, Outcome[Result]]) -> RunResult:
        plan = Plan(question=self.question, nodes=tuple(self._nodes))
        last = outcomes[plan.answer]
        if last.value is None:
            raise RunFailed(
                f"the run has no answer: node {plan.answer!r} {last.status}: {last.reason}{self._place}"
            )
        purse = self._purse
        usage = {
            name: purse.work.of(name).usage + purse.run.of(name).usage
            for name in (*(node.id for node in plan.nodes), PLANNER)
        }
        return RunResult(
            answer=last.value.answer,
            plan=plan,
            outcomes=outcomes,
            usage=purse.run.spent.usage,
            usage_by_node=usage,
            critical_path=self._planner_path + last.value.critical_path,
            seconds=self._seconds(),
            folder=self.folder,
            remark="; ".join(filter(None, (*self._remarks, last.reason))),
        )


def _finding(outcome: Outcome[Result]) -> Finding:
    text = "" if outcome.value is None else as_text(outcome.value.data)
    return Finding(status=outcome.status, text=text, reason=outcome.reason)
