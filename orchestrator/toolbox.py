"""The tools of one run: paid by its budget, kept in its journal, tried again when they ask for it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import Any

import anyio

from engines import Notice, Notify, RetryPolicy, delay_before_retry

from .budget import Account, Purse
from .errors import ToolError
from .journal import Begin, JournaledTools
from .memo import Memo
from .tools import Tool


class Toolbox:
    """Calls the tools of one run.

    Args:
        tools: By name.
        retry: How often a tool is called that raises `ToolUnavailable`.
        purse: The run's budget: a call of a tool is a call.
        journal: Keeps results, and that calls were begun which must not be repeated; None keeps nothing.
        owner: The run's name, for limits that runs share.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        retry: RetryPolicy,
        purse: Purse,
        journal: JournaledTools | None,
        owner: str,
    ) -> None:
        self._tools = tools
        self._retry = retry
        self._purse = purse
        self._journal = journal
        self._owner = owner
        self._memo = Memo()
        self._random = Random()

    async def call(
        self, node: str, account: Account, name: str, arguments: Mapping[str, Any], notify: Notify
    ) -> Any:
        """The result as JSON data; a pure tool is asked once for the same arguments.

        Raises:
            ToolError: The tool failed, or may not be repeated.
            BudgetExhausted: No call is left, or time is over.
        """
        tool = self._tools[name]
        make = partial(self._tried, node, account, tool, arguments, notify)
        if not tool.specification.pure:
            return await self._kept(node, tool, arguments, make)
        key = json.dumps([name, arguments], sort_keys=True)
        # Whoever asks first, the result is the same: it belongs to no node.
        return await self._memo.get(key, partial(self._kept, "", tool, arguments, make))

    async def _kept(
        self, node: str, tool: Tool, arguments: Mapping[str, Any], make: partial[Any]
    ) -> Any:
        if self._journal is None:
            return await make(_begin_unseen)
        specification = tool.specification
        repeatable = specification.repeatable or specification.pure
        return await self._journal.call(
            node, specification.name, arguments, make, repeatable=repeatable
        )

    async def _tried(
        self,
        node: str,
        account: Account,
        tool: Tool,
        arguments: Mapping[str, Any],
        notify: Notify,
        begin: Begin,
    ) -> Any:
        with anyio.move_on_after(self._purse.seconds_left(account)):
            for attempt in itertools.count(1):
                try:
                    return await self._once(node, account, tool, arguments, begin)
                except ToolError as error:
                    delay = delay_before_retry(self._retry, attempt, error, self._random)
                    if delay is None:
                        raise
                    notify(Notice(kind="retried", path=node, reason=str(error)))
                await anyio.sleep(delay)
        raise self._purse.over(account, node)

    async def _once(
        self,
        node: str,
        account: Account,
        tool: Tool,
        arguments: Mapping[str, Any],
        begin: Begin,
    ) -> Any:
        async with AsyncExitStack() as stack:
            if tool.limiter is not None:
                await stack.enter_async_context(tool.limiter.slot(owner=self._owner))
            await stack.enter_async_context(self._purse.call(account, node))
            # Only here: a call that waits for a slot, or is refused by the budget, has not begun.
            await begin()
            return await tool.call(arguments)


async def _begin_unseen() -> None:
    """Nobody keeps that a call begins."""
