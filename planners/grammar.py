"""A grammar of plans built from the registered tools, for constrained decoding (GBNF notation). Pure.

Under it even a weak model writes valid plans: tools that exist, all required arguments and no others, each of the
shape that its schema asks for, increasing ids, references to earlier steps. Lists and objects hold what the schema
requires and at least one item where they may; a schema without a shape (see `shape.py`) gets a number, text or boolean.
Other limits, such as `minimum`, `pattern` or `uniqueItems`, are checked when the plan comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .plan_parser import JOIN, THINK
from .shape import DictionaryOf, Either, Items, ListOf, Members, OneOf, Shape
from .tool_specification import ToolSpecification, literal

# Bounds keep a model that repeats itself from filling its budget with one argument.
_MOST_CHARACTERS = 120
_MOST_DIGITS = 9
_MOST_ITEMS = 8
_LONGEST_KEY = 40

_TERMINALS = f"""\
number ::= "-"? digits ("." digits)?
integer ::= "-"? digits
digits ::= [0-9]{{1,{_MOST_DIGITS}}}
boolean ::= "true" | "false"
null ::= "null"
character ::= [^"\\\\$\\r\\n]
key ::= "\\"" character{{1,{_LONGEST_KEY}}} "\\""
"""


def plan_grammar(
    tools: Iterable[ToolSpecification], *, min_steps: int, max_steps: int, first_step: int = 1
) -> str:
    """The grammar of plans of `min_steps` to `max_steps` steps and a `join()`, from `first_step` on.

    The first `min_steps` steps refer to no other, so that at least so many can run at the same time.
    """
    tools = sorted(tools, key=lambda tool: tool.name)
    rules = [f"root ::= {_steps(first_step, min_steps, max_steps)}", _TERMINALS.rstrip()]
    for step in range(first_step, max_steps + 1):
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
        shapes = tool.shapes
        values = [_literal(shapes[name], step, rules) for name in tool.required]
        if earlier:
            values = [f"({value} | reference{step})" for value in values]
        arguments = ' ", " '.join(values)
        rules.append(f'call{step}x{i} ::= "{tool.name}(" {arguments} ")"')
    return rules


def _literal(shape: Shape, step: int, rules: list[str]) -> str:
    """What matches an argument's literal; it adds the rules that it needs."""

    def written(part: Shape) -> str:
        return _literal(part, step, rules)

    def repeated(item: str, least: int, most: int | None) -> str:
        # It stands there twice: without a rule, lists in lists would double the grammar with each level.
        name = f"item{step}x{len(rules)}"
        rules.append(f"{name} ::= {item}")
        least = max(1, least)
        most = max(least, _MOST_ITEMS if most is None else min(most, _MOST_ITEMS))
        return f'{name} (", " {name}){{{least - 1},{most - 1}}}'

    match shape:
        case OneOf(values):
            return f"({' | '.join(_quoted(literal(value)) for value in values)})"
        case Either(options):
            return f"({' | '.join(map(written, options))})"
        case ListOf(item, least, most):
            return f'"[" {repeated(written(item), least, most)} "]"'
        case Items(items):
            return _enclosed("[", map(written, items), "]")
        case Members(members):
            pairs = (f'{_quoted(literal(key))} ": " {written(one)}' for key, one in members.items())
            return _enclosed("{", pairs, "}")
        case DictionaryOf(key, value, least, most):
            names = written(key) if isinstance(key, OneOf) else "key"
            pair = f'{names} ": " {written(value)}'
            return f'"{{" {repeated(pair, least, most)} "}}"'
    known = {"string": f"text{step}", "any": f"(number | text{step} | boolean)"}
    return known.get(shape.kind, shape.kind)


def _enclosed(opening: str, parts: Iterable[str], closing: str) -> str:
    return " ".join([f'"{opening}"', ' ", " '.join(parts), f'"{closing}"'])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
