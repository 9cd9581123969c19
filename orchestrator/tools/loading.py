"""Loads tools that a command line names as MODULE:NAME, or as NAME where they are in the toolkit."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from engines import UsageError

from ..errors import ToolDefinitionError
from ..imported import imported
from .definition import Tool, tool

TOOLKIT = "orchestrator.toolkit"


def load_tools(names: Iterable[str]) -> list[Tool]:
    """The tools at these places; a place may also hold a list or tuple of tools.

    Raises:
        ToolDefinitionError: There is nothing at a place, or no tool.
    """
    return [found for name in names for found in _load(name)]


def _load(place: str) -> list[Tool]:
    module_name, colon, name = place.partition(":")
    if not colon and is_in_toolkit(place):
        module_name, name = TOOLKIT, place
    elif not (module_name and colon and name):
        raise ToolDefinitionError(
            f"--tools {place}: write MODULE:NAME, as in examples.arithmetic:TOOLS, or calculate, "
            f"and the question before --tools"
        )
    try:
        found = imported(f"{module_name}:{name}", "--tools", told=place)
    except UsageError as error:
        raise ToolDefinitionError(str(error)) from error
    given = list(found) if isinstance(found, list | tuple) else [found]
    for item in given:
        if not callable(item):
            raise ToolDefinitionError(
                f"--tools {place}: {item!r} is no tool: put @tool before the function"
            )
    return [item if isinstance(item, Tool) else tool(item) for item in given]


def is_in_toolkit(name: str) -> bool:
    """Whether a tool that is ready to use is called so."""
    return isinstance(getattr(importlib.import_module(TOOLKIT), name, None), Tool)
