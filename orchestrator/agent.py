"""The agent: question in, answer out, over a plan, its execution and a reduction.

planner ─nodes─> executor ─> tools, methods, reducers ─> output ─> RunResult
                    └─ events ─> subscribers, run folder, journal
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Unpack, overload

from typing_extensions import TypeForm, TypeVar

from engines import (
    AdaptiveLimiter,
    CallLimiter,
    Engine,
    Peers,
    Sampling,
    UsageError,
    run_in_portal,
)
from planners import GivenPlanner, Plan, Planner, planner_named
from reasoning import Method, Reducer, method_named, reducer_named

from .agent_settings import AgentSettings
from .budget import Budget
from .calls import CallPolicy
from .events import Event, Subscriber
from .nesting import Outer, current_outer, inside
from .on_failure import ON_FAILURE, OnFailure
from .output import output_type_of
from .run_options import ResumeOptions, RunOptions
from .run_result import RunResult
from .starting import Starter, check_question
from .tools.approval import Approve
from .tools.definition import Tool, tools_by_name

if TYPE_CHECKING:
    from .planning import Preview
    from .run_stream import RunStream

T = TypeVar("T", default=str)
S = TypeVar("S")
Item = TypeVar("Item")
Named = TypeVar("Named")


class Agent(Generic[T]):
    """Answers questions with an engine, tools, a planner, a method and a reducer.

    Args:
        engine: What everything runs on. The agent does not close it.
        tools: Functions that plans may call: made by `@tool`, or plain functions with types.
        planner: A planner or its name, or a plan of your own.
        method: How threads think that name no method: a method or its name.
        reducer: How results are merged, whatever the plan says: a reducer or its name; None leaves it to the plan.
        sampling: For methods and reducers given by name. Its seed makes runs repeatable.
        concurrency: The most nodes of a run that run at the same time; at least 1.
        budget: What each run may cost; by default anything.
        calls: What is done about calls that fail, hang or straggle.
        limiter: Lets only so many calls run at once, of all runs of this agent and of whoever shares it; by default
            as many as the engine serves best, which is found by measuring.
        dependencies: What tools get that ask for it with a parameter of type `ToolContext`; a run may bring its own.
        approve: Decides, before it begins, about each call of a tool that has to be approved; None refuses them all.
        output_type: What answers become: anything that pydantic takes, such as a model, `list[str]` or a `Literal`,
            or a JSON Schema, whose values are JSON data. Where an answer is none yet, the model is asked to put it
            into that form. By default they stay texts.
        on_failure: What becomes of nodes that need a failed one: `skip` them, `fail` the run, or `substitute` the
            error's text for the result.
        runs: The folder for run folders; None writes none, and keeps no journal.
        journal_dir: The folder for journals; None puts each into its run folder. It has to be on a local disk.

    Raises:
        UsageError: A name that does not exist, two tools of one name, a function that cannot be a tool, a type that
            cannot be an output, or no concurrency.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        planner: Planner | Plan | str = "llm-compiler",
        method: Method | str = "chain-of-thought",
        reducer: Reducer | str | None = None,
        sampling: Sampling | None = None,
        concurrency: int = 64,
        budget: Budget | None = None,
        calls: CallPolicy | None = None,
        limiter: CallLimiter | None = None,
        dependencies: Any = None,
        approve: Approve | None = None,
        output_type: TypeForm[T] | Mapping[str, Any] | None = None,
        on_failure: OnFailure = "skip",
        runs: str | Path | None = None,
        journal_dir: str | Path | None = None,
    ) -> None:
        if not isinstance(engine, Engine):
            raise UsageError(
                f"{type(engine).__name__} is no open engine: use `async with local_engine() as engine`"
            )
        if concurrency < 1:
            raise UsageError(f"a concurrency of {concurrency} runs nothing: at least 1 is needed")
        if on_failure not in ON_FAILURE:
            raise UsageError(
                f"there is no way {on_failure!r} to go on after a failure: {', '.join(ON_FAILURE)}"
            )
        _check_parts(planner=planner, method=method, reducer=reducer)
        sampling = sampling or Sampling()
        calls = calls or CallPolicy()
        settings = AgentSettings(
            engine=engine,
            tools=tools_by_name(tools),
            planner=_planner(planner, sampling.seed),
            method=_named(method, lambda name: method_named(name, sampling)),
            reducer=_named(reducer, lambda name: reducer_named(name, sampling)),
            sampling=sampling,
            concurrency=concurrency,
            budget=budget or Budget(),
            calls=calls,
            limiter=limiter or AdaptiveLimiter(engine),
            peers=None if calls.hedge is None else Peers(calls.hedge),
            on_failure=on_failure,
            approve=approve,
            output=output_type_of(output_type),
        )
        self._starter = Starter(
            settings=settings, dependencies=dependencies, runs=runs, journal_dir=journal_dir
        )

    @overload
    async def run(self, question: str, **options: Unpack[RunOptions]) -> RunResult[T]: ...
    @overload
    async def run(
        self, question: str, *, output_type: TypeForm[S], **options: Unpack[RunOptions]
    ) -> RunResult[S]: ...
    @overload
    async def run(
        self, question: str, *, output_type: Mapping[str, Any], **options: Unpack[RunOptions]
    ) -> RunResult[Any]: ...
    async def run(
        self, question: str, *, output_type: Any = None, **options: Unpack[RunOptions]
    ) -> RunResult[Any]:
        """Answers a question.

        Args:
            question: Not empty.
            output_type: What the answer becomes; None takes the agent's.
            options: See `RunOptions`.

        Raises:
            UsageError: The question is empty, or no text; a tool needs dependencies and there are none; the history is
                of another engine; or agents call agents without end.
            PlanError: The planner made no plan that can be run.
            RunFailed: The node that should give the answer failed.
            OutputFailed: The answer did not become what was asked for; `result` on it is the result all the same.
            RunDeferred: Calls of tools are left that the caller has to make; `resume` goes on with what came of them.
            BudgetExhausted: The budget has not even room for the plan.
            RunFolderError: The run folder cannot be written; `result` on it is the result, if there is one.
            JournalError: The journal cannot be written; it may have the `result` too.
            EngineError: The engine failed the planner.
        """
        return await self._starter.returning(output_type).begin(question, options)

    @overload
    async def resume(
        self, folder: str | Path, **options: Unpack[ResumeOptions]
    ) -> RunResult[T]: ...
    @overload
    async def resume(
        self, folder: str | Path, *, output_type: TypeForm[S], **options: Unpack[ResumeOptions]
    ) -> RunResult[S]: ...
    @overload
    async def resume(
        self,
        folder: str | Path,
        *,
        output_type: Mapping[str, Any],
        **options: Unpack[ResumeOptions],
    ) -> RunResult[Any]: ...
    async def resume(
        self, folder: str | Path, *, output_type: Any = None, **options: Unpack[ResumeOptions]
    ) -> RunResult[Any]:
        """Goes on with a run that died, failed, was cut by its budget or lost calls.

        What it had finished is not done again. The agent has to be made as the one that began it, but for budget,
        calls, limiter and concurrency.

        Args:
            folder: The run's folder.
            output_type: As the run was begun with; None takes the agent's.
            options: See `ResumeOptions`.

        Raises:
            UsageError: There is no such run or node, another process works on it, or it was begun with other settings.
        """
        return await self._starter.returning(output_type).resume(Path(folder), options)

    @overload
    def run_sync(self, question: str, **options: Unpack[RunOptions]) -> RunResult[T]: ...
    @overload
    def run_sync(
        self, question: str, *, output_type: TypeForm[S], **options: Unpack[RunOptions]
    ) -> RunResult[S]: ...
    @overload
    def run_sync(
        self, question: str, *, output_type: Mapping[str, Any], **options: Unpack[RunOptions]
    ) -> RunResult[Any]: ...
    def run_sync(
        self, question: str, *, output_type: Any = None, **options: Unpack[RunOptions]
    ) -> RunResult[Any]:
        """`run` for synchronous code, on the event loop of `with local_engine()`; works in Jupyter too."""
        return run_in_portal(lambda: self.run(question, output_type=output_type, **options))

    async def run_inside(self, outer: Outer, question: str) -> RunResult[T]:
        """Answers a question inside of something larger, whose journal, budget and events the run shares.

        Raises what `run` raises, but for what is about files.
        """
        with inside(outer):
            return await self._starter.inside(outer, question)

    async def plan(
        self,
        question: str,
        *,
        subscribers: Sequence[Subscriber] = (),
        outer: Outer | None = None,
    ) -> Preview:
        """Plans, and carries nothing out. Of a planner that looks at results it is the first round.

        Args:
            question: Not empty.
            subscribers: Called with the events of planning, at once.
            outer: What it is inside of, whose journal, budget and events it shares; None if nothing.

        Raises what `run` raises before the first node begins.
        """
        # As below: most programs need it never, and importing it costs all of them time.
        from .planning import preview

        check_question(question)
        settings = self._starter.settings
        return await preview(settings, question, subscribers=subscribers, outer=outer)

    def stream(
        self, question: str, **options: Unpack[RunOptions]
    ) -> AbstractAsyncContextManager[RunStream[Event, T]]:
        """The events of a run as they happen, tokens and the answer's text too: `async with`, then `async for`.

        Leaving the block early cancels the run. What `run` raises is raised when the block ends.
        """
        from .run_stream import every_event

        return self._stream(question, options, every_event)

    def stream_text(
        self, question: str, **options: Unpack[RunOptions]
    ) -> AbstractAsyncContextManager[RunStream[str, T]]:
        """The text of the answer as it is generated; the same as `stream` in all else.

        An answer that no single call gives, such as a tool's or a vote's, comes as one piece.
        """
        from .run_stream import answer_text

        return self._stream(question, options, answer_text)

    def stream_resumed(
        self, folder: str | Path, **options: Unpack[ResumeOptions]
    ) -> AbstractAsyncContextManager[RunStream[Event, T]]:
        """The events of a run that is gone on with, as `stream` has those of a new one; raises as `resume`."""
        from .run_stream import every_event, streaming

        def run(tell: Subscriber) -> Awaitable[RunResult[T]]:
            subscribers = (*options.get("subscribers", ()), tell)
            told: ResumeOptions = {**options, "subscribers": subscribers, "live": True}
            return self._starter.resume(Path(folder), told, tells_answer=True)

        return streaming(run, every_event)

    def as_tool(self, *, name: str, description: str, timeout: float = 600.0) -> Tool:
        """The agent as a tool of another: it gets a question and gives its output.

        It runs inside the other's run: what it spends, the other's budget pays; its calls are in the other's journal
        and events, and where it has no dependencies or nobody to approve calls, it takes the other's.

        Args:
            name: As plans call it.
            description: What it is good for, for planners.
            timeout: Seconds after which a call fails.

        Raises:
            ToolDefinitionError: No tool can be called so.
        """
        from .agent_tool import agent_tool

        async def answer(question: str) -> Any:
            outer = current_outer()
            if outer is None:
                return (await self.run(question)).output
            return (await self._starter.inside(outer, question)).output

        return agent_tool(answer, name=name, description=description, timeout=timeout)

    def _stream(
        self, question: str, options: RunOptions, pick: Callable[[Event], Item | None]
    ) -> AbstractAsyncContextManager[RunStream[Item, T]]:
        from .run_stream import streaming

        def run(tell: Subscriber) -> Awaitable[RunResult[T]]:
            subscribers = (*options.get("subscribers", ()), tell)
            told: RunOptions = {**options, "subscribers": subscribers, "live": True}
            return self._starter.begin(question, told, tells_answer=True)

        return streaming(run, pick)


def _check_parts(**parts: object) -> None:
    """Refuses what is none, such as a class in the place of its object."""
    does = {"planner": "plan", "method": "solve", "reducer": "reduce"}
    for name, part in parts.items():
        is_plan = name == "planner" and isinstance(part, Plan)
        if part is None or isinstance(part, str) or is_plan:
            continue
        if isinstance(part, type) or not callable(getattr(part, does[name], None)):
            raise UsageError(
                f"{part!r} is no {name}: give a name, or an object such as SCALE() for a planner, "
                f"ChainOfThought() for a method, Majority() for a reducer, build(...) for a plan"
            )


def _planner(given: Planner | Plan | str, seed: int | None) -> Planner:
    if isinstance(given, Plan):
        return GivenPlanner(given=given)
    return _named(given, lambda name: planner_named(name, seed))


def _named(given: Named | str, find: Callable[[str], Named]) -> Named:
    return find(given) if isinstance(given, str) else given
