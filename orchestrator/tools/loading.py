"""Loads tools that a command line names as MODULE:NAME, or as NAME where they are in the toolkit."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from ..errors import ToolDefinitionError
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
        module = importlib.import_module(module_name)
    except ToolDefinitionError as error:
        raise ToolDefinitionError(f"--tools {place}: {error}") from error
    except ModuleNotFoundError as error:
        raise ToolDefinitionError(
            f"--tools {place}: {error}: run forkjoin in the folder that has it, or install it"
        ) from error
    except (Exception, SystemExit) as error:  # Whatever somebody's module raises.
        raise ToolDefinitionError(
            f"--tools {place}: the module {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(module, name):
        raise ToolDefinitionError(f"--tools {place}: the module {module_name} has no {name!r}")
    found = getattr(module, name)
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
