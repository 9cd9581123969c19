"""Answers requests over an engine: what names no method by a call, everything else by a run of an agent.

    ModelRequest ─┬─ model, or a call demanded ──> calls of the engine ──────┬─> Piece, Piece, ... Ended
                  └─ model@way, or own tools ────> run, or one gone on with ─┘

It knows neither HTTP nor bodies. Nothing lives between two requests but the folders of runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engines import AdaptiveLimiter, CallLimiter, Engine, Peers, Sampling, Usage
from planners import planner_named

from ...agent import Agent
from ...budget import Budget
from ...calls import CallPolicy
from ...errors import InvalidRequest, RunDeferred, RunFailed
from ...events import Event
from ...history import History
from ...openai_api.model_request import ModelRequest
from ...openai_api.pieces import Piece
from ...run_stream import RunStream, every_event, streaming
from ...tools.approval import Approve
from ...tools.definition import Tool, check_dependencies, tools_by_name
from .asked_way import AskedWay, asked_way, ways
from .client_tools import OWNER, client_tools, open_run
from .client_turns import ClientLimiter, ClientTurns
from .counted import CountedEngine
from .demanded_call import demanded_call, demands_call
from .model_names import named_model, with_way
from .overheard import OverheardEngine
from .plain import PlainCalls
from .run_end import deferred_pieces, last_pieces
from .telling import Telling
from .temporary_runs import TemporaryRuns
from .way import Way, WayRules, has_tools, lowered, sampling_for, way_of
from .window_check import check_window


class Answering:
    """Answers requests. As a context manager it removes what it kept for a while only.

    Args:
        engine: What everything runs on. It is not closed here.
        tools: The server's own tools, which plans may call; no client does.
        planner: Who plans for a client that has tools of its own and names no planner.
        sampling: How calls sample where a request does not say.
        budget: What a request may cost at most, with what its run cost before where it goes on with one; by default
            anything.
        calls: What is done about calls that fail, hang or straggle.
        limiter: Lets only so many calls run at once, of all requests, with `ClientTurns` as its queue; by default as
            many as the engine serves best.
        runs: The folder for the runs of requests with a method or a plan; None keeps only those of clients with tools
            of their own, the last ones, until this ends.
        journal_dir: The folder for journals; None puts each into its run's folder.
        approve: Decides about calls of tools that have to be approved; None refuses them all.
        dependencies: What tools get that ask for it.
        concurrency: The most nodes of a run that run at the same time.
        most_threads: How many threads a client may ask a method for.
        trusting: Whether clients may choose the addresses of judges and what keeps this machine busy.
        aliases: What else the model is called.

    Raises:
        UsageError: There is no such planner, or a tool cannot be one, or needs dependencies and there are none.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        planner: str = "llm-compiler",
        sampling: Sampling | None = None,
        budget: Budget | None = None,
        calls: CallPolicy | None = None,
        limiter: CallLimiter | None = None,
        runs: str | Path | None = None,
        journal_dir: str | Path | None = None,
        approve: Approve | None = None,
        dependencies: Any = None,
        concurrency: int = 64,
        most_threads: int = 64,
        trusting: bool = False,
        aliases: Sequence[str] = (),
    ) -> None:
        self._engine = CountedEngine(engine)
        self._tools = tools_by_name(tools)
        check_dependencies(self._tools.values(), dependencies)
        # Who asks cannot help what is wrong here.
        planner_named(planner)
        self._calls = calls or CallPolicy()
        self._limiter = limiter or AdaptiveLimiter(engine, queue=ClientTurns())
        self._runs = None if runs is None else Path(runs)
        self._journal_dir = journal_dir
        self._approve = approve
        self._dependencies = dependencies
        self._concurrency = concurrency
        self._aliases = tuple(aliases)
        self._temporary = TemporaryRuns()
        self._rules = WayRules(
            planner=planner,
            sampling=sampling or Sampling(),
            budget=budget or Budget(),
            most_threads=most_threads,
            trusting=trusting,
        )
        self._plain = PlainCalls(
            engine=self._engine,
            limiter=self._limiter,
            policy=self._calls,
            peers=None if self._calls.hedge is None else Peers(self._calls.hedge),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._temporary.remove()

    def models(self) -> list[str]:
        """The names that a request may give its model, first the model's own; a way behind an `@` may have options."""
        return [*self._names, *(with_way(self._engine.model, way) for way in ways())]

    @property
    def spent(self) -> Usage:
        """What all calls took so far, those of requests that were left too."""
        return self._engine.spent

    async def adapt(self) -> None:
        """Lets the limit of calls follow the engine. To be run beside, as long as requests are answered."""
        await self._limiter.adapt()

    def answer(
        self, request: ModelRequest, *, owner: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        """The pieces of an answer, the last of which is `Ended`.

        Entering waits for the first text of a plain call, and for all of one that is not streamed. Leaving the block
        early ends everything that works for the request.

        Args:
            request: What is asked. Its last turn is the question of a run, those before are its history. One that
                names no method goes to the engine as it is; where the client can call tools, it is answered by a plan,
                since the engine calls none, and where it has to, by the call that is demanded.
            owner: Whose request it is. Runs belong to owners; where calls have to wait, owners take turns, and of one
                owner its requests do.

        Raises:
            InvalidRequest: Something in it cannot be honoured; `UnknownModel` where it names another model.
            BudgetExhausted: There is not enough left of the request's budget.
            EngineError: The engine failed a plain call or a planner; `ContextTooLong` where what was said has no room.
            RunRefused: A run's calls had no room in its budget or the model's window.
            ForkjoinError: Whatever else `Agent.run` raises, from the block or its iterator.
        """
        named = named_model(request.model, self._names)
        asked = asked_way(named.way, request.forkjoin)
        if asked.is_plain and (demands_call(request) or not has_tools(request)):
            return self._by_call(asked, request, owner)
        return self._by_run(way_of(asked, request, self._rules), request, owner)

    @property
    def _names(self) -> list[str]:
        return [self._engine.model, *self._aliases]

    def _by_call(
        self, asked: AskedWay, request: ModelRequest, owner: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        asked.refuse_parts()
        if request.choices > self._rules.most_threads:
            most = self._rules.most_threads
            raise InvalidRequest(f"n of {request.choices}: at most {most} is allowed here", "n")
        budget = lowered(self._rules.budget, asked.budget)
        if demands_call(request):
            sampling = sampling_for(request, self._rules.sampling)
            return demanded_call(self._plain.paid(budget, owner), request, sampling)
        usual = self._rules.sampling
        sampling = usual.model_copy(update=request.sampling) if request.sampling else usual
        return self._plain.answer(request, sampling, budget=budget, owner=owner)

    @asynccontextmanager
    async def _by_run(
        self, way: Way, request: ModelRequest, owner: str
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        await check_window(self._engine, request.turns)
        says = way.output_schema is None
        telling = Telling(streamed=request.stream, events=way.events, says=says)
        # What its calls are left for, a client has to do.
        with suppress(RunDeferred):
            async with (
                self._opened(way, request, owner, telling) as stream,
                aclosing(_pieces(stream, telling, request, says=says)) as pieces,
            ):
                yield pieces

    def _opened(
        self, way: Way, request: ModelRequest, owner: str, telling: Telling
    ) -> AbstractAsyncContextManager[RunStream[Event, Any]]:
        """The run as it goes on; nothing of it is asked in parts where nobody reads them."""
        *before, (_, question) = request.turns
        history = History.of_turns(before, self._engine.fingerprint)
        if has_tools(request):
            runs = self._runs or self._temporary.folder()
            tools = client_tools(request, self._tools)
            agent = self._agent(way, telling, tools, runs, owner)
            return open_run(agent, request, history=history, runs=runs, owner=owner)
        agent = self._agent(way, telling, (), self._runs, owner)
        notes = {OWNER: owner}
        if request.stream:
            return agent.stream(question, history=history, notes=notes)
        return streaming(
            lambda tell: agent.run(question, history=history, notes=notes, subscribers=(tell,)),
            every_event,
        )

    def _agent(
        self, way: Way, telling: Telling, tools: Iterable[Tool], runs: Path | None, owner: str
    ) -> Agent[Any]:
        return Agent(
            OverheardEngine(self._engine, telling.overhear, telling.refusals.overhear),
            tools=(*self._tools.values(), *tools),
            planner=way.planner,
            method=way.method,
            reducer=way.reducer,
            sampling=way.sampling,
            concurrency=self._concurrency,
            budget=way.budget,
            calls=self._calls,
            limiter=ClientLimiter(self._limiter, owner),
            dependencies=self._dependencies,
            approve=self._approve,
            output_type=way.output_schema,
            runs=runs,
            # It would outlive runs that are there for a while.
            journal_dir=None if self._runs is None else self._journal_dir,
        )


async def _pieces(
    stream: RunStream[Event, Any], telling: Telling, request: ModelRequest, *, says: bool
) -> AsyncGenerator[Piece]:
    async for event in stream:
        for piece in telling.pieces(event):
            yield piece
    try:
        ending = last_pieces(stream.result, telling, says=says)
    except RunDeferred as deferred:
        ending = deferred_pieces(deferred, telling, parallel=request.parallel_calls)
    except RunFailed as failed:
        raise telling.refusals.told(failed) from failed
    for piece in ending:
        yield piece
