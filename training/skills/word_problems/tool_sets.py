"""Calculators that plans may call, in the sets, under the names and with the descriptions that users may give them.

A set says how it writes a step. What it has no tool for is thought.

1. multiply(12, 7)        1. calculate("12 * 7")        1. multiply(12, 7)
2. subtract($1, 5)        2. calculate("${1} - 5")      2. think("What is ${1} - 5?")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import anyio.lowlevel

from orchestrator import Tool, ToolError
from orchestrator.toolkit.calculator import calculate
from planners import ToolSpecification

from .steps import OPERATIONS, Operand, Result, Step
from .written_numbers import written

_OPERATORS = ("+", "-", "*", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSet:
    """Tools, and how plans name them.

    Attributes:
        tools: In the order of the prompt.
        names: By operation, of those that take two numbers.
        expressions: The name of the one that takes an expression; empty if there is none.
        integers: Whether they take nothing but whole numbers.
    """

    tools: Sequence[Tool]
    names: Mapping[str, str]
    expressions: str = ""
    integers: bool = False

    def line(self, number: int, step: Step) -> str:
        """The step as a plan has it."""
        return f"{number}. {self._call(step)}\n"

    def thinks(self, step: Step) -> bool:
        """Whether there is no tool for it."""
        return not self.expressions and step.operation not in self.names

    def _call(self, step: Step) -> str:
        if name := self.names.get(step.operation):
            return f"{name}({_argument(step.left)}, {_argument(step.right)})"
        expression = f"{_inline(step.left)} {step.operation} {_inline(step.right)}"
        if self.expressions:
            return f'{self.expressions}("{expression}")'
        return f'think("What is {expression}?")'


def drawn_tools(random: Random) -> ToolSet:
    """A set; most often the one of examples/arithmetic.py, and now and then an empty one."""
    kind = random.random()
    if kind < 0.36:
        return example_tools()
    if kind < 0.5:
        return ToolSet(tools=(), names={})
    if kind < 0.56:
        return _made(_EXAMPLE[:1] + _EXAMPLE[2:3], "number")
    if kind < 0.66:
        return _expressions(random)
    return _varied(random)


@cache
def example_tools() -> ToolSet:
    """Those of examples/arithmetic.py."""
    return _made(_EXAMPLE, "number")


def _argument(operand: Operand) -> str:
    return f"${operand.step}" if isinstance(operand, Result) else written(operand)


def _inline(operand: Operand) -> str:
    return f"${{{operand.step}}}" if isinstance(operand, Result) else written(operand)


# Operation, name, description, parameters.
_Entry = tuple[str, str, str, tuple[str, str]]
_EXAMPLE: tuple[_Entry, ...] = (
    ("+", "add", "Adds two numbers.", ("a", "b")),
    ("-", "subtract", "Subtracts the second number from the first.", ("a", "b")),
    ("*", "multiply", "Multiplies two numbers.", ("a", "b")),
    ("/", "divide", "Divides the first number by the second.", ("a", "b")),
)
_NAMES: Sequence[Sequence[str]] = (
    ("add", "subtract", "multiply", "divide"),
    ("plus", "minus", "times", "divided_by"),
    ("sum", "difference", "product", "quotient"),
    ("add_numbers", "subtract_numbers", "multiply_numbers", "divide_numbers"),
    ("addition", "subtraction", "multiplication", "division"),
    ("calc_add", "calc_sub", "calc_mul", "calc_div"),
    ("math_add", "math_subtract", "math_multiply", "math_divide"),
    ("add", "sub", "mul", "div"),
)
_DESCRIPTIONS: Mapping[str, Sequence[str]] = {
    "+": ("Adds two numbers.", "Returns a + b.", "The sum of two numbers.", "Add two numbers together."),
    "-": ("Subtracts two numbers.", "Returns a - b.", "The difference of two numbers.",
          "Subtracts the second number from the first."),
    "*": ("Multiplies two numbers.", "Returns a * b.", "The product of two numbers.", "Multiply two numbers."),
    "/": ("Divides two numbers.", "Returns a / b.", "The quotient of two numbers.",
          "Divides the first number by the second."),
}  # fmt: skip
_PARAMETERS = (("a", "b"), ("a", "b"), ("x", "y"), ("first", "second"), ("left", "right"))
_KINDS = ("number", "number", "integer", "whole")
_EXTRAS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("search", "Searches the web.", {"query": "string"}),
    ("weather", "The weather in a city.", {"city": "string"}),
    ("today", "Today's date.", {}),
    (
        "translate",
        "Translates a text into another language.",
        {"text": "string", "language": "string"},
    ),
    ("square_root", "The square root of a number.", {"a": "number"}),
    ("read_file", "Reads a file.", {"path": "string"}),
    ("count_words", "Counts the words of a text.", {"text": "string"}),
    ("send_mail", "Sends a mail.", {"to": "string", "text": "string"}),
    ("power", "Raises a number to a power.", {"a": "number", "b": "number"}),
    ("maximum", "The larger of two numbers.", {"a": "number", "b": "number"}),
)
_EXPRESSION_NAMES = ("calculate", "calculator", "compute", "evaluate")
_EXPRESSION_DESCRIPTIONS = (
    "Computes an arithmetic expression.",
    "Evaluates an expression such as 2 * 3 + 4.",
    "A calculator.",
)


def _varied(random: Random) -> ToolSet:
    names = random.choice(_NAMES)
    style = random.randrange(4)
    parameters = random.choice(_PARAMETERS)
    entries = [
        (operation, name, _DESCRIPTIONS[operation][style], parameters)
        for operation, name in zip(_OPERATORS, names, strict=True)
    ]
    random.shuffle(entries)
    extras = random.sample(_EXTRAS, random.choice((0, 0, 1, 2)))
    return _made(entries, random.choice(_KINDS), extras, random)


def _expressions(random: Random) -> ToolSet:
    if random.random() < 0.5:
        # The project's own.
        only = _evaluating(calculate.specification)
    else:
        only = _evaluating(
            ToolSpecification(
                name=random.choice(_EXPRESSION_NAMES),
                description=random.choice(_EXPRESSION_DESCRIPTIONS),
                parameters=_schema({"expression": "string"}),
            )
        )
    extras = [_unneeded(*extra) for extra in random.sample(_EXTRAS, random.choice((0, 0, 1)))]
    return ToolSet(tools=[only, *extras], names={}, expressions=only.specification.name)


def _made(
    entries: Sequence[_Entry],
    kind: str,
    extras: Sequence[tuple[str, str, Mapping[str, str]]] = (),
    random: Random | None = None,
) -> ToolSet:
    tools = [_computing(*entry, kind) for entry in entries] + [
        _unneeded(*extra) for extra in extras
    ]
    if random is not None and extras:
        random.shuffle(tools)
    names = {operation: name for operation, name, *_ in entries}
    return ToolSet(tools=tools, names=names, integers=kind == "integer")


def _computing(
    operation: str, name: str, description: str, parameters: tuple[str, str], kind: str
) -> Tool:
    """A tool of two numbers. `number` gives 84.0 where `integer` gives 84; `whole` gives either, as JSON would."""
    typed = "integer" if kind == "integer" else "number"

    async def compute(**arguments: Any) -> float:
        # A result of a thought is a text.
        left, right = (Fraction(arguments[parameter]) for parameter in parameters)
        value = OPERATIONS[operation](left, right)
        return float(value) if kind == "number" or value.denominator > 1 else int(value)

    schema = _schema(dict.fromkeys(parameters, typed))
    return _tool(ToolSpecification(name=name, description=description, parameters=schema), compute)


def _evaluating(specification: ToolSpecification) -> Tool:
    async def compute(expression: str) -> Any:
        return calculate(expression)

    return _tool(specification, compute)


def _unneeded(name: str, description: str, parameters: Mapping[str, str]) -> Tool:
    async def compute(**arguments: Any) -> Any:
        raise ToolError(f"{name} is not there")

    schema = _schema(parameters)
    return _tool(ToolSpecification(name=name, description=description, parameters=schema), compute)


def _tool(specification: ToolSpecification, function: Any) -> Tool:
    """On the event loop: a thread for each call would take longer than all the rest of a lesson."""
    return Tool(specification=specification, function=function, arguments=None, timeout=60.0)


def _schema(parameters: Mapping[str, str]) -> dict[str, Any]:
    properties = {name: {"type": kind} for name, kind in parameters.items()}
    return {"type": "object", "properties": properties, "required": list(parameters)}


def failing_once(tools: ToolSet, step: Step, problem: str) -> ToolSet:
    """The same, of which the tool of a step that needs no other fails at its first call with that step's numbers."""
    name = tools.names[step.operation]
    numbers = [step.left, step.right]
    failed = False

    def failing(tool: Tool) -> Tool:
        async def compute(**arguments: Any) -> Any:
            nonlocal failed
            if not failed and list(map(Fraction, arguments.values())) == numbers:
                failed = True
                await anyio.lowlevel.checkpoint()
                raise ToolError(problem)
            return await tool.function(**arguments)

        return replace(tool, function=compute)

    chosen = [failing(tool) if tool.specification.name == name else tool for tool in tools.tools]
    return replace(tools, tools=chosen)
