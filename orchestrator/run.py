"""One run: the plan comes in while it is carried out, and ends in an answer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engines import Engine, Outcome, Sampling, converse, single_error
from planners import Node, Plan, PlanChecker, PlanError, Planner, Vocabulary
from reasoning import Method, Reducer

from .errors import RunFailed, RunFolderError
from .events import EventBus, NodePlanned, PlanFinished, PlanText, RunFinished, RunStarted
from .executor import Executor
from .node_runner import NodeRunner, Result
from .recording import RecordingEngine, UsageLedger
from .run_result import RunResult
from .tools import Tool

PLANNER = "(planner)"
"""What the planner's calls are booked under; no node can be called so."""


@dataclass(kw_only=True)
class Run:
    """One run of an agent; used once. It is also where the planner puts its nodes."""

    question: str
    engine: Engine
    planner: Planner
    vocabulary: Vocabulary
    tools: Mapping[str, Tool]
    method: Method
    reducer: Reducer | None
    sampling: Sampling
    concurrency: int
    bus: EventBus
    folder: Path | None
    _ledger: UsageLedger = field(default_factory=UsageLedger)
    _nodes: list[Node] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)

    async def to_end(self) -> RunResult:
        """Plans, executes and returns the result; raises what `Agent.run` says."""
        self.bus.emit(RunStarted(question=self.question, model=self.engine.model))
        try:
            result = await self._execute()
        except BaseException as error:
            # A full disk, which may be the error, must not hide it.
            with suppress(RunFolderError):
                self.bus.emit(self._ended_by(error))
            raise
        self.bus.emit(
            RunFinished(
                status="ok",
                answer=result.answer.final,
                usage=result.usage,
                critical_path=result.critical_path,
            )
        )
        return result

    def _ended_by(self, error: BaseException) -> RunFinished:
        if isinstance(error, Exception):
            return RunFinished(status="failed", reason=str(error), usage=self._ledger.total)
        return RunFinished(status="cancelled", usage=self._ledger.total)

    async def _execute(self) -> RunResult:
        self._checker = PlanChecker(self.vocabulary)
        root = await converse(self.engine, [("user", self.question)], name="root")
        runner = NodeRunner(
            root=root,
            engine=self.engine,
            tools=self.tools,
            method=self.method,
            reducer=self.reducer,
            sampling=self.sampling,
            bus=self.bus,
            ledger=self._ledger,
        )
        self._executor = Executor(runner.run, concurrency=self.concurrency)
        with single_error():
            await self._executor.run(self._write_plan)
        return self._result(self._executor.outcomes)

    async def _write_plan(self) -> None:
        engine = RecordingEngine(self.engine, PLANNER, self.bus, self._ledger)
        await self.planner.plan(self.question, self.vocabulary, engine, self)
        if not self._nodes:
            raise PlanError("the plan: it has no nodes")
        self.bus.emit(PlanFinished(text="".join(self._texts)))

    def text(self, delta: str) -> None:
        """Takes the planner's text."""
        self._texts.append(delta)
        self.bus.emit(PlanText(delta=delta))

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
            place = "" if self.folder is None else f"; its events are in {self.folder}"
            raise RunFailed(
                f"the run has no answer: node {plan.answer!r} {last.status}: {last.reason}{place}"
            )
        return RunResult(
            answer=last.value.answer,
            plan=plan,
            outcomes=outcomes,
            usage=self._ledger.total,
            usage_by_node={node.id: self._ledger.of(node.id) for node in plan.nodes}
            | {PLANNER: self._ledger.of(PLANNER)},
            critical_path=self._ledger.of(PLANNER).generated_tokens + last.value.critical_path,
            seconds=self.bus.seconds,
            folder=self.folder,
        )
