"""What a planner has to know of a tool: its name, what it does and what it takes. The callables live above."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ToolSpecification(BaseModel):
    """A tool as planners see it.

    Attributes:
        name: As plans call it.
        description: What it does, in a sentence or two.
        parameters: A JSON Schema of type object; the order of its properties is that of positional arguments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z_][\w.-]*$")
    description: str = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}

    @property
    def properties(self) -> Mapping[str, dict[str, Any]]:
        """The schema of each parameter, in order."""
        found: dict[str, dict[str, Any]] = self.parameters.get("properties", {})
        return found

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that have no default, in order."""
        required = self.parameters.get("required", ())
        return tuple(name for name in self.properties if name in required)

    @property
    def signature(self) -> str:
        """The call as a prompt shows it.

        >>> parameters = {"properties": {"a": {"type": "number"}, "b": {}}, "required": ["a"]}
        >>> ToolSpecification(name="add", parameters=parameters).signature
        'add(a: number, b: any = ...)'
        """
        parameters = (
            f"{name}: {_type(schema)}{'' if name in self.required else ' = ...'}"
            for name, schema in self.properties.items()
        )
        return f"{self.name}({', '.join(parameters)})"

    @property
    def example(self) -> str:
        """A call with made-up arguments."""
        values = (
            _made_up(self.properties[name], number) for number, name in enumerate(self.required, 2)
        )
        return f"{self.name}({', '.join(values)})"

    def bind(self, positional: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by parameter, as Python binds them.

        Raises:
            ValueError: Too many arguments, or one given twice. Names are checked by the plan's validation.
        """
        names = list(self.properties)
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


def literal(value: Any) -> str:
    """A JSON value as a plan's text holds it, where a lone dollar sign would be a reference."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(repr(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _made_up(schema: Mapping[str, Any], number: int) -> str:
    if "enum" in schema:
        return literal(schema["enum"][0])
    if "anyOf" in schema:
        return _made_up(schema["anyOf"][0], number)
    if schema.get("type") == "array":
        return f"[{_made_up(schema.get('items', {}), number)}]"
    made_up = {"number": str(number), "integer": str(number), "boolean": "true", "null": "null"}
    return made_up.get(str(schema.get("type")), '"something"')
