"""One session with a tool server, from its opening until it is lost or closed. It is not opened again.

It knows no plans: tools go by the server's names, and what a call gave is the SDK's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio

from .contents import one_line, problem
from .transports import Streams, Transport

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult, Tool

_MOST_TOOLS = 10_000
# For a farewell over HTTP; a process gets the SDK's own time.
_SECONDS_TO_CLOSE = 2.0
# What the SDK says in place of an answer: nothing is on the other end, or nothing that knows the session.
_GONE = ("Connection closed", "Session terminated")


class ConnectionLost(Exception):
    """A call found the session over, or the session's end came while the call waited.

    Attributes:
        sent: Whether the server may have got the call.
    """

    def __init__(self, why: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(why)


class Connection:
    """A session with a server.

    The SDK cancels the task that opened a session when its transport breaks. So `run` holds it in a task of its own,
    and raises nothing: whoever calls learns it.

    Args:
        transport: The way to the server.
        start_seconds: How long opening may take.

    Attributes:
        tools: What the server has, once the session is open.
        answered: Whether it has answered a call.
    """

    def __init__(self, transport: Transport, start_seconds: float) -> None:
        self.tools: tuple[Tool, ...] = ()
        self.answered = False
        self._transport = transport
        self._start_seconds = start_seconds
        self._session: ClientSession | None = None
        self._step = "connecting"
        self._end = ""
        self._opened = anyio.Event()
        self._lost = anyio.Event()
        self._ended = anyio.Event()
        self._scope = anyio.CancelScope()

    @property
    def over(self) -> bool:
        """Whether no call can be made any more."""
        return self._lost.is_set()

    async def open(self) -> ClientSession:
        """The session, when calls can be made.

        Raises:
            ConnectionLost: It is over, or could not be opened.
        """
        await self._opened.wait()
        if self.over or self._session is None:
            await self._ended.wait()
            raise ConnectionLost(self._end, sent=False)
        return self._session

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """What the server answers; a call that is cancelled here is cancelled there too.

        Raises:
            ConnectionLost: The session is over, or its end came first.
            MCPError: The server refuses the call.
            RuntimeError: The answer does not fit its schema, or asks for what nobody is there to give.
            ValueError: The answer is none.
        """
        from mcp import MCPError

        session = await self.open()
        try:
            result = await session.call_tool(name, arguments)
        except MCPError as error:
            if error.message not in _GONE:
                raise
            self._lost.set()
            await self._ended.wait()
            raise ConnectionLost(self._end, sent=True) from None
        self.answered = True
        return result

    async def close(self) -> None:
        """Ends the session, and returns when nothing is left of it."""
        self._end = self._end or "it was closed"
        self._lost.set()
        if not self._opened.is_set():
            self._scope.cancel()
        await self._ended.wait()

    async def run(self) -> None:
        """Opens the session and holds it until it is lost or closed."""
        error: Exception | None = None
        try:
            with self._scope:
                await self._hold()
        except Exception as caught:  # The boundary to the SDK, the transport and the server.
            error = caught
        finally:
            self._end = self._end or self._told(error)
            for event in (self._lost, self._opened, self._ended):
                event.set()

    async def _hold(self) -> None:
        async with self._transport.open() as streams, self._in_session(streams) as session:
            try:
                with anyio.fail_after(self._start_seconds):
                    await self._start(session)
                self._session = session
                self._opened.set()
                await self._lost.wait()
            finally:
                self._scope.deadline = anyio.current_time() + _SECONDS_TO_CLOSE

    async def _start(self, session: ClientSession) -> None:
        from mcp import MCPError

        self._step = "initialize"
        try:
            # All servers know it, but those of the newest protocol alone, which say so.
            await session.initialize()
        except MCPError as error:
            if error.message in _GONE:
                raise
            with suppress(MCPError):
                await session.discover()
            if session.protocol_version is None:
                raise
        self._step = "tools/list"
        self.tools = await _listed(session)
        self._step = "the connection"

    @asynccontextmanager
    async def _in_session(self, streams: Streams) -> AsyncIterator[ClientSession]:
        """A session on the streams. It sees their end; the SDK tells only those of it who call."""
        from mcp import ClientSession

        reading, writing = streams
        send, receive = anyio.create_memory_object_stream[Any](0)

        async def forward() -> None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for message in reading:
                    # What a server writes beside messages is none.
                    if not isinstance(message, Exception):
                        await send.send(message)
            self._lost.set()
            send.close()

        with send, receive:
            async with anyio.create_task_group() as group:
                group.start_soon(forward)
                async with ClientSession(receive, writing) as session:
                    yield session
                group.cancel_scope.cancel()

    def _told(self, error: Exception | None) -> str:
        """Why the session is over, and what the server said last."""
        from mcp import MCPError

        leaf: BaseException | None = error
        while isinstance(leaf, BaseExceptionGroup):
            leaf = leaf.exceptions[0]
        end, hint = self._transport.last_words
        if leaf is None or (isinstance(leaf, MCPError) and leaf.message in _GONE):
            what = end or "it closed the connection"
        elif isinstance(leaf, TimeoutError):
            what = f"no answer to {self._step} in {self._start_seconds:g} s"
        elif isinstance(leaf, MCPError):
            what = f"{self._step} was refused: {one_line(leaf.message)}"
        else:
            what = f"{self._step} failed: {problem(leaf)}"
        return "; ".join(part for part in (what, hint) if part)


async def _listed(session: ClientSession) -> tuple[Tool, ...]:
    """All tools, page by page."""
    from mcp.types import PaginatedRequestParams

    tools: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        tools += page.tools
        if page.next_cursor is None:
            return tuple(tools)
        if page.next_cursor == cursor or len(tools) > _MOST_TOOLS:
            raise ValueError(f"the list of tools has no end, after {len(tools):,} tools")
        cursor = page.next_cursor
