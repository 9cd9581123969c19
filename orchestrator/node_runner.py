"""What running a node means: calling a tool, thinking with a method, reducing results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engines import (
    CappedEngine,
    Context,
    Engine,
    ForkjoinError,
    Outcome,
    RunError,
    WatchedEngine,
    converse,
    single_error,
)
from planners import Call, Conclude, Node, Reduce, Think
from reasoning import (
    Answer,
    Method,
    NoCandidates,
    Reducer,
    extract_answer,
    method_named,
    reducer_named,
)

from .agent_settings import AgentSettings
from .budget import Account, Purse
from .calls import Calls
from .deferral import CallIsDeferred, DeferredCall
from .events import CallDeferred, EventBus, NodeFinished, NodeStarted
from .nesting import Outer, inside
from .on_failure import OnFailure, blocked, reasons, substitute
from .resolve import as_text, resolve
from .tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a node gave.

    Attributes:
        data: What other nodes get for a reference: JSON data.
        answer: The same as an answer; of a node whose threads all failed, only these.
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
        settings: What the agent was made of.
        calls: Give each node its engine.
        toolbox: The tools.
        purse: The budget.
        bus: Takes the events.
        gives_answer: Whether a node is the plan's last one.
        around: What runs inside a node share with this one, given the node's name and account.
        tell_answer: Told of the answer's text while it comes; None where nobody reads it.
        deferred: The calls that were come to and that somebody else has to make, by node.
    """

    root: Context
    settings: AgentSettings
    calls: Calls
    toolbox: Toolbox
    purse: Purse
    bus: EventBus
    gives_answer: Callable[[Node], bool]
    around: Callable[[str, Account], Outer]
    tell_answer: Callable[[str], None] | None = None
    deferred: dict[str, DeferredCall] = field(default_factory=dict, init=False)
    _told: set[str] = field(default_factory=set, init=False)

    async def run(
        self, node: Node, outcomes: Mapping[str, Outcome[Result]]
    ) -> Outcome[Result] | None:
        """The outcome of a node whose inputs have all ended; None where somebody else has to make its call."""
        inputs = {name: outcomes[name] for name in node.dependencies}
        cancelled = blocked(node, inputs, self._on_failure(node))
        if cancelled is not None:
            self._tell(node, cancelled)
            return cancelled
        self.bus.emit(NodeStarted(node=node.id))
        try:
            # A method's task groups wrap what ends the run.
            with single_error():
                outcome = await self._outcome(node, inputs)
        except CallIsDeferred as waiting:
            self._defer(waiting.call)
            return None
        except BaseException as error:
            # What cannot be written is told by the run.
            with suppress(RunError):
                self._tell(node, _ended_by(error))
            raise
        self._tell(node, outcome)
        return outcome

    def _on_failure(self, node: Node) -> OnFailure:
        """Nobody outside is asked to make a call with the text of an error among its arguments."""
        asks = isinstance(node, Call) and self.toolbox.defers(node.tool)
        chosen = self.settings.on_failure
        return "skip" if asks and chosen == "substitute" else chosen

    def tell_cancelled(self, node: Node, reason: str) -> None:
        """Tells that a node was cancelled before it could begin, unless its end was told already."""
        if node.id not in self._told:
            self._tell(node, Outcome("cancelled", reason=reason))

    def _defer(self, call: DeferredCall) -> None:
        self.deferred[call.node] = call
        self.bus.emit(CallDeferred(node=call.node, tool=call.tool, arguments=dict(call.arguments)))

    def _tell(self, node: Node, outcome: Outcome[Result]) -> None:
        self._told.add(node.id)
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
        inputs = {
            name: outcome.value
            for name, outcome in outcomes.items()
            if outcome.usable and outcome.value is not None
        }
        data = {
            name: inputs[name].data if name in inputs else substitute(outcome)
            for name, outcome in outcomes.items()
        }
        account = self._account(node)
        engine = self.calls.of(node.id, account)
        try:
            if isinstance(node, Call):
                answer, value = await self._call(node, account, data)
            elif isinstance(node, Think):
                answer = await self._think(node, inputs, data, engine)
                value = answer.final
            elif isinstance(node, Conclude):
                text = str(resolve(node.text, data))
                answer, value = Answer(text=text, value=extract_answer(text)), text
            elif not inputs:
                raise NoCandidates(f"none of its inputs gave a result: {reasons(outcomes)}")
            else:
                answer = await self._reduce(node, inputs, engine)
                value = answer.final
        except RunError:
            # The run cannot go on, whatever the other nodes do.
            raise
        except ForkjoinError as error:
            return Outcome("failed", _lost_in(error), str(error))
        before = max((result.critical_path for result in inputs.values()), default=0)
        result = Result(data=value, answer=answer, critical_path=before + answer.critical_path)
        return Outcome("truncated" if answer.truncated else "ok", result, _remark(answer))

    def _account(self, node: Node) -> Account:
        """The node that gives the answer may spend what the budget keeps back for it."""
        parent = self.purse.run if self.gives_answer(node) else self.purse.work
        return parent.child(node.id)

    async def _call(
        self, node: Call, account: Account, data: Mapping[str, Any]
    ) -> tuple[Answer, Any]:
        arguments = {name: resolve(value, data) for name, value in node.arguments.items()}
        notify = self.calls.notify(node.id)
        with inside(self.around(node.id, account)) as outer:
            value = await self.toolbox.call(node.id, account, node.tool, arguments, notify)
        shown = ", ".join(f"{name}={as_text(argument)}" for name, argument in arguments.items())
        text = f"{node.tool}({shown}) = {as_text(value)}"
        answer = Answer(text=text, value=as_text(value), critical_path=outer.critical_path)
        return answer, value

    async def _think(
        self, node: Think, inputs: Mapping[str, Result], data: Mapping[str, Any], engine: Engine
    ) -> Answer:
        prompt = str(resolve(node.prompt, data))
        before = None if node.after is None else inputs[node.after].answer
        start = None if before is None else before.context
        if start is None:
            start, prompt = self.root, _after_question(prompt, before)
        context = await converse(engine, [("user", prompt)], after=start, name=node.id)
        method = self._method(node)
        engine = self._read(node, method, engine)
        if node.max_tokens is not None:
            engine = CappedEngine(engine, node.max_tokens)
        return await method.solve(context, engine)

    def _method(self, node: Think) -> Method:
        """The run's method, or the one that the node names, whose calls may be as long as the node says."""
        if node.method is None:
            return self.settings.method
        sampling = self.settings.sampling
        if node.max_tokens is not None:
            sampling = sampling.model_copy(update={"max_tokens": node.max_tokens})
        return method_named(node.method, sampling)

    async def _reduce(self, node: Reduce, inputs: Mapping[str, Result], engine: Engine) -> Answer:
        settings = self.settings
        reducer = settings.reducer or reducer_named(node.reducer, settings.sampling)
        candidates = [inputs[name].answer for name in node.inputs if name in inputs]
        prompt = _after_question(node.prompt)
        context = await converse(engine, [("user", prompt)], after=self.root, name=node.id)
        return await reducer.reduce(candidates, context, self._read(node, reducer, engine))

    def _read(self, node: Node, thinker: Method | Reducer, engine: Engine) -> Engine:
        """The engine, which tells what it generates where that is the answer.

        A thread that begins while the plan is still being written may turn out not to be the last one: nobody reads it.
        """
        tell = self.tell_answer
        if tell is None or not self.gives_answer(node):
            return engine
        if not getattr(thinker, "answers_in_one_call", False):
            return engine
        return WatchedEngine(engine, lambda path, tokens, text: tell(text), interval=1)


def _after_question(prompt: str, before: Answer | None = None) -> str:
    """What a thread or a reducer is told that begins after the question.

    `before` is an answer to go on from that left no thread, such as a conclusion, or what a vote among calls chose.
    """
    found = "" if before is None else f"\n\nThis was found:\n{before.text.strip()}"
    return f"{found}\n\nYour part of the work: {prompt}" if prompt else found


def _lost_in(error: ForkjoinError) -> Result | None:
    """The threads that all failed, so that what they cost can be looked at."""
    if not isinstance(error, NoCandidates) or not error.branches:
        return None
    answer = Answer(text="", remark=str(error)).after(error.branches)
    return Result(data=None, answer=answer, critical_path=answer.critical_path)


def _ended_by(error: BaseException) -> Outcome[Result]:
    if isinstance(error, RunError):
        return Outcome("failed", reason=str(error))
    if isinstance(error, Exception):
        return Outcome("failed", reason=f"a bug: {error!r}")
    return Outcome("cancelled", reason="the run was cancelled")


def _remark(answer: Answer) -> str:
    """What a reader should know of an answer that is there."""
    return "; ".join(filter(None, (answer.cut_by, answer.remark)))
