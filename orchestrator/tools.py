"""Tools: ordinary functions, sync or async, that plans may call.

@tool
def multiply(a: float, b: float) -> float:
    "Multiplies two numbers."
    return a * b
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints, overload

import anyio
import anyio.lowlevel
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import to_jsonable_python

from engines import CallLimiter
from planners import ToolSpecification
from planners.plan_parser import JOIN, THINK

from .daemon_thread import run_in_daemon_thread
from .errors import ToolDefinitionError, ToolError

_POSITIONAL = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function with what planners have to know of it. Made by `tool`.

    Attributes:
        specification: Name, description and parameters.
        function: What runs.
        arguments: Checks and converts the arguments.
        timeout: Seconds after which a call fails.
        limiter: Lets only so many calls run at once, of all runs; None sets no limit.
    """

    specification: ToolSpecification
    function: Callable[..., Any]
    arguments: type[BaseModel]
    timeout: float
    limiter: CallLimiter | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function as if it were no tool."""
        return self.function(*args, **kwargs)

    async def call(self, arguments: Mapping[str, Any]) -> Any:
        """Calls the function, off the event loop unless it is async.

        Returns:
            The result as JSON-serialisable data.

        Raises:
            ToolError: Wrong arguments, an exception, a result that is no data, or the timeout.
        """
        name = self.specification.name
        try:
            with anyio.move_on_after(self.timeout):
                return await self._run(arguments)
        except ToolError:
            raise
        except anyio.get_cancelled_exc_class():
            # Of the run, or of something that only the tool waited for.
            await anyio.lowlevel.checkpoint_if_cancelled()
            raise ToolError(f"{name} was cancelled") from None
        except (Exception, SystemExit, GeneratorExit) as error:  # The boundary to others' code.
            raise ToolError(f"{name} raised {_told(error)}") from error
        raise ToolError(f"{name} gave no result in {self.timeout:g} s")

    async def _run(self, arguments: Mapping[str, Any]) -> Any:
        bound = self._bind(arguments)
        if inspect.iscoroutinefunction(self.function):
            return self._as_data(await self.function(**bound))
        result = await run_in_daemon_thread(lambda: self._run_here(bound))
        # A plain function may wrap an async one.
        return self._as_data(await result) if inspect.isawaitable(result) else result

    def _run_here(self, bound: Mapping[str, Any]) -> Any:
        """Runs a plain function to its data, since making data of a result may run the function's own code."""
        try:
            result = self.function(**bound)
        except ToolError:
            raise
        except BaseException as error:  # In a thread of its own nothing else can be meant by it.
            raise ToolError(f"{self.specification.name} raised {_told(error)}") from error
        return result if inspect.isawaitable(result) else self._as_data(result)

    def _bind(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            checked = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ToolError(
                f"{self.specification.name}: argument {place!r} is {first['input']!r}: {first['msg']}"
            ) from None
        fields = type(checked).model_fields
        return {str(field.alias): getattr(checked, name) for name, field in fields.items()}

    def _as_data(self, result: Any) -> Any:
        if isinstance(result, Iterator):
            raise ToolError(
                f"{self.specification.name} returned a {type(result).__name__}, which may have no end: return a list"
            )
        try:
            data = to_jsonable_python(result)
            # Infinities, and halves of surrogate pairs, are in no JSON file.
            json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
        except Exception as error:  # Objects bring code of their own for this.
            raise ToolError(
                f"{self.specification.name} returned a {type(result).__name__}, which is no JSON data "
                f"({_told(error)}): return finite numbers, texts, lists or dictionaries"
            ) from error
        return data


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    timeout: float = 60.0,
    limit: int | None = None,
    pure: bool = False,
    repeatable: bool = True,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    timeout: float = 60.0,
    limit: int | None = None,
    pure: bool = False,
    repeatable: bool = True,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Makes a function a tool: `@tool`, or `@tool(name=..., timeout=...)`.

    The parameters' types give the schema that plans are checked against, the docstring the description.

    Args:
        function: Every parameter needs a type.
        name: As plans call it; the function's own name by default.
        timeout: Seconds after which a call fails.
        limit: The most calls at the same time, of all runs; None sets none.
        pure: The same arguments always give the same result: a run asks once for each.
        repeatable: A call that a dead run had begun may be made again. Say False where it changes the world: such a
            call is reported when the run is resumed, and not repeated.

    Raises:
        ToolDefinitionError: There is no schema for the function's signature.
        UsageError: The limit lets nothing run.

    >>> @tool
    ... def add(a: int, b: int = 1) -> int:
    ...     "Adds two numbers."
    ...     return a + b
    >>> add.specification.required, add(2)
    (('a',), 3)
    """

    def make(function: Callable[..., Any]) -> Tool:
        specification, arguments = _specified(function, name)
        marked = specification.model_copy(update={"pure": pure, "repeatable": repeatable})
        return Tool(
            specification=marked,
            function=function,
            arguments=arguments,
            timeout=timeout,
            limiter=None if limit is None else CallLimiter(limit),
        )

    return make if function is None else make(function)


def tools_by_name(tools: Iterable[Tool | Callable[..., Any]]) -> dict[str, Tool]:
    """The tools by the names that plans call them; plain functions become tools.

    Raises:
        ToolDefinitionError: Two have the same name, or a function cannot be a tool.
    """
    found: dict[str, Tool] = {}
    for given in tools:
        made = given if isinstance(given, Tool) else tool(given)
        if found.setdefault(made.specification.name, made) is not made:
            raise ToolDefinitionError(
                f"two tools are called {made.specification.name!r}: rename one with @tool(name=...)"
            )
    return found


def _specified(
    function: Callable[..., Any], given: str | None
) -> tuple[ToolSpecification, type[BaseModel]]:
    name = str(given or getattr(function, "__name__", type(function).__name__))
    if name in (THINK, JOIN):
        raise ToolDefinitionError(
            f"a tool cannot be called {name!r}: plans use this word; pass name=..."
        )
    documentation = _documentation(function)
    arguments = _arguments_model(function, name, documentation.parameters)
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    try:
        specification = ToolSpecification(
            name=name, description=documentation.summary, parameters=schema
        )
    except ValidationError:
        raise ToolDefinitionError(f"{name!r} cannot be the name of a tool: pass name=...") from None
    return specification, arguments


def _arguments_model(
    function: Callable[..., Any], name: str, descriptions: Mapping[str, str]
) -> type[BaseModel]:
    try:
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters
    except (NameError, AttributeError, TypeError, ValueError, SyntaxError) as error:
        raise ToolDefinitionError(
            f"tool {name!r}: its types cannot be resolved: {error}; use a function with types that are there"
        ) from None
    fields: dict[str, Any] = {}
    for parameter in parameters.values():
        if parameter.kind not in _POSITIONAL:
            raise ToolDefinitionError(
                f"tool {name!r}: parameter {parameter} has no schema: use parameters with names"
            )
        if parameter.name not in hints:
            raise ToolDefinitionError(
                f"tool {name!r}: parameter {parameter.name!r} has no type: annotate it, as in "
                f"{parameter.name}: float"
            )
        known: dict[str, Any] = {"alias": parameter.name}
        if parameter.name in descriptions:
            known["description"] = descriptions[parameter.name]
        default = ... if parameter.default is parameter.empty else parameter.default
        # A parameter may be called like a method of pydantic's models, a field may not.
        fields[f"argument_{len(fields)}"] = (hints[parameter.name], Field(default, **known))
    try:
        model: type[BaseModel] = create_model(
            name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )
        model.model_json_schema()
    except (PydanticUserError, TypeError, NameError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ToolDefinitionError(
            f"tool {name!r}: its signature has no JSON schema: {reason}; use numbers, texts, lists, "
            f"dictionaries or pydantic models"
        ) from None
    return model


@dataclass(frozen=True)
class _Documentation:
    summary: str
    parameters: Mapping[str, str]


def _documentation(function: Callable[..., Any]) -> _Documentation:
    # 20 ms to import, and needed only where tools are made.
    import docstring_parser

    parsed = docstring_parser.parse(inspect.getdoc(function) or "")
    described = {p.arg_name: p.description for p in parsed.params if p.description}
    return _Documentation(parsed.short_description or "", described)


def _told(error: BaseException) -> str:
    """An exception of others' code in a line that can be written anywhere."""
    try:
        text = str(error)
    except Exception:
        text = "(it cannot say why)"
    return f"{type(error).__name__}: {text}".encode("utf-8", "backslashreplace").decode()
