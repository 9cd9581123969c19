"""A grammar of plans built from the registered tools, for constrained decoding (GBNF notation). Pure.

Under it even a weak model writes valid plans: tools that exist, all required arguments and no others, each of its
JSON type, increasing ids, references to earlier steps. Limits such as `minimum` are checked when the plan comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .plan_parser import JOIN, THINK
from .tool_specification import ToolSpecification, literal

# Bounds keep a model that repeats itself from filling its budget with one argument.
_MOST_CHARACTERS = 120
_MOST_DIGITS = 9
_MOST_ITEMS = 8

_TERMINALS = f"""\
number ::= "-"? digits ("." digits)?
integer ::= "-"? digits
digits ::= [0-9]{{1,{_MOST_DIGITS}}}
boolean ::= "true" | "false"
null ::= "null"
character ::= [^"\\\\$\\r\\n]
"""


def plan_grammar(tools: Iterable[ToolSpecification], *, min_steps: int, max_steps: int) -> str:
    """The grammar of plans of `min_steps` to `max_steps` steps and a `join()`.

    The first `min_steps` steps refer to no other, so that at least so many can run at the same time.
    """
    tools = sorted(tools, key=lambda tool: tool.name)
    rules = [f"root ::= {_steps(1, min_steps, max_steps)}", _TERMINALS.rstrip()]
    for step in range(1, max_steps + 1):
        earlier = range(1, step) if step > min_steps else range(0)
        rules += _step_rules(step, tools, earlier)
    return "\n".join(rules) + "\n"


def _steps(step: int, min_steps: int, max_steps: int) -> str:
    join = f'"{JOIN}()"'
    if step > max_steps:
        return join
    following = f"step{step} {_steps(step + 1, min_steps, max_steps)}"
    return following if step <= min_steps else f"({join} | {following})"


def _step_rules(step: int, tools: Sequence[ToolSpecification], earlier: Sequence[int]) -> list[str]:
    calls = [f"think{step}", *(f"call{step}x{i}" for i in range(len(tools)))]
    piece = f"(character | inline{step})" if earlier else "character"
    rules = [
        f'step{step} ::= "{step}. " ({" | ".join(calls)}) "\\n"',
        f'text{step} ::= "\\"" {piece}{{1,{_MOST_CHARACTERS}}} "\\""',
        f'think{step} ::= "{THINK}(" text{step} ")"',
    ]
    if earlier:
        rules.append(f"reference{step} ::= " + " | ".join(f'"${i}"' for i in earlier))
        # In braces, since a digit or a full stop may follow.
        rules.append(f"inline{step} ::= " + " | ".join(f'"${{{i}}}"' for i in earlier))
    for i, tool in enumerate(tools):
        values = [_value(tool.properties[name], step, bool(earlier)) for name in tool.required]
        arguments = ' ", " '.join(values)
        rules.append(f'call{step}x{i} ::= "{tool.name}(" {arguments} ")"')
    return rules


def _value(schema: Mapping[str, Any], step: int, may_refer: bool) -> str:
    literal = _literal(schema, step)
    return f"({literal} | reference{step})" if may_refer else literal


def _literal(schema: Mapping[str, Any], step: int) -> str:
    if "enum" in schema:
        return f"({' | '.join(_quoted(literal(value)) for value in schema['enum'])})"
    if "const" in schema:
        return _quoted(literal(schema["const"]))
    if "anyOf" in schema:
        return f"({' | '.join(_literal(option, step) for option in schema['anyOf'])})"
    kind = schema.get("type")
    if kind == "array":
        item = _literal(schema.get("items", {}), step)
        return f'"[" {item} (", " {item}){{0,{_MOST_ITEMS - 1}}} "]"'
    if kind in ("number", "integer", "boolean", "null"):
        return str(kind)
    if kind == "string":
        return f"text{step}"
    return f"(number | text{step} | boolean)"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
