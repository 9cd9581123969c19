"""What a function's signature and docstring say of it as a tool: its schema, and what the run fills in.

Types become JSON Schema by way of a pydantic model of the arguments, which also checks and converts them. Docstrings
may be in the style of Google, NumPy or reST.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from planners import ToolSpecification
from planners.notation import JOIN, THINK

from ..errors import ToolDefinitionError
from .context import is_context, needs_dependencies

_WITH_NAMES = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_RECEIVERS = ("self", "cls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A function as a tool.

    Attributes:
        specification: Name, description and parameters.
        arguments: Checks and converts the arguments.
        context: The parameter that gets a `ToolContext`; None if none does.
        needs_dependencies: Whether that has to have dependencies.
        needs_object: Whether it is a method, and not yet one of an object: its first parameter is `self` or `cls`.
    """

    specification: ToolSpecification
    arguments: type[BaseModel]
    context: str | None
    needs_dependencies: bool
    needs_object: bool


def signature_of(function: Callable[..., Any], given_name: str | None) -> Signature:
    """The signature of a function, also of one that stands in a class as a method, static or of the class.

    Args:
        function: Every parameter needs a type.
        given_name: What plans call it; None takes the function's own name.

    Raises:
        ToolDefinitionError: It cannot be a tool.
    """
    # What `@classmethod` and `@staticmethod` make is no function itself.
    plain = function.__func__ if isinstance(function, classmethod | staticmethod) else function
    name = str(given_name or getattr(plain, "__name__", type(plain).__name__))
    parameters = list(_parameters(plain, name))
    needs_object = bool(parameters) and parameters[0].name in _RECEIVERS
    contexts = [parameter for parameter in parameters if is_context(parameter.annotation)]
    if len(contexts) > 1:
        raise ToolDefinitionError(f"tool {name!r}: one ToolContext is enough: drop the others")
    asked = [one for one in parameters[needs_object:] if one not in contexts]
    documentation = _documentation(plain)
    arguments = _arguments_model(asked, name, documentation.parameters)
    return Signature(
        specification=specification_called(
            name, description=documentation.summary, parameters=_schema(arguments)
        ),
        arguments=arguments,
        context=contexts[0].name if contexts else None,
        needs_dependencies=any(needs_dependencies(one.annotation) for one in contexts),
        needs_object=needs_object,
    )


def _parameters(function: Callable[..., Any], name: str) -> Iterator[inspect.Parameter]:
    """The parameters with their types, not as texts."""
    try:
        signature = inspect.signature(function)
        hints = _hints(function)
    except (NameError, AttributeError, TypeError, ValueError, SyntaxError) as error:
        raise ToolDefinitionError(
            f"tool {name!r}: its types cannot be resolved: {error}; use a function with types that are there"
        ) from None
    for parameter in signature.parameters.values():
        yield parameter.replace(annotation=hints.get(parameter.name, parameter.empty))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of the parameters; that of the result may be a class which is only being made, and says nothing."""
    plain = getattr(function, "__func__", function)
    annotations = {key: hint for key, hint in plain.__annotations__.items() if key != "return"}
    names = getattr(inspect.unwrap(plain), "__globals__", {})
    return get_type_hints(
        SimpleNamespace(__annotations__=annotations, __globals__=names), include_extras=True
    )


def _arguments_model(
    parameters: list[inspect.Parameter], name: str, descriptions: Mapping[str, str]
) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in parameters:
        _check_parameter(parameter, name)
        known: dict[str, Any] = {"alias": parameter.name}
        if parameter.name in descriptions:
            known["description"] = descriptions[parameter.name]
        default = ... if parameter.default is parameter.empty else parameter.default
        # A parameter may be called like a method of pydantic's models, a field may not.
        fields[f"argument_{len(fields)}"] = (parameter.annotation, Field(default, **known))
    try:
        model: type[BaseModel] = create_model(
            name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )
        model.model_json_schema()
    except (PydanticUserError, TypeError, NameError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ToolDefinitionError(
            f"tool {name!r}: its signature has no JSON schema: {reason}; use numbers, texts, lists, "
            f"dictionaries, dataclasses or pydantic models"
        ) from None
    return model


def _check_parameter(parameter: inspect.Parameter, name: str) -> None:
    if parameter.kind not in _WITH_NAMES:
        raise ToolDefinitionError(
            f"tool {name!r}: parameter {parameter} has no schema: use parameters with names"
        )
    if parameter.annotation is parameter.empty:
        raise ToolDefinitionError(
            f"tool {name!r}: parameter {parameter.name!r} has no type: annotate it, as in {parameter.name}: float"
        )


def specification_called(name: str, **fields: Any) -> ToolSpecification:
    """The specification of a tool of this name.

    Raises:
        ToolDefinitionError: No tool can be called so.
    """
    if name in (THINK, JOIN):
        raise ToolDefinitionError(
            f"a tool cannot be called {name!r}: plans use this word; pass name=..."
        )
    try:
        return ToolSpecification(name=name, **fields)
    except ValidationError:
        raise ToolDefinitionError(
            f"{name!r} cannot be the name of a tool: pass name=... with at most 64 ASCII letters, digits and any of "
            f"_ . -, beginning with a letter"
        ) from None


def _schema(arguments: type[BaseModel]) -> dict[str, Any]:
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    return schema


@dataclass(frozen=True)
class _Documentation:
    summary: str
    parameters: Mapping[str, str]


def _documentation(function: Callable[..., Any]) -> _Documentation:
    # 20 ms to import, and needed only where tools are made.
    import docstring_parser

    parsed = docstring_parser.parse(inspect.getdoc(function) or "")
    described = {p.arg_name: _line(p.description) for p in parsed.params if p.description}
    return _Documentation(_line(parsed.short_description or ""), described)


def _line(text: str) -> str:
    return " ".join(text.split())
