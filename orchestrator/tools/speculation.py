"""Starts the call that a planner has all but written, so that its node finds the result on its way.

    guess ─> the call starts ─┬─ its node comes ─> goes on: the node waits for the same call
                              └─ another comes  ─> is cancelled

Only where that can change nothing: the tool is pure, and the results are there that the call refers to. It knows no
model and no line.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.abc

from engines import BudgetExhausted, Notice, Outcome
from planners import Call, Node

from ..budget import Account
from ..errors import ToolError
from ..node_runner import Result
from ..resolve import resolve
from .definition import Tool
from .toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeculationStatistics:
    """What became of guesses.

    Attributes:
        started: Calls that were started.
        confirmed: Of these, the ones whose node came.
        cancelled: Of these, the ones whose node did not come.
    """

    started: int = 0
    confirmed: int = 0
    cancelled: int = 0


class Speculation:
    """The guesses of one run, at most one at a time.

    A guess is paid for like a call, takes no place among the nodes that run at once, and fails nothing: where it
    fails, its node makes the call itself.

    Args:
        group: Runs the calls; whoever owns it ends those that are left.
        toolbox: Makes them.
        tools: By name.
        outcomes: Of the nodes that have ended.
        account: Pays.
    """

    def __init__(
        self,
        group: anyio.abc.TaskGroup,
        *,
        toolbox: Toolbox,
        tools: Mapping[str, Tool],
        outcomes: Mapping[str, Outcome[Result]],
        account: Account,
    ) -> None:
        self._group = group
        self._toolbox = toolbox
        self._tools = tools
        self._outcomes = outcomes
        self._account = account
        self._guess: Call | None = None
        self._scope = anyio.CancelScope()
        self._started = self._confirmed = self._cancelled = 0

    def guess(self, call: Call | None) -> None:
        """Takes the call that will probably come next, in place of the last guess; None where nothing is known."""
        if self._is_guess(call):
            return
        self._drop()
        arguments = None if call is None else self._arguments(call)
        if call is None or arguments is None:
            return
        self._guess, self._scope = call, anyio.CancelScope()
        self._started += 1
        self._group.start_soon(self._ask, call.tool, arguments, self._scope)

    def settle(self, node: Node) -> None:
        """Takes the node that came."""
        if self._is_guess(node):
            self._confirmed += 1
            self._guess = None
        else:
            self._drop()

    def statistics(self) -> SpeculationStatistics:
        """What became of guesses so far."""
        return SpeculationStatistics(
            started=self._started, confirmed=self._confirmed, cancelled=self._cancelled
        )

    def _is_guess(self, node: Node | None) -> bool:
        guess = self._guess
        return (
            guess is not None
            and isinstance(node, Call)
            and (node.tool, node.arguments) == (guess.tool, guess.arguments)
        )

    def _drop(self) -> None:
        if self._guess is not None:
            self._guess = None
            self._cancelled += 1
            self._scope.cancel()

    def _arguments(self, call: Call) -> Mapping[str, Any] | None:
        """What the call would be made with; None where it may not begin now."""
        if not self._tools[call.tool].specification.pure:
            return None
        data = {}
        for name in call.dependencies:
            outcome = self._outcomes.get(name)
            if outcome is None or outcome.value is None:
                return None
            data[name] = outcome.value.data
        try:
            return {name: resolve(value, data) for name, value in call.arguments.items()}
        except ToolError:
            return None

    async def _ask(self, tool: str, arguments: Mapping[str, Any], scope: anyio.CancelScope) -> None:
        with scope, suppress(ToolError, BudgetExhausted):
            await self._toolbox.call(self._account.path, self._account, tool, arguments, _ignore)


def _ignore(notice: Notice) -> None:
    """What happens to a guess on its way concerns nobody."""
