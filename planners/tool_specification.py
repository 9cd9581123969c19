"""What a planner has to know of a tool: its name, what it does and what it takes. The callables live above."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from .notation import JOIN, THINK, literal
from .shape import DictionaryOf, Either, Items, ListOf, Members, OneOf, Shape, shape_of

# What a grammar and every model's notation of calls can carry; `\w` would take letters of any script.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LONGEST_NAME = 64


class ToolSpecification(BaseModel):
    """A tool as planners see it.

    Attributes:
        name: As plans call it: ASCII letters, digits and any of _ . -, 64 at most.
        description: What it does, in a sentence or two.
        parameters: A JSON Schema of type object; the order of its properties is that of positional arguments, those
            that have to be given before the others.
        pure: Whether the same arguments always give the same result, so that a run asks once.
        repeatable: Whether a call that a dead run had begun may be made again; not where it changes the world.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    pure: bool = False
    repeatable: bool = True

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name in (JOIN, THINK):
            raise PydanticCustomError("tool_name", "plans use this word: rename it")
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise PydanticCustomError(
                "tool_name",
                "a tool's name is of ASCII letters, digits, _ . and -, 64 at most, and begins with a letter or _",
            )
        return name

    @property
    def properties(self) -> Mapping[str, dict[str, Any]]:
        """The schema of each parameter, in order."""
        found: dict[str, dict[str, Any]] = self.parameters.get("properties", {})
        return found

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """What each argument looks like, in order."""
        return {name: shape_of(schema, self.parameters) for name, schema in self.properties.items()}

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that have no default, in order."""
        required = self.parameters.get("required", ())
        return tuple(name for name in self.properties if name in required)

    @property
    def optional(self) -> tuple[str, ...]:
        """The parameters that have a default, in order."""
        required = self.required
        return tuple(name for name in self.properties if name not in required)

    @property
    def signature(self) -> str:
        """The call as a prompt shows it.

        >>> parameters = {"properties": {"a": {"type": "number"}, "b": {}}, "required": ["a"]}
        >>> ToolSpecification(name="add", parameters=parameters).signature
        'add(a: number, b: any = ...)'
        """
        shapes = self.shapes
        required = [f"{name}: {_type(shapes[name])}" for name in self.required]
        optional = [f"{name}: {_type(shapes[name])} = ..." for name in self.optional]
        return f"{self.name}({', '.join([*required, *optional])})"

    @property
    def listing(self) -> str:
        """The tool in a list of tools: the call, what it does, and what its parameters mean.

        >>> parameters = {"properties": {"a": {"type": "number", "description": "In metres."}}, "required": ["a"]}
        >>> print(ToolSpecification(name="area", description="Of a square.", parameters=parameters).listing)
        area(a: number): Of a square.
            a: In metres.
        """
        lines = [f"{self.signature}: {self.description}"]
        for name, schema in self.properties.items():
            if description := schema.get("description"):
                lines.append(f"    {name}: {' '.join(str(description).split())}")
        return "\n".join(lines)

    def example(self, first: int = 2) -> str:
        """A call with made-up arguments; numbers count up from `first`."""
        shapes = self.shapes
        numbered = enumerate(self.required, first)
        values = (_made_up(shapes[name], number) for number, name in numbered)
        return f"{self.name}({', '.join(values)})"

    def bind(self, positional: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by parameter, as Python binds them.

        Raises:
            ValueError: Too many arguments, or one given twice. Names are checked by the plan's validation.
        """
        names = [*self.required, *self.optional]
        if len(positional) > len(names):
            raise ValueError(
                f"{self.signature} takes {len(names)} arguments, not {len(positional)}"
            )
        bound = dict(zip(names, positional, strict=False))
        for name, value in keywords.items():
            if name in bound:
                raise ValueError(f"argument {name!r} is given twice")
            bound[name] = value
        return bound


def _type(shape: Shape) -> str:
    match shape:
        case OneOf(values):
            return " | ".join(repr(value) for value in values)
        case Either(options):
            return " | ".join(_type(option) for option in options)
        case ListOf(item):
            return f"list of {_type(item)}"
        case Items(items):
            return f"[{', '.join(_type(item) for item in items)}]"
        case Members(members):
            return _object((literal(name), _type(member)) for name, member in members.items())
        case DictionaryOf(key, value):
            return f"{{{_type(key)}: {_type(value)}, ...}}"
    return shape.kind


def _made_up(shape: Shape, number: int) -> str:
    match shape:
        case OneOf(values):
            return literal(values[0])
        case Either(options):
            return _made_up(options[0], number)
        case ListOf(item, least):
            return f"[{', '.join([_made_up(item, number)] * max(1, least))}]"
        case Items(items):
            return f"[{', '.join(_made_up(item, number) for item in items)}]"
        case Members(members):
            return _object((literal(name), _made_up(one, number)) for name, one in members.items())
        case DictionaryOf(key, value):
            return _object([(_made_up(key, number), _made_up(value, number))])
    made_up = {"number": str(number), "integer": str(number), "boolean": "true", "null": "null"}
    return made_up.get(shape.kind, '"something"')


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in members) + "}"
