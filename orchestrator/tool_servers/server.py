"""Tools of MCP servers, for as long as a block lasts.

    async with tool_server(command=["python", "server.py"]) as tools:
        result = await Agent(engine, tools=tools).run("...")

It knows neither runs nor plans: what it gives are tools like others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio.abc import TaskGroup

from engines import MissingExtra, UsageError, single_error
from engines.portal import OpensOnPortal
from planners import ToolSpecification

from ..errors import ToolDefinitionError, ToolError, ToolUnavailable
from ..tools.definition import Tool
from .arguments import check_arguments
from .connection import Connection, ConnectionLost
from .contents import data_of, one_line, problem
from .definitions import Selection
from .transports import CommandTransport, Transport, UrlTransport

# The SDK tells every line that is no message with a traceback, which Python shows where nobody has set up logging.
_NOWHERE = logging.NullHandler()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServerStatistics:
    """What a tool server has done.

    Attributes:
        starts: How often it was started, or connected to.
        calls: Calls that it was given.
        running: Those that it has not answered yet.
        connected: Whether it is there now.
    """

    starts: int
    calls: int
    running: int
    connected: bool


def tool_server(
    *,
    command: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    prefix: str = "",
    timeout: float = 60.0,
    start_timeout: float = 60.0,
    pure: Collection[str] = (),
    repeatable: Collection[str] = (),
    approval: Collection[str] = (),
) -> ToolServer:
    """The tools of an MCP server, in an `async with` or a plain `with`; the names in it are the server's own.

    A tool is repeatable if the server's annotations say that it only reads, or that a second call changes nothing.
    A server that was lost is connected to again for the next call, and a command started again if it had answered one.

    Args:
        command: Starts a server that talks through its standard input and output. When the block is left it is gone,
            and so is all that it started; also when this process is killed.
        env: Variables for it, beside HOME, LOGNAME, PATH, SHELL, TERM and USER, which are all that it gets of ours.
        cwd: The folder where it runs.
        url: The address of a server that is there already, and talks streamable HTTP.
        headers: Go with every request, such as `{"Authorization": "Bearer ..."}`.
        only: The tools to take; None takes all.
        prefix: Stands before every name, so that servers may have tools of the same name.
        timeout: Seconds after which a call fails.
        start_timeout: Seconds in which it has to be ready and list its tools.
        pure: Tools whose results depend on their arguments alone: a run asks once for the same ones.
        repeatable: Tools that may be called again where a run died in their call.
        approval: Tools whose calls have to be approved.

    Raises:
        UsageError: Neither a command nor a URL is given, or both.
        MissingExtra: The SDK is not installed.

    Opening it raises `ToolDefinitionError` where the server does not start, or has a tool that cannot be used.
    """
    _check_sdk()
    selection = Selection(
        only=only, prefix=prefix, pure=pure, repeatable=repeatable, approval=approval
    )
    transport = _transport(command, env, cwd, url, headers)
    return ToolServer(transport, selection, timeout=timeout, start_timeout=start_timeout)


class ToolServer(OpensOnPortal[list[Tool]]):
    """Opens and closes a server, and calls its tools; see `tool_server`."""

    def __init__(
        self,
        transport: Transport,
        selection: Selection,
        *,
        timeout: float,
        start_timeout: float,
    ) -> None:
        self._transport = transport
        self._selection = selection
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._starts = self._calls = self._running = 0
        self._block: AbstractAsyncContextManager[list[Tool]] | None = None
        self._group: TaskGroup | None = None
        self._connection: Connection | None = None

    def __str__(self) -> str:
        return str(self._transport)

    def statistics(self) -> ToolServerStatistics:
        """What it has done up to now."""
        return ToolServerStatistics(
            starts=self._starts,
            calls=self._calls,
            running=self._running,
            connected=self._connection is not None and not self._connection.over,
        )

    async def __aenter__(self) -> list[Tool]:
        if self._block is not None:
            raise RuntimeError(f"the tool server {self} is open already")
        self._block = self._open()
        try:
            return await self._block.__aenter__()
        except BaseException:
            self._block = None
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._block is not None
        block, self._block = self._block, None
        return await block.__aexit__(kind, error, traceback)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[list[Tool]]:
        logging.getLogger("mcp").addHandler(_NOWHERE)
        self._loop = anyio.lowlevel.current_token()
        with single_error():
            async with anyio.create_task_group() as self._group:
                connection = self._connect(self._group)
                try:
                    yield await self._tools(connection)
                finally:
                    last, self._group, self._connection = self._connection, None, None
                    await (last or connection).close()

    def _connect(self, group: TaskGroup) -> Connection:
        self._starts += 1
        self._connection = Connection(self._transport, self._start_timeout)
        group.start_soon(self._connection.run)
        return self._connection

    async def _tools(self, connection: Connection) -> list[Tool]:
        try:
            await connection.open()
            # Checking a schema takes some milliseconds, and there may be a thousand.
            specifications = await anyio.to_thread.run_sync(
                self._selection.of, connection.tools, abandon_on_cancel=True
            )
        except (ConnectionLost, ToolDefinitionError) as error:
            raise ToolDefinitionError(f"tool server {self}: {error}") from None
        schemas = {tool.name: tool.output_schema for tool in connection.tools}
        return [
            self._tool(name, specification, schemas[name])
            for name, specification in specifications.items()
        ]

    def _tool(
        self, name: str, specification: ToolSpecification, schema: Mapping[str, Any] | None
    ) -> Tool:
        async def call(**arguments: Any) -> Any:
            check_arguments(arguments, specification.parameters, specification.name)
            result = await self._call(name, specification, arguments)
            return data_of(result, schema, specification.name)

        return Tool(
            specification=specification,
            function=call,
            arguments=None,
            timeout=self._timeout,
            approval=name in self._selection.approval,
        )

    async def _call(
        self, name: str, specification: ToolSpecification, arguments: dict[str, Any]
    ) -> Any:
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        connection = self._live()
        self._calls += 1
        self._running += 1
        try:
            return await connection.call(name, arguments)
        except ConnectionLost as lost:
            raise self._failure(connection, specification, lost) from None
        except MCPError as error:
            what = f"{specification.name}: its server says: {one_line(error.message)}"
            broken = error.code == CONNECTION_CLOSED and _harmless(specification)
            raise ToolUnavailable(what) if broken else ToolError(what) from None
        except (RuntimeError, ValueError) as error:
            what = f"{specification.name} gave an answer of no use: {problem(error)}"
            raise ToolError(what) from None
        finally:
            self._running -= 1

    def _live(self) -> Connection:
        """The connection, or a new one where it was lost and had been of use."""
        if self._group is None or self._connection is None:
            raise ToolError(f"the tool server {self} is closed: its block was left")
        if anyio.lowlevel.current_token() != self._loop:
            raise ToolError(
                f"the tool server {self} belongs to another event loop: open it where the agent runs, or "
                f"with a plain `with` and use `run_sync`"
            )
        if self._connection.over and self._worth_another(self._connection):
            return self._connect(self._group)
        return self._connection

    def _worth_another(self, connection: Connection) -> bool:
        return connection.answered or self._transport.may_return

    def _failure(
        self, connection: Connection, specification: ToolSpecification, lost: ConnectionLost
    ) -> ToolError:
        told = f"{specification.name}: its server {self} was lost: {lost}"
        if not self._worth_another(connection):
            return ToolError(f"{told}; it is not started again, since it had answered no call")
        again = not lost.sent or _harmless(specification)
        return ToolUnavailable(told) if again else ToolError(told)


def _check_sdk() -> None:
    # Some versions of vLLM bring the first one.
    try:
        found = version("mcp")
    except PackageNotFoundError:
        found = ""
    if not found.startswith("2."):
        raise MissingExtra("mcp 2, the SDK for tool servers,", "mcp")


def _harmless(specification: ToolSpecification) -> bool:
    """Whether a second call does no harm."""
    return specification.repeatable or specification.pure


def _transport(
    command: Sequence[str] | None,
    env: Mapping[str, str] | None,
    cwd: str | os.PathLike[str] | None,
    url: str | None,
    headers: Mapping[str, str] | None,
) -> Transport:
    if isinstance(command, str):
        raise UsageError(f"command={command!r}: give a list, as in {command.split()!r}")
    if command and url is None and headers is None:
        return CommandTransport(command, env, cwd)
    if url is not None and command is None and env is None and cwd is None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"url={url!r}: write one such as http://127.0.0.1:8000/mcp")
        return UrlTransport(url, headers)
    raise UsageError(
        "a tool server needs command=[...], with env= and cwd= if you like, or url=..., with headers="
    )
