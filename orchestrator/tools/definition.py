"""Tools: ordinary functions and methods, sync or async, that plans may call.

@tool
def multiply(a: float, b: float) -> float:
    "Multiplies two numbers."
    return a * b

What a signature says is read by `signature`, how a call goes is in `call`. It knows neither runs nor budgets.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, overload

import anyio
import anyio.lowlevel
from pydantic import BaseModel, ValidationError

from engines import CallLimiter, UsageError
from planners import ToolSpecification

from ..errors import ToolDefinitionError, ToolError
from .call import TellItem, ToolCall
from .context import ToolContext
from .data import in_words, short
from .signature import signature_of, specification_called


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function with what planners have to know of it. Made by `tool`.

    In a class it is a method: got from an object, it is a tool of that object.

    Attributes:
        specification: Name, description and parameters.
        function: What runs.
        arguments: Checks and converts the arguments; None passes them on as they are, which is JSON data.
        timeout: Seconds after which a call fails.
        limiter: Lets only so many calls run at once, of all runs; None sets no limit.
        approval: Whether each call has to be approved before it begins.
        deferred: Whether the caller of the run makes the calls: made by `deferred_tool`.
        context: The parameter that gets a `ToolContext`; None if none does.
        needs_dependencies: Whether that has to have dependencies.
        needs_object: Whether it is a method that has not been got from an object.

    Raises:
        ToolDefinitionError: A pure tool would have to be approved.
    """

    specification: ToolSpecification
    function: Callable[..., Any]
    arguments: type[BaseModel] | None
    timeout: float
    limiter: CallLimiter | None = None
    approval: bool = False
    deferred: bool = False
    context: str | None = None
    needs_dependencies: bool = False
    needs_object: bool = False

    def __post_init__(self) -> None:
        if self.approval and self.specification.pure:
            raise ToolDefinitionError(
                f"tool {self.specification.name!r}: pure tools change nothing that could be approved: drop one of both"
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function as if it were no tool."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool:
        """The tool of an object, where it is a method."""
        if not self.needs_object:
            return self
        # As Python binds it: methods to the object, class methods to the class, and methods of no object not at all.
        bound = self.function.__get__(instance, owner)
        if bound is self.function:
            return self
        return replace(self, function=bound, needs_object=False)

    def renamed(self, name: str) -> Tool:
        """The same under another name, such as one of two that are called alike.

        Raises:
            ToolDefinitionError: No tool can be called so.
        """
        fields = self.specification.model_dump(exclude={"name"})
        return replace(self, specification=specification_called(name, **fields))

    async def call(
        self,
        arguments: Mapping[str, Any],
        *,
        context: ToolContext[Any] | None = None,
        tell: TellItem | None = None,
    ) -> Any:
        """Calls the function, off the event loop unless it is async.

        Args:
            arguments: By parameter.
            context: What the function gets if it asks for it; None is an empty one.
            tell: Told of each item, while it comes, of a result that comes bit by bit.

        Returns:
            The result as JSON-serialisable data. What comes bit by bit, from a generator, is one text where all of it
            is text, and else a list.

        Raises:
            ToolError: Wrong arguments, an exception, a result that is no data, or the timeout.
        """
        name = self.specification.name
        call = ToolCall(name, self.function, tell or _tell_nobody)
        try:
            with anyio.move_on_after(self.timeout):
                return await call.run(self._bind(arguments, context or ToolContext()))
        except ToolError:
            raise
        except anyio.get_cancelled_exc_class():
            # Of the run, or of something that only the tool waited for.
            await anyio.lowlevel.checkpoint_if_cancelled()
            raise ToolError(f"{name} was cancelled") from None
        except (Exception, SystemExit, GeneratorExit) as error:  # The boundary to others' code.
            raise ToolError(f"{name} raised {in_words(error)}") from error
        if call.items:
            count = len(call.items)
            raise ToolError(f"{name} had not ended after {self.timeout:g} s and {count} items")
        raise ToolError(f"{name} gave no result in {self.timeout:g} s")

    def _bind(self, arguments: Mapping[str, Any], context: ToolContext[Any]) -> dict[str, Any]:
        bound = dict(arguments) if self.arguments is None else self._checked(dict(arguments))
        if self.context is not None:
            bound[self.context] = context
        return bound

    def _checked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        assert self.arguments is not None
        try:
            checked = self.arguments.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            given = short(repr(first["input"]))
            raise ToolError(
                f"{self.specification.name}: argument {place!r} is {given}: {first['msg']}"
            ) from None
        fields = type(checked).model_fields
        return {str(field.alias): getattr(checked, name) for name, field in fields.items()}


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
    approval: bool = False,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    timeout: float = 60.0,
    limit: int | None = None,
    pure: bool = False,
    repeatable: bool = True,
    approval: bool = False,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Makes a function or method a tool: `@tool`, or `@tool(name=..., timeout=...)`.

    The parameters' types give the schema that plans are checked against, the docstring the descriptions. A parameter of
    type `ToolContext` is none of the plan's. A generator's items are told while they come.

    Args:
        function: Every parameter needs a type.
        name: As plans call it; the function's own name by default.
        timeout: Seconds after which a call fails; those in which it is decided whether it may begin do not count.
        limit: The most calls at the same time, of all runs; None sets none.
        pure: The same arguments always give the same result: a run asks once for each.
        repeatable: A call that a dead run had begun may be made again. Say False where it changes the world: such a
            call is reported when the run is resumed, and not repeated.
        approval: Each call has to be approved by whoever the agent was given for it, before it begins. It counts as
            not repeatable.

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
        signature = signature_of(function, name)
        marks = {"pure": pure, "repeatable": repeatable}
        return Tool(
            specification=signature.specification.model_copy(update=marks),
            function=function.__func__ if isinstance(function, staticmethod) else function,
            arguments=signature.arguments,
            timeout=timeout,
            limiter=None if limit is None else CallLimiter(limit),
            approval=approval,
            context=signature.context,
            needs_dependencies=signature.needs_dependencies,
            needs_object=signature.needs_object,
        )

    return make if function is None else make(function)


def tools_by_name(tools: Iterable[Tool | Callable[..., Any]]) -> dict[str, Tool]:
    """The tools by the names that plans call them; plain functions become tools.

    Raises:
        ToolDefinitionError: Two have the same name, one is a method without an object, or a function cannot be a tool.
    """
    found: dict[str, Tool] = {}
    for given in tools:
        made = _as_tool(given)
        name = made.specification.name
        if made.needs_object:
            raise ToolDefinitionError(
                f"tool {name!r}: {getattr(made.function, '__qualname__', name)} is a method without an object: give "
                f"that of one, as in shop.price instead of Shop.price"
            )
        if found.setdefault(name, made) != made:
            raise ToolDefinitionError(
                f"two tools are called {name!r}: rename one with @tool(name=...) or .renamed(...), or "
                f"give the tools of a server a prefix"
            )
    return found


def check_dependencies(tools: Iterable[Tool], dependencies: Any) -> None:
    """Refuses a run whose tools would lack what they need.

    Raises:
        UsageError: A tool needs dependencies and there are none.
    """
    for needy in tools:
        if needy.needs_dependencies and dependencies is None:
            raise UsageError(
                f"tool {needy.specification.name!r} needs dependencies: pass Agent(dependencies=...) or "
                f"run(..., dependencies=...)"
            )


def _as_tool(given: Tool | Callable[..., Any]) -> Tool:
    if isinstance(given, Tool):
        return given
    inner = getattr(given, "__func__", None)
    if inspect.ismethod(given) and isinstance(inner, Tool):
        # What @classmethod makes of a tool since Python 3.13.
        return inner.__get__(given.__self__)
    return tool(given)


def _tell_nobody(item: Any) -> None:
    """Nobody listens."""
