"""What a server says of its tools, as plans can use it. Pure: it knows neither sessions nor how a tool is called.

What a server says is not trusted: a name that plans cannot carry is made one that they can, and a schema that lies is
refused with the tool's name, before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planners import ToolSpecification
from planners.notation import JOIN, THINK

from .. import json_schemas
from ..errors import ToolDefinitionError

if TYPE_CHECKING:
    from mcp.types import Tool as Listed
    from mcp.types import ToolAnnotations

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which tools of a server are taken, and what they are taken for; names are the server's own.

    Attributes:
        only: The tools to take; None takes all.
        prefix: Stands before every name in plans.
        pure: Tools whose results depend on their arguments alone, which no annotation says.
        repeatable: Tools that may be called again after a run died in their call, whatever their annotations say.
        approval: Tools whose calls have to be approved.
    """

    only: Collection[str] | None = None
    prefix: str = ""
    pure: Collection[str] = ()
    repeatable: Collection[str] = ()
    approval: Collection[str] = ()

    def of(self, listed: Iterable[Listed]) -> dict[str, ToolSpecification]:
        """The specifications of the tools to take, by the server's names.

        Raises:
            ToolDefinitionError: A tool that is asked for is not there, or one cannot be used.
        """
        by_name = {tool.name: tool for tool in listed}
        for name in [*(self.only or ()), *self.pure, *self.repeatable, *self.approval]:
            if name not in by_name:
                known = ", ".join(sorted(by_name)) or "it has none"
                raise ToolDefinitionError(f"there is no tool {name!r}: {known}")
        wanted = by_name if self.only is None else {name: by_name[name] for name in self.only}
        found = {name: self._specification(tool) for name, tool in wanted.items()}
        _check_distinct(found)
        return found

    def _specification(self, listed: Listed) -> ToolSpecification:
        name = plan_name(self.prefix + listed.name)
        if name in (THINK, JOIN):
            raise ToolDefinitionError(
                f"tool {listed.name!r}: plans use this word: give its server a prefix"
            )
        schema = listed.input_schema
        problem = schema_problem(schema)
        if problem:
            raise ToolDefinitionError(
                f"tool {listed.name!r}: its schema {problem}: leave it out with only=[...]"
            )
        return ToolSpecification(
            name=name,
            description=_described(listed),
            parameters={"properties": {}, **schema, "type": "object"},
            pure=listed.name in self.pure,
            repeatable=listed.name in self.repeatable or may_be_repeated(listed.annotations),
        )


def plan_name(name: str) -> str:
    """The name as plans can write it: other characters become underscores.

    >>> plan_name("notes/search"), plan_name("2-way"), plan_name("größe")
    ('notes_search', '_2-way', 'gr__e')
    """
    written = _NOT_IN_NAMES.sub("_", name)
    return written if re.match("[A-Za-z_]", written) else f"_{written}"


def may_be_repeated(annotations: ToolAnnotations | None) -> bool:
    """Whether a second call does no harm. A server that says nothing of it may mean anything."""
    return annotations is not None and bool(
        annotations.read_only_hint or annotations.idempotent_hint
    )


def schema_problem(schema: Mapping[str, Any]) -> str:
    """What is wrong with the schema of a tool's arguments; empty if nothing is."""
    if schema.get("type", "object") != "object":
        return f"is of the type {schema['type']!r} and not an object"
    return json_schemas.schema_problem(schema)


def _check_distinct(specifications: Mapping[str, ToolSpecification]) -> None:
    owners: dict[str, str] = {}
    for name, specification in specifications.items():
        other = owners.setdefault(specification.name, name)
        if other != name:
            raise ToolDefinitionError(
                f"the tools {other!r} and {name!r} are both {specification.name!r} in plans: take one of them "
                f"with only=[...]"
            )


def _described(listed: Listed) -> str:
    """The first paragraph, in one line; prompts have one for each tool."""
    text = listed.description or listed.title or ""
    return " ".join(text.strip().split("\n\n")[0].split())
