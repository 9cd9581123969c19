"""The tools of one run: approved, paid by its budget, kept in its journal, tried again when they ask for it.

Memo             asks a pure tool once
JournaledTools   answers what was finished before
check_approved   waits for whoever has to approve it
limiter, purse   wait for a place, and pay for it
Tool.call        begins
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NoReturn, TypeAlias

import anyio

from engines import Notice, Notify, RetryPolicy, delay_before_retry

from ..budget import Account, Purse
from ..deferral import CallIsDeferred, deferred_call
from ..errors import ToolError
from ..events import ApprovalAsked, ApprovalDecided, Event, Subscriber, ToolProgress
from ..journal import Begin, JournaledTools
from .approval import ApprovalRequest, Approve, check_approved
from .context import ToolContext
from .deferred import fitting_arguments
from .definition import Tool
from .memo import Memo

Aside: TypeAlias = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Awaits what it is given."""


def _ignore(event: Event) -> None:
    """Nobody hears of events."""


async def _in_place(work: Callable[[], Awaitable[None]]) -> None:
    """Awaits it, and nobody gets the place meanwhile."""
    await work()


class Toolbox:
    """Calls the tools of one run.

    Args:
        tools: By name.
        retry: How often a tool is called that raises `ToolUnavailable`.
        purse: The run's budget: a call of a tool is a call.
        journal: Keeps results, and that calls were begun which must not be repeated; None keeps nothing.
        owner: The run's name, for limits that runs share.
        question: What the run was asked, for tools that want to know.
        dependencies: What the run was given for its tools; None if it was given nothing.
        approve: Decides about calls that have to be approved; None refuses them.
        emit: Takes the events.
        aside: Awaits what needs no place among those that run at once.
        inside: Of a run inside a node of another one, the path of that node, for whoever approves.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        retry: RetryPolicy,
        purse: Purse,
        journal: JournaledTools | None,
        owner: str,
        question: str = "",
        dependencies: Any = None,
        approve: Approve | None = None,
        emit: Subscriber = _ignore,
        aside: Aside = _in_place,
        inside: str = "",
    ) -> None:
        self._tools = tools
        self._retry = retry
        self._purse = purse
        self._journal = journal
        self._owner = owner
        self._question = question
        self._dependencies = dependencies
        self._approve = approve
        self._emit = emit
        self._aside = aside
        self._inside = f"{inside}/" if inside else ""
        self._memo = Memo()
        self._random = Random()

    async def call(
        self, node: str, account: Account, name: str, arguments: Mapping[str, Any], notify: Notify
    ) -> Any:
        """The result as JSON data; a pure tool is asked once for the same arguments.

        Raises:
            ToolError: The tool failed, was refused, or may not be repeated.
            BudgetExhausted: No call is left, or time is over.
            CallIsDeferred: Somebody else has to make the call, and has not told yet what came of it.
        """
        tool = self._tools[name]
        if tool.deferred:
            return await self._given(node, tool, arguments)
        make = partial(self._tried, node, account, tool, arguments, notify)
        if not tool.specification.pure:
            return await self._kept(node, tool, arguments, make)
        key = json.dumps([name, arguments], sort_keys=True)
        # Whoever asks first, the result is the same: it belongs to no node.
        return await self._memo.get(key, partial(self._kept, "", tool, arguments, make))

    def defers(self, name: str) -> bool:
        """Whether somebody else makes the calls of a tool."""
        return self._tools[name].deferred

    async def _given(self, node: str, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        """What the journal was given for a call of this node with these arguments."""
        call = deferred_call(node, tool.specification.name, arguments)
        fitting = fitting_arguments(call.arguments, tool.specification)
        call = replace(call, arguments=fitting)

        async def leave(begin: Begin) -> NoReturn:
            raise CallIsDeferred(call)

        return await self._kept(node, tool, call.arguments, leave)

    async def _kept(
        self,
        node: str,
        tool: Tool,
        arguments: Mapping[str, Any],
        make: Callable[[Begin], Awaitable[Any]],
    ) -> Any:
        if self._journal is None:
            return await make(_begin_unseen)
        specification = tool.specification
        # What has to be approved has effects: an approval is for one call.
        repeatable = specification.pure or (specification.repeatable and not tool.approval)
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
            if tool.approval:
                await self._aside(partial(self._check_approved, node, tool, arguments))
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
            return await tool.call(
                arguments,
                context=ToolContext(
                    dependencies=self._dependencies, node=node, question=self._question
                ),
                tell=lambda item: self._emit(ToolProgress(node=node, data=item)),
            )

    async def _check_approved(self, node: str, tool: Tool, arguments: Mapping[str, Any]) -> None:
        name = tool.specification.name
        request = ApprovalRequest(tool=name, arguments=arguments, node=self._inside + node)
        self._emit(ApprovalAsked(node=node, tool=name))
        try:
            await check_approved(request, self._approve)
        except ToolError as error:
            reason = str(error)
            self._emit(ApprovalDecided(node=node, tool=name, approved=False, reason=reason))
            raise
        self._emit(ApprovalDecided(node=node, tool=name, approved=True))


async def _begin_unseen() -> None:
    """Nobody keeps that a call begins."""
