"""Calls of tools that a run makes once, however often it is begun again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engines import UsageError

from ..errors import ToolError, ToolRefused, ToolUnfinished
from .index import ToolState
from .journal import Journal
from .keys import tool_key
from .once import OncePerRun
from .packing import pack_text
from .writer import Row

Begin = Callable[[], Awaitable[None]]
"""Says that a tool begins now, which is written before it does if it may not be repeated."""


class JournaledTools:
    """Answers calls of tools from a journal, and puts the others into it.

    Args:
        journal: Knows what has been called.
        repeat: Nodes whose tools are called again though they were begun or failed and may not be repeated.
        inside: Of a run inside a node of another one, the path of that node: its nodes stand beneath it.
    """

    def __init__(self, journal: Journal, *, repeat: Collection[str] = (), inside: str = "") -> None:
        self._journal = journal
        self._inside = f"{inside}/" if inside else ""
        self._repeat = frozenset(repeat)
        self._calls: OncePerRun[bytes] = OncePerRun("calls of a tool")

    async def call(
        self,
        node: str,
        tool: str,
        arguments: Mapping[str, Any],
        function: Callable[[Begin], Awaitable[Any]],
        *,
        repeatable: bool,
    ) -> Any:
        """The result from the journal, or that of `function`, once it is written.

        Args:
            node: Who calls, unique in a run.
            tool: The tool's name.
            arguments: JSON data.
            function: Does the call; it awaits what it is given right before the tool begins. Its result has to be JSON
                data.
            repeatable: Whether the tool may be called again if nobody knows how far it came. One that may not is
                called only once its start is written, and fails in a later run as it failed first.

        Raises:
            ToolUnfinished: It was begun, nobody knows how far it came, and it may not be repeated.
            ToolError: The tool failed, now or before.
            RepeatedName: The run has made this call already.
            JournalError: The journal cannot be written.
        """
        node = self._inside + node
        call = _ToolCall(self._journal, node, tool, arguments)
        self._calls.begin(call.key, lambda: node)
        ended = False
        try:
            if call.state == "finished":
                result = await call.result()
            else:
                if not repeatable and node not in self._repeat:
                    await call.check_repetition()
                result = await call.make(function, repeatable)
            ended = True
        finally:
            self._calls.end(call.key, well=ended)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenResult:
    """What somebody outside found by a call.

    Attributes:
        node: Who called.
        tool: The tool's name.
        arguments: JSON data.
        result: JSON data; of a call that failed, why.
        failed: Whether it did.
    """

    node: str
    tool: str
    arguments: Mapping[str, Any]
    result: Any
    failed: bool = False


async def keep_results(journal: Journal, given: Iterable[GivenResult]) -> None:
    """Keeps results as those of calls that the run made: all of them or none.

    Those that it has already are not written again; a call that failed may have succeeded in another try.

    Raises:
        UsageError: A call has another result already.
        JournalError: The journal cannot be written.
    """
    rows: list[Row] = []
    known: dict[bytes, tuple[int, ToolState]] = {}
    for one in given:
        call = _ToolCall(journal, one.node, one.tool, one.arguments)
        state: ToolState = "failed" if one.failed else "finished"
        if not await call.has(state, one.result):
            id = journal.index.new_id("tools")
            rows.append(call.row(id, state, one.result))
            known[call.key] = (id, state)
    await journal.writer.write(rows)
    journal.index.tools.update(known)


class _ToolCall:
    def __init__(
        self, journal: Journal, node: str, tool: str, arguments: Mapping[str, Any]
    ) -> None:
        self.key = tool_key(node, tool, arguments)
        self._journal = journal
        self._node = node
        self._tool = tool
        self._arguments = arguments
        self._started = journal.seconds
        known = journal.index.tools.get(self.key)
        self._id = known[0] if known else None
        self.state = known[1] if known else None

    async def result(self) -> Any:
        query = "SELECT result FROM tools WHERE id = ?"
        ((result,),) = await self._journal.writer.read(query, (self._id,))
        return json.loads(result)

    async def check_repetition(self) -> None:
        if self.state == "started":
            raise ToolUnfinished(self._node, self._tool, self._arguments)
        if self.state == "failed":
            raise ToolError(await self.result())

    async def has(self, state: ToolState, result: Any) -> bool:
        """Whether the journal has this result already; raises UsageError if it has another one."""
        if self.state is None:
            return False
        # As texts, since to Python 1 is 1.0 and True.
        if self.state == state and json.dumps(await self.result()) == json.dumps(result):
            return True
        if self.state == "finished":
            raise UsageError(
                f"node {self._node!r} has another result already: leave it out of the results"
            )
        return False

    async def make(self, function: Callable[[Begin], Awaitable[Any]], repeatable: bool) -> Any:
        id = self._journal.index.new_id("tools")
        begun = False

        async def begin() -> None:
            nonlocal begun
            if not repeatable and not begun:
                await self._write(id, "started", None)
            begun = True

        try:
            result = await function(begin)
        except ToolError as error:
            # Where nothing speaks against another try, a later run makes one. A refusal stands.
            if not repeatable and (begun or isinstance(error, ToolRefused)):
                await self._write(id, "failed", str(error))
            raise
        await self._write(id, "finished", result)
        return result

    async def _write(self, id: int, state: ToolState, result: Any) -> None:
        await self._journal.writer.write([self.row(id, state, result)])

    def row(self, id: int, state: ToolState, result: Any) -> Row:
        """What the journal keeps of the call."""
        ended = None if state == "started" else self._journal.seconds
        row = (
            id,
            bytearray(self.key),
            pack_text(self._node),
            pack_text(self._tool),
            json.dumps(self._arguments),
            self._started,
            ended,
            state,
            json.dumps(result),
        )
        return ("tools", row)
