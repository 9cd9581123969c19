"""A call that the client demands, by a `tool_choice` of `required` or of one function: the model writes its arguments.

    turns ─> which function, if there are several ─> its arguments ─> ToolCall

No plan is made, since nothing has to be thought about, and nothing is left: the next request brings the result.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from engines import Context, Engine, Sampling, Usage, ask_json, converse
from planners import ToolSpecification

from ...errors import InvalidRequest
from ...json_schemas import value_problem
from ...openai_api.model_request import ModelRequest
from ...openai_api.pieces import Ended, Finished, Piece, ToolCall

_NOT_DEMANDED = ("auto", "none")


def demands_call(request: ModelRequest) -> bool:
    """Whether a request leaves the model no choice but to call."""
    return bool(request.tools) and request.tool_choice not in _NOT_DEMANDED


@asynccontextmanager
async def demanded_call(
    engine: Engine, request: ModelRequest, sampling: Sampling
) -> AsyncIterator[AsyncIterator[Piece]]:
    """The pieces of an answer that is a call; leaving early aborts what is asked.

    Args:
        engine: Asked for the name and for the arguments.
        request: Has the tools. Results that it brings are told.
        sampling: Its constraint is replaced.

    Raises:
        InvalidRequest: It wants several answers.
        InvalidOutput: The model wrote no arguments that fit, however often it was asked.
    """
    if request.choices > 1:
        raise InvalidRequest(f"n of {request.choices}: a call that is demanded is one answer", "n")
    async with aclosing(_pieces(_Demand(engine, request, sampling))) as pieces:
        yield pieces


async def _pieces(demand: _Demand) -> AsyncGenerator[Piece]:
    usage = Usage()
    before = await demand.conversation()
    tool, *others = demand.tools
    if others:
        chosen = await demand.chosen(before)
        usage += chosen.usage
        tool = next(tool for tool in demand.tools if tool.name == chosen.value)
    arguments = await demand.arguments(tool, before)
    usage += arguments.usage
    text = json.dumps(arguments.value, ensure_ascii=False)
    # It names no run, so that its result begins a new one.
    yield ToolCall(id=f"call_{os.urandom(12).hex()}", name=tool.name, arguments=text)
    yield Finished("tool_calls")
    yield Ended(usage=usage)


@dataclass(frozen=True)
class _Said:
    value: Any
    usage: Usage


@dataclass(frozen=True)
class _Demand:
    engine: Engine
    request: ModelRequest
    sampling: Sampling

    @property
    def tools(self) -> Sequence[ToolSpecification]:
        """Those of which one has to be called."""
        tools, choice = self.request.tools, self.request.tool_choice
        return [tool for tool in tools if choice in ("required", tool.name)]

    async def conversation(self) -> Context:
        """What was said, what is known by now, and what can be called."""
        *before, (role, question) = self.request.turns
        known = [f"{each.name}({each.arguments}) = {each.text}" for each in self.request.results]
        told = "\n".join((question, "", "These calls were made already:", *known))
        functions = "\n".join(map(_described, self.tools))
        text = f"{told if known else question}\n\nCall a function for this:\n{functions}\n\n"
        return await converse(self.engine, [*before, (role, text)], name="call")

    async def chosen(self, before: Context) -> _Said:
        """The name of the function."""
        names = [tool.name for tool in self.tools]
        schema = {
            "type": "object",
            "properties": {"function": {"enum": names}},
            "required": ["function"],
            "additionalProperties": False,
        }
        said = await self._ask("Which function? Answer with JSON.", schema, before, "function")
        return _Said(said.value["function"], said.usage)

    async def arguments(self, tool: ToolSpecification, before: Context) -> _Said:
        """What it is called with."""
        demand = f"Give the arguments of {tool.name}, as JSON."
        return await self._ask(demand, tool.parameters, before, "arguments")

    async def _ask(self, demand: str, schema: Any, before: Context, name: str) -> _Said:
        asking = await converse(self.engine, [("user", demand)], after=before, name=name)
        check = partial(_checked, schema)
        asked = await ask_json(self.engine, asking, schema, self.sampling, check=check)
        return _Said(asked.value, asked.usage)


def _checked(schema: Any, value: Any) -> Any:
    if problem := value_problem(value, schema):
        raise ValueError(problem)
    return value


def _described(tool: ToolSpecification) -> str:
    parameters = json.dumps(tool.parameters, ensure_ascii=False)
    return f"- {tool.name}: {tool.description or 'no description'} Its parameters: {parameters}"
