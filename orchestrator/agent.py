"""The agent: question in, answer out, over a plan, its execution and a reduction.

planner ─nodes─> executor ─> tools, methods, reducers ─> RunResult
                    └─ events ─> subscribers, run folder
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import anyio

from engines import Engine, Sampling, UsageError, run_in_portal, single_error
from planners import Planner, Vocabulary, planner_named
from reasoning import METHODS, REDUCERS, Method, Reducer, method_named, reducer_named

from .errors import RunFolderError
from .events import Event, EventBus, Subscriber
from .run import Run
from .run_folder import RunFolder
from .run_result import RunResult
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
        concurrency: The most nodes that run at the same time; at least 1.
        runs: The folder for run folders; None writes none.

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
        runs: str | Path | None = None,
    ) -> None:
        if not isinstance(engine, Engine):
            raise UsageError(
                f"{type(engine).__name__} is no open engine: use `async with local_engine() as engine`"
            )
        if concurrency < 1:
            raise UsageError(f"a concurrency of {concurrency} runs nothing: at least 1 is needed")
        self._engine = engine
        self._tools = tools_by_name(tools)
        self._sampling = sampling or Sampling()
        self._planner = _named(planner, lambda name: planner_named(name, self._sampling.seed))
        self._method = _named(method, lambda name: method_named(name, self._sampling))
        self._reducer = _named(reducer, lambda name: reducer_named(name, self._sampling))
        self._concurrency = concurrency
        self._runs = runs

    async def run(self, question: str, *, subscribers: Sequence[Subscriber] = ()) -> RunResult:
        """Answers a question.

        Args:
            question: Not empty.
            subscribers: Called with every event, at once.

        Raises:
            UsageError: The question is empty, or no text.
            PlanError: The planner made no plan that can be run.
            RunFailed: The node that should give the answer failed.
            RunFolderError: The run folder cannot be written; `result` on it is the result, if there is one.
            EngineError: The engine failed the planner.
        """
        check_question(question)
        opening = RunFolder(self._runs, self._configuration(question)) if self._runs else None
        with opening or nullcontext() as folder:
            result = await self._start(question, folder, subscribers).to_end()
            if folder is not None:
                _write_result(folder, result)
        return result

    def run_sync(self, question: str, *, subscribers: Sequence[Subscriber] = ()) -> RunResult:
        """The same for synchronous code, on the event loop of `with local_engine()`; works in Jupyter too."""
        return run_in_portal(lambda: self.run(question, subscribers=subscribers))

    @asynccontextmanager
    async def stream(self, question: str) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a run as they happen; leaving the block early cancels the run.

        Raises what `run` raises, when the block ends.
        """
        send, receive = anyio.create_memory_object_stream[Event](math.inf)
        errors: list[Exception] = []

        async def run() -> None:
            async with send:
                try:
                    await self.run(question, subscribers=[send.send_nowait])
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

    def _start(
        self, question: str, folder: RunFolder | None, subscribers: Sequence[Subscriber]
    ) -> Run:
        writers = () if folder is None else (folder.write,)
        return Run(
            question=question,
            engine=self._engine,
            planner=self._planner,
            vocabulary=vocabulary_of(self._tools),
            tools=self._tools,
            method=self._method,
            reducer=self._reducer,
            sampling=self._sampling,
            concurrency=self._concurrency,
            bus=EventBus(anyio.current_time, (*writers, *subscribers)),
            folder=None if folder is None else folder.path,
        )

    def _configuration(self, question: str) -> dict[str, Any]:
        return {
            "question": question,
            "model": self._engine.model,
            "planner": repr(self._planner),
            "method": repr(self._method),
            "reducer": None if self._reducer is None else repr(self._reducer),
            "sampling": self._sampling.model_dump(mode="json"),
            "tools": sorted(self._tools),
            "concurrency": self._concurrency,
        }


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


def _write_result(folder: RunFolder, result: RunResult) -> None:
    data = result.to_data()
    nodes = data.pop("nodes")
    plan = data.pop("plan")
    rows = [{"question": result.plan.question, **node} for node in nodes]
    try:
        folder.write_json("plan.json", plan)
        folder.write_lines("samples.jsonl", rows)
        folder.write_json("metrics.json", data)
    except RunFolderError as error:
        error.result = result
        raise
