"""The client's own tools: a run stops with its calls, and the client's next request goes on with the run.

    request ─> run ─> RunDeferred ─> tool_calls, with ids that name run and node
    request with results ─> the run of these ids ─> resumed, or else a new one that is told of the results

All that is known between two requests is in the run's folder: whose it is, and what was asked. It knows neither HTTP
nor bodies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import UsageError

from ...agent import Agent
from ...errors import InvalidRequest, JournalError, RunDeferred, RunInUse, RunUnreadable, ToolError
from ...events import CallDeferred, Event, Subscriber
from ...history import History
from ...openai_api.model_request import ModelRequest, ToolResult
from ...openai_api.pieces import ToolCall
from ...run_result import RunResult
from ...run_stream import RunStream, every_event, streaming
from ...runs.run_record import RunReader
from ...tools.data import as_data
from ...tools.deferred import deferred_tool
from ...tools.definition import Tool
from .call_ids import call_id, node_in_id, read_call_id

OWNER = "owner"
"""Where the configuration of a request's run says whose it is."""

_CONVERSATION = "conversation"


def client_tools(request: ModelRequest, server: Collection[str]) -> tuple[Tool, ...]:
    """The tools of a request, to be called by the client.

    Args:
        request: Has them; with a `tool_choice` of none they are not there.
        server: The names of the server's own.

    Raises:
        InvalidRequest: One is called like a tool of the server, or calls are demanded, which a plan cannot promise.
    """
    if not request.tools or request.tool_choice == "none":
        return ()
    if request.tool_choice != "auto":
        raise InvalidRequest(
            f"tool_choice of {request.tool_choice!r} cannot be honoured: a plan calls what it needs; use auto or none",
            "tool_choice",
        )
    for tool in request.tools:
        if tool.name in server:
            raise InvalidRequest(
                f"the tool {tool.name!r} is the server's own, which plans call without the client: leave it out, or "
                f"rename yours",
                "tools",
            )
    return tuple(deferred_tool(tool) for tool in request.tools)


def tool_calls(deferred: RunDeferred, *, parallel: bool = True) -> tuple[ToolCall, ...]:
    """The calls of a run as the client gets them.

    Args:
        deferred: What the run waits for.
        parallel: Whether all of them come at once; else it is the first, and the others come when it has a result.
    """
    run = deferred.folder.name
    calls = deferred.calls if parallel else deferred.calls[:1]
    return tuple(
        ToolCall(
            id=call_id(run, call.node),
            name=call.tool,
            arguments=json.dumps(call.arguments, ensure_ascii=False),
        )
        for call in calls
    )


