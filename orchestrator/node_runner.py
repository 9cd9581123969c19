"""What running a node means: calling a tool, thinking with a method, reducing results."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engines import Context, Engine, ForkjoinError, Outcome, RunError, Sampling, converse
from planners import Call, Node, Reduce, Think
from reasoning import Answer, Method, NoCandidates, Reducer, method_named, reducer_named

from .errors import RunFolderError
from .events import EventBus, NodeFinished, NodeStarted
from .recording import RecordingEngine, UsageLedger
from .resolve import as_text, resolve
from .tools import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a node gave.

    Attributes:
        data: What other nodes get for a reference: JSON data.
        answer: The same as an answer.
        critical_path: Tokens generated one after another up to here, those of earlier nodes included.
    """

    data: Any
    answer: Answer
    critical_path: int


@dataclass(frozen=True, kw_only=True)
class NodeRunner:
    """Runs the nodes of one run.

    Attributes:
        root: The question, from which threads fork.
        engine: Runs the threads.
        tools: By name.
        method: For threads that name none.
        reducer: Instead of the one that a node names; None leaves it.
        sampling: For methods and reducers that are named.
    """

    root: Context
    engine: Engine
    tools: Mapping[str, Tool]
    method: Method
    reducer: Reducer | None
    sampling: Sampling
    bus: EventBus
    ledger: UsageLedger

    async def run(self, node: Node, outcomes: Mapping[str, Outcome[Result]]) -> Outcome[Result]:
        """The outcome of a node whose inputs have all ended."""
        inputs = {name: outcomes[name] for name in node.dependencies}
        blocked = _blocked(node, inputs)
        if blocked is not None:
            self._tell(node, blocked)
            return blocked
        self.bus.emit(NodeStarted(node=node.id))
        try:
            outcome = await self._outcome(node, inputs)
        except BaseException as error:
            bug = isinstance(error, Exception)
            outcome = Outcome(
                "failed" if bug else "cancelled",
                reason=f"a bug: {error!r}" if bug else "the run was cancelled",
            )
            # What cannot be written is told by the run.
            with suppress(RunFolderError):
                self._tell(node, outcome)
            raise
        self._tell(node, outcome)
        return outcome

    def _tell(self, node: Node, outcome: Outcome[Result]) -> None:
        self.bus.emit(
            NodeFinished(
                node=node.id,
                status=outcome.status,
                reason=outcome.reason,
                result=outcome.value.data if outcome.value else None,
            )
        )

    async def _outcome(
        self, node: Node, outcomes: Mapping[str, Outcome[Result]]
    ) -> Outcome[Result]:
        inputs = {name: outcome.value for name, outcome in outcomes.items() if outcome.value}
        engine = RecordingEngine(self.engine, node.id, self.bus, self.ledger)
        data = {name: result.data for name, result in inputs.items()}
        try:
            if isinstance(node, Call):
                answer, value = await self._call(node, data)
            elif isinstance(node, Think):
                answer = await self._think(node, inputs, data, engine)
                value = answer.final
            elif not inputs:
                raise NoCandidates(f"none of its inputs gave a result: {_reasons(outcomes)}")
            else:
                answer = await self._reduce(node, inputs, engine)
                value = answer.final
        except ForkjoinError as error:
            return Outcome("failed", reason=str(error))
        before = max((result.critical_path for result in inputs.values()), default=0)
        result = Result(data=value, answer=answer, critical_path=before + answer.critical_path)
        if answer.truncated:
            return Outcome("truncated", result, "it reached its token limit")
        return Outcome("ok", result)

    async def _call(self, node: Call, data: Mapping[str, Any]) -> tuple[Answer, Any]:
        arguments = {name: resolve(value, data) for name, value in node.arguments.items()}
        value = await self.tools[node.tool].call(arguments)
        shown = ", ".join(f"{name}={as_text(argument)}" for name, argument in arguments.items())
        text = f"{node.tool}({shown}) = {as_text(value)}"
        return Answer(text=text, value=as_text(value)), value

    async def _think(
        self, node: Think, inputs: Mapping[str, Result], data: Mapping[str, Any], engine: Engine
    ) -> Answer:
        prompt = str(resolve(node.prompt, data))
        start = self.root if node.after is None else inputs[node.after].answer.context
        if start is None:
            raise RunError(f"node {node.after!r} left no thread to go on from")
        if node.after is None and prompt:
            prompt = f"\n\nYour part of the work: {prompt}"
        context = await converse(engine, [("user", prompt)], after=start, name=node.id)
        method = self.method if node.method is None else method_named(node.method, self.sampling)
        return await method.solve(context, engine)

    async def _reduce(self, node: Reduce, inputs: Mapping[str, Result], engine: Engine) -> Answer:
        reducer = self.reducer or reducer_named(node.reducer, self.sampling)
        candidates = [inputs[name].answer for name in node.inputs if name in inputs]
        return await reducer.reduce(candidates, self.root.fork(node.id), engine)


def _blocked(node: Node, inputs: Mapping[str, Outcome[Result]]) -> Outcome[Result] | None:
    """A reduction goes on with the inputs that are there; other nodes need all of theirs."""
    missing = {name: outcome for name, outcome in inputs.items() if not outcome.usable}
    if isinstance(node, Reduce) or not missing:
        return None
    return Outcome("cancelled", reason=_reasons(missing))


def _reasons(outcomes: Mapping[str, Outcome[Result]]) -> str:
    """Why there is no input: the first causes, since a node that was cancelled only passes one on."""
    told = (
        outcome.reason
        if outcome.status == "cancelled"
        else f"node {name!r} {outcome.status}: {outcome.reason}"
        for name, outcome in outcomes.items()
    )
    return "; ".join(dict.fromkeys(told))
