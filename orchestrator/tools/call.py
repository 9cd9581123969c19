"""One call of a function, from arguments to JSON data. What it gives bit by bit is told while it comes.

    async function       on the event loop
    async generator      on the event loop, item by item
    plain function       in a daemon thread
    iterator             in that thread, item by item

It knows no time-out: whoever calls cancels it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.lowlevel import EventLoopToken

from ..errors import ToolError
from .daemon_thread import run_in_daemon_thread
from .data import MOST_BYTES, Data, as_data, in_words, too_much

MOST_ITEMS = 10_000
"""The most items of a result that comes bit by bit."""

_SECONDS_TO_CLOSE = 1.0

TellItem = Callable[[Any], None]
"""Told of each item of a result while it comes, on the event loop."""


class ToolCall:
    """A call of a tool; used once.

    Args:
        name: The tool's name, for messages.
        function: What is called.
        tell: Hears of items.

    Attributes:
        items: What has come so far of a result that comes bit by bit.
    """

    def __init__(self, name: str, function: Callable[..., Any], tell: TellItem) -> None:
        self.items: list[Any] = []
        self._name = name
        self._function = function
        self._tell = tell
        self._size = 0
        self._over = False

    async def run(self, arguments: Mapping[str, Any]) -> Any:
        """The result as JSON data: of items their list, or their text where all are texts.

        Raises:
            ToolError: The function says so, or its result is no data or too much.
            Exception: Whatever else a function raises on the event loop.
        """
        try:
            if inspect.iscoroutinefunction(self._function):
                return await self._settled(await self._function(**arguments))
            if inspect.isasyncgenfunction(self._function):
                return await self._settled(self._function(**arguments))
            token = anyio.lowlevel.current_token()
            result = await run_in_daemon_thread(partial(self._run_here, arguments, token))
            # A plain function may wrap an async one.
            if isinstance(result, AsyncIterator):
                return await self._follow(result)
            return await self._settled(await result) if inspect.isawaitable(result) else result
        finally:
            self._over = True

    async def _settled(self, result: Any) -> Any:
        if isinstance(result, AsyncIterator):
            return await self._follow(result)
        if isinstance(result, Iterator):
            token = anyio.lowlevel.current_token()
            return await run_in_daemon_thread(partial(self._drain, result, token))
        return as_data(result, self._name).value

    async def _follow(self, items: AsyncIterator[Any]) -> Any:
        try:
            async for item in items:
                self._take(as_data(item, self._name))
                # A generator that waits for nothing must not keep the event loop.
                await anyio.lowlevel.checkpoint()
        finally:
            with anyio.move_on_after(_SECONDS_TO_CLOSE, shield=True), suppress(Exception):
                # An iterator that is no generator has nothing to close.
                await getattr(items, "aclose", anyio.lowlevel.checkpoint)()
        return self._whole()

    def _run_here(self, arguments: Mapping[str, Any], token: EventLoopToken) -> Any:
        """Runs a plain function to its data, since making data of a result may run the function's own code."""
        try:
            result = self._function(**arguments)
            if isinstance(result, Iterator):
                return self._drain(result, token)
        except ToolError:
            raise
        except BaseException as error:  # In a thread of its own nothing else can be meant by it.
            raise ToolError(f"{self._name} raised {in_words(error)}") from error
        later = inspect.isawaitable(result) or isinstance(result, AsyncIterator)
        return result if later else as_data(result, self._name).value

    def _drain(self, items: Iterator[Any], token: EventLoopToken) -> Any:
        """Takes the items of an iterator in the thread that runs it."""
        try:
            for item in items:
                data = as_data(item, self._name)
                anyio.from_thread.run_sync(self._take, data, token=token)
        finally:
            getattr(items, "close", _nothing)()
        return self._whole()

    def _take(self, item: Data) -> None:
        if self._over:
            # The thread was left behind: its generator is closed at its next item.
            raise ToolError(f"{self._name} is waited for no more")
        self._size += item.size
        if self._size > MOST_BYTES:
            raise too_much(self._name, self._size)
        if len(self.items) == MOST_ITEMS:
            raise ToolError(
                f"{self._name} gave more than {MOST_ITEMS:,} items: give fewer and larger ones"
            )
        self.items.append(item.value)
        self._tell(item.value)

    def _whole(self) -> Any:
        texts = bool(self.items) and all(isinstance(item, str) for item in self.items)
        return "".join(self.items) if texts else self.items


def _nothing() -> None:
    """An iterator that is no generator has nothing to close."""