def open_run(
    agent: Agent[Any],
    request: ModelRequest,
    *,
    history: History | None,
    runs: Path,
    owner: str,
) -> AbstractAsyncContextManager[RunStream[Event, Any]]:
    """The run of a request as `Agent.stream` has it: gone on with where its results belong to one, else a new one.

    A run is gone on with by its owner only, for the same conversation, tools and settings; one that went on already
    gives the same again. The events of a request that is not streamed come without texts and tokens.

    Args:
        agent: With the request's tools; its runs are in `runs`.
        request: Its last turn is the question.
        history: Of the turns before the last (`History.of_turns`); None if there is none.
        runs: The folder of runs.
        owner: Whom its runs belong to.
    """
    exchange = _Exchange(agent=agent, request=request, history=history, runs=runs, owner=owner)
    return streaming(exchange.run, every_event)


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A run that a request's results belong to."""

    folder: Path
    results: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Exchange:
    agent: Agent[Any]
    request: ModelRequest
    history: History | None
    runs: Path
    owner: str

    async def run(self, tell: Subscriber) -> RunResult[Any]:
        waiting = self._waiting()
        if waiting is None:
            return await self._anew(tell)
        begun = False

        def heard(event: Event) -> None:
            nonlocal begun
            begun = True
            tell(event)

        try:
            return await self._gone_on(waiting, heard)
        except RunInUse:
            raise
        except (UsageError, JournalError):
            # Before its first event nothing has happened: it has other settings or other results, or lacks files.
            if begun:
                raise
        return await self._anew(tell)

    async def _anew(self, tell: Subscriber) -> RunResult[Any]:
        question = self._question(self.request.results)
        notes = {OWNER: self.owner, _CONVERSATION: self._conversation}
        agent, history = self.agent, self.history
        if not self.request.stream:
            subscribers = (tell,)
            return await agent.run(question, history=history, notes=notes, subscribers=subscribers)
        return await _told(agent.stream(question, history=history, notes=notes), tell)

    async def _gone_on(self, waiting: _Waiting, tell: Subscriber) -> RunResult[Any]:
        agent, folder, results = self.agent, waiting.folder, waiting.results
        if not self.request.stream:
            return await agent.resume(folder, results=results, subscribers=(tell,))
        return await _told(agent.stream_resumed(folder, results=results), tell)

    def _waiting(self) -> _Waiting | None:
        """The run that the last result belongs to; None if it cannot be gone on with."""
        results = self.request.results
        last = read_call_id(results[-1].id) if results else None
        if last is None:
            return None
        own = [result for result in results if _is_of(result, last.run)]
        others = [result for result in results if not _is_of(result, last.run)]
        folder = self.runs / last.run
        try:
            record = RunReader(folder).read()
        except RunUnreadable:
            return None
        kept = record.configuration
        if (kept.get(OWNER), kept.get(_CONVERSATION)) != (self.owner, self._conversation):
            return None
        # What other runs had asked for, it was told when it began.
        if record.question != self._question(others):
            return None
        found = _found(own, record.view.asked.values())
        return None if found is None else _Waiting(folder=folder, results=found)

    def _question(self, known: Iterable[ToolResult]) -> str:
        """The question, with the results of calls that were made for it."""
        _, question = self.request.turns[-1]
        told = [f"{result.name}({result.arguments}) = {result.text}" for result in known]
        if not told:
            return question
        return "\n".join((f"{question}\n\nThese calls were made for it already:", *told))

    @property
    def _conversation(self) -> str:
        """A digest of what was said and what could be called."""
        tools = [tool.model_dump(mode="json") for tool in self.request.tools]
        text = json.dumps([self.request.turns, tools])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


async def _told(
    opened: AbstractAsyncContextManager[RunStream[Event, Any]], tell: Subscriber
) -> RunResult[Any]:
    async with opened as events:
        async for event in events:
            tell(event)
    return events.result


def _is_of(result: ToolResult, run: str) -> bool:
    id = read_call_id(result.id)
    return id is not None and id.run == run


def _found(
    results: Iterable[ToolResult], asked: Iterable[CallDeferred]
) -> Mapping[str, Any] | None:
    """The results by node; None where a run has not asked for one of them so."""
    calls = {node_in_id(call.node): call for call in asked}
    found: dict[str, Any] = {}
    for result in results:
        id = read_call_id(result.id)
        call = None if id is None else calls.get(id.node)
        if call is None or call.tool != result.name or call.arguments != _value(result.arguments):
            return None
        found[call.node] = _result(result.text)
    return found


def _result(text: str) -> Any:
    """What came of a call; a client says that it failed with `{"error": "why"}`."""
    match value := _value(text):
        case {"error": str(reason)} if len(value) == 1:
            return ToolError(" ".join(reason.split()) or "it failed")
    return value


def _value(text: str) -> Any:
    """What a text says as JSON, so that plans can use its fields; itself if it is none."""
    try:
        value = as_data(json.loads(text), "it").value
    except (ValueError, RecursionError, ToolError):
        return text
    # Of 1e5 and 5.0 nobody knows whether they are numbers or how something is called.
    as_written = isinstance(value, dict | list) or json.dumps(value, ensure_ascii=False) == text
    return value if as_written else text
