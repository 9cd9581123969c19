"""The agent: question in, answer out, over a plan, its execution and a reduction.

planner ─nodes─> executor ─> tools, methods, reducers ─> RunResult
                    └─ events ─> subscribers, run folder, journal
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio

from engines import (
    AdaptiveLimiter,
    CallLimiter,
    Engine,
    Peers,
    Sampling,
    UsageError,
    run_in_portal,
    single_error,
)
from planners import Planner, Vocabulary, planner_named
from reasoning import METHODS, REDUCERS, Method, Reducer, method_named, reducer_named

from .agent_settings import AgentSettings
from .budget import Budget
from .calls import CallPolicy
from .events import Event, EventBus, Subscriber
from .on_failure import ON_FAILURE, OnFailure
from .resuming import check_nodes, check_same, raised_limits
from .run import Run
from .run_result import RunResult
from .runs.run_files import RunFiles, new_files, reopened_files
from .tools import Tool, tools_by_name

T = TypeVar("T")


class Agent:
    """Answers questions with an engine, tools, a planner, a method and a reducer.

    Args:
        engine: What everything runs on. The agent does not close it.
        tools: Functions that plans may call: made by `@tool`, or plain functions with types.
        planner: A planner or its name.
        method: How threads think that name no method: a method or its name.
        reducer: How results are merged, whatever the plan says: a reducer or its name; None leaves it to the plan.
        sampling: For methods and reducers given by name. Its seed makes runs repeatable.
        concurrency: The most nodes of a run that run at the same time; at least 1.
        budget: What each run may cost; by default anything.
        calls: What is done about calls that fail, hang or straggle.
        limiter: Lets only so many calls run at once, of all runs of this agent and of whoever shares it; by default
            as many as the engine serves best, which is found by measuring.
        on_failure: What becomes of nodes that need a failed one: `skip` them, `fail` the run, or `substitute` the
            error's text for the result.
        runs: The folder for run folders; None writes none, and keeps no journal.
        journal_dir: The folder for journals; None puts each into its run folder. It has to be on a local disk.

    Raises:
        UsageError: A name that does not exist, two tools of one name, a function that cannot be a tool, or no
            concurrency.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        planner: Planner | str = "llm-compiler",
        method: Method | str = "chain-of-thought",
        reducer: Reducer | str | None = None,
        sampling: Sampling | None = None,
        concurrency: int = 64,
        budget: Budget | None = None,
        calls: CallPolicy | None = None,
        limiter: CallLimiter | None = None,
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
        sampling = sampling or Sampling()
        calls = calls or CallPolicy()
        self._settings = AgentSettings(
            engine=engine,
            tools=tools_by_name(tools),
            planner=_named(planner, lambda name: planner_named(name, sampling.seed)),
            method=_named(method, lambda name: method_named(name, sampling)),
            reducer=_named(reducer, lambda name: reducer_named(name, sampling)),
            sampling=sampling,
            concurrency=concurrency,
            budget=budget or Budget(),
            calls=calls,
            limiter=limiter or AdaptiveLimiter(engine),
            peers=None if calls.hedge is None else Peers(calls.hedge),
            on_failure=on_failure,
        )
        self._vocabulary = vocabulary_of(self._settings.tools)
        self._runs = runs
        self._journal_dir = journal_dir

    async def run(
        self,
        question: str,
        *,
        subscribers: Sequence[Subscriber] = (),
        live: bool = False,
        notes: Mapping[str, Any] | None = None,
    ) -> RunResult:
        """Answers a question.

        Args:
            question: Not empty.
            subscribers: Called with every event, at once.
            live: Whether they are told of tokens while these come, which costs a little.
            notes: What else the run folder's configuration should hold, as JSON data.

        Raises:
            UsageError: The question is empty, or no text.
            PlanError: The planner made no plan that can be run.
            RunFailed: The node that should give the answer failed.
            BudgetExhausted: The budget has not even room for the plan.
            RunFolderError: The run folder cannot be written; `result` on it is the result, if there is one.
            JournalError: The journal cannot be written.
            EngineError: The engine failed the planner.
        """
        check_question(question)
        if self._runs is None:
            return await self._make(question, subscribers, live=live).to_end()
        settings = self._settings
        configuration = {
            "question": question,
            **settings.describe(),
            **settings.limits(),
            **(notes or {}),
        }
        async with new_files(
            self._runs,
            self._journal_dir,
            configuration,
            fingerprint=settings.engine.fingerprint,
            clock=anyio.current_time,
        ) as files:
            return await self._carry_out(self._make(question, subscribers, files, live=live), files)

    async def resume(
        self,
        folder: str | Path,
        *,
        subscribers: Sequence[Subscriber] = (),
        live: bool = False,
        repeat: Collection[str] = (),
        notes: Mapping[str, Any] | None = None,
    ) -> RunResult:
        """Goes on with a run that died, failed, was cut by its budget or lost calls.

        What it had finished is not done again. The agent has to be made as the one that began it, but for budget,
        calls, limiter and concurrency.

        Args:
            folder: The run's folder.
            subscribers: Called with every event, at once.
            live: Whether they are told of tokens while these come.
            repeat: Nodes whose tools are called again though they had begun and may not be repeated.
            notes: What else the run folder's configuration should hold from now on, as JSON data.

        Raises:
            UsageError: There is no such run or node, another process works on it, or it was begun with other settings.
        """
        # Only a resume reads runs back, and that takes a tenth of the import of all the rest.
        from .runs.run_record import RunReader

        path = Path(folder)
        begun = RunReader(path).read()
        settings = self._settings
        check_same(begun, settings)
        check_nodes(begun, repeat)
        async with reopened_files(
            path,
            begun.configuration.get("journal_dir"),
            fingerprint=settings.engine.fingerprint,
            clock=anyio.current_time,
            raised=raised_limits(begun, settings),
        ) as files:
            # The limits of now are what the next resume has to raise.
            now = {**begun.configuration, **settings.limits(), **(notes or {})}
            files.folder.write_configuration(now)
            run = self._make(begun.question, subscribers, files, live=live)
            run.resumed, run.repeat = True, repeat
            return await self._carry_out(run, files)

    def run_sync(
        self, question: str, *, subscribers: Sequence[Subscriber] = (), live: bool = False
    ) -> RunResult:
        """`run` for synchronous code, on the event loop of `with local_engine()`; works in Jupyter too."""
        return run_in_portal(lambda: self.run(question, subscribers=subscribers, live=live))

    @asynccontextmanager
    async def stream(self, question: str) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a run as they happen, tokens too; leaving the block early cancels the run.

        Raises what `run` raises, when the block ends.
        """
        send, receive = anyio.create_memory_object_stream[Event](math.inf)
        errors: list[Exception] = []

        def tell(event: Event) -> None:
            # A reader may close its end and let the run go on.
            with suppress(anyio.BrokenResourceError):
                send.send_nowait(event)

        async def run() -> None:
            async with send:
                try:
                    await self.run(question, subscribers=[tell], live=True)
                except Exception as error:
                    # Raised now, it would cancel the reader of the last events.
                    errors.append(error)

        with single_error():
            async with receive, anyio.create_task_group() as group:
                group.start_soon(run)
                yield receive
                group.cancel_scope.cancel()
        for error in errors:
            raise error

    def _make(
        self,
        question: str,
        subscribers: Sequence[Subscriber],
        files: RunFiles | None = None,
        *,
        live: bool,
    ) -> Run:
        writers = () if files is None else (files.folder.write,)
        return Run(
            settings=self._settings,
            vocabulary=self._vocabulary,
            question=question,
            bus=EventBus(anyio.current_time, (*writers, *subscribers)),
            name=os.urandom(8).hex() if files is None else files.folder.path.name,
            folder=None if files is None else files.folder.path,
            journal=None if files is None else files.journal,
            live=live,
        )

    async def _carry_out(self, run: Run, files: RunFiles) -> RunResult:
        result = await run.to_end()
        files.write_result(result)
        return result


def _named(given: T | str, find: Callable[[str], T]) -> T:
    return find(given) if isinstance(given, str) else given


def check_question(question: str) -> None:
    """Refuses what is no question.

    Raises:
        UsageError: It is empty, or no text.
    """
    if not question.strip():
        raise UsageError("the question is empty: say what is to be answered")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the question is no text ({error}): write it in UTF-8") from None


def vocabulary_of(tools: Mapping[str, Tool]) -> Vocabulary:
    """What plans may name where these tools are there."""
    return Vocabulary(
        tools={name: tool.specification for name, tool in tools.items()},
        methods=METHODS,
        reducers=REDUCERS,
    )
