"""A grammar of plans built from the registered tools, for constrained decoding (GBNF notation). Pure.

Under it even a weak model writes valid plans: tools that exist, all required arguments, each of the shape that its
schema asks for or a reference, increasing ids, references to earlier steps. Optional arguments follow by name, without
references. Lists and objects hold what the schema requires and at least one item where they may; a schema without a
shape (see `shape.py`) gets a number, text or boolean. Other limits, such as `maximum`, `pattern` or `uniqueItems`, are
checked when the plan comes in.

An engine compiles each rule against its whole vocabulary, so what is the same in several places is one rule: values
without references, and so optional arguments, are those of every step, and tools that take the same arguments differ
in their names only. With 1000 tools and 12 steps that is 4 s for xgrammar, which grow with the square of the tools.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from engines import UsageError

from ..notation import JOIN, THINK, THOUGHT, keyword, literal
from ..shape import DictionaryOf, Either, Items, ListOf, Members, OneOf, Shape
from ..tool_specification import ToolSpecification

# Bounds keep a model that repeats itself from filling its budget with one argument. A text has so many words, and a
# word so many plain characters in a row: engines unroll a bound on all characters of a text, which costs seconds to
# compile, and a bounded repeat of alternatives costs milliseconds at every token.
_MOST_WORDS = 30
_MOST_WORDS_OF_PREFACE = 100
_LONGEST_WORD = 48
_LONGEST_KEY = 5
_MOST_DIGITS = 9
_MOST_ITEMS = 8
_MOST_INPUTS = 8
_MOST_OPTIONAL = 24
_LARGEST = 1_000_000

_TERMINALS = f"""\
number ::= integer ("." digits)?
integer ::= "-"? digits
number0 ::= digits ("." digits)?
integer0 ::= digits
number1 ::= integer1 ("." digits)?
integer1 ::= [1-9] [0-9]{{0,{_MOST_DIGITS - 1}}}
digits ::= [0-9]{{1,{_MOST_DIGITS}}}
boolean ::= "true" | "false"
null ::= "null\""""
_JOIN = f'"{JOIN}()"'
_PLAIN = rf'[^"\\$\r\n ]{{1,{_LONGEST_WORD}}}'
_PREFACE = rf'"{THOUGHT}" (" " [^\r\n ]{{1,{_LONGEST_WORD}}}){{1,{_MOST_WORDS_OF_PREFACE}}} "\n"'
_SPECIAL = r'"$$" | "\\" ["\\n]'


def plan_grammar(
    tools: Iterable[ToolSpecification],
    *,
    min_steps: int,
    max_steps: int,
    first_step: int = 1,
    known: Collection[int] | None = None,
    methods: Collection[str] = (),
    thoughts: bool = True,
    preface: bool = False,
) -> str:
    """The grammar of plans of `min_steps` to `max_steps` steps and a `join()`, from `first_step` on.

    Args:
        tools: What steps may call, beside thinking.
        min_steps: So many steps, the first ones, refer to no other, so that they can run at the same time. A plan has
            at least one.
        max_steps: The number of the last step at most.
        first_step: The number of the first step.
        known: Earlier steps that may be referred to; None are all before the first.
        methods: What a thought may name as its method; none may be named where there are none.
        thoughts: Whether steps may think, beside the calls of tools.
        preface: Whether a line `Thought: ...` may come before the steps (LLMCompiler 2024, its plans).

    Raises:
        UsageError: An engine would take too long to compile it.
    """
    tools = sorted(tools, key=lambda tool: tool.name)
    rules = _Rules()
    ids = sorted(range(1, first_step) if known is None else known)
    free = max(1, min_steps)
    lines = [f"root ::= {f'({_PREFACE})? ' if preface else ''}rest{first_step}"]
    for step in range(first_step, max_steps + 1):
        forms = _Forms(rules, tuple(ids) if step > free else ())
        thought = [forms.thought(sorted(methods))] if thoughts or not tools else []
        calls = " | ".join([*thought, *forms.calls(tools)])
        following = f"step{step} rest{step + 1}"
        lines += [
            f"rest{step} ::= {following if step <= free else f'{_JOIN} | {following}'}",
            f'step{step} ::= "{step}. " ({calls}) "\\n"',
        ]
        ids.append(step)
    lines.append(f"rest{max_steps + 1} ::= {_JOIN}")
    grammar = "\n".join([*lines, *rules.lines(), _TERMINALS]) + "\n"
    if len(grammar) > _LARGEST:
        raise UsageError(
            f"a grammar of plans with {len(tools)} tools and up to {max_steps} steps is too large for an engine: "
            f"{len(grammar)} characters, and {_LARGEST} at most; give the agent only the tools that suit its "
            f"questions, or allow fewer steps"
        )
    return grammar


class _Rules:
    """Rules by what they derive, so that each is there once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, kind: str, expression: str) -> str:
        """The rule that derives this."""
        return self._names.setdefault(expression, f"{kind}{len(self._names)}")

    def lines(self) -> list[str]:
        return [f"{name} ::= {expression}" for expression, name in self._names.items()]


class _Forms:
    """What calls and values look like in a step that may refer to these earlier ones."""

    def __init__(self, rules: _Rules, earlier: Sequence[int]) -> None:
        self._rules = rules
        self._plain = _Forms(rules, ()) if earlier else self
        self._reference = ""
        special = _SPECIAL
        if earlier:
            numbers = " | ".join(f'"{number}"' for number in earlier)
            self._reference = rules.name("reference", f'"$" ({numbers})')
            # In braces, since a digit or a full stop may follow.
            special += f' | "${{" ({numbers}) "}}"'
        self._text = self._words(special, _MOST_WORDS)
        self._key = self._words(_SPECIAL, _LONGEST_KEY)

    def _words(self, special: str, most: int) -> str:
        plain = self._rules.name("plain", _PLAIN)
        more = self._rules.name("more", f"({special}) {plain}?")
        word = self._rules.name("word", f"({plain} {more}? | {more}) {more}? {more}?")
        return self._rules.name("text", f'"\\"" {word} (" " {word}){{0,{most - 1}}} "\\""')

    def thought(self, methods: Sequence[str]) -> str:
        inputs = f'(", " {self._reference}){{0,{_MOST_INPUTS}}} ' if self._reference else ""
        named = " | ".join(_quoted(literal(method)) for method in methods)
        method = f'(", method=" ({named}))? ' if methods else ""
        return self._rules.name(THINK, f'"{THINK}(" {self._text} {inputs}{method}")"')

    def calls(self, tools: Sequence[ToolSpecification]) -> list[str]:
        """The calls of these tools; those that take the same arguments together."""
        names: dict[str, list[str]] = {}
        for tool in tools:
            names.setdefault(self._arguments(tool), []).append(_quoted(f"{tool.name}("))
        calls = [f'({" | ".join(same)}) {arguments} ")"' for arguments, same in names.items()]
        return [self._rules.name("calls", " | ".join(calls))] if calls else []

    def _arguments(self, tool: ToolSpecification) -> str:
        shapes = tool.shapes
        required = [self._value(shapes[name]) for name in tool.required]
        optional = [
            f"{_quoted(f'{keyword(name)}=')} {self._plain._value(shapes[name])}"
            for name in tool.optional[:_MOST_OPTIONAL]
        ]
        others = self._following(optional) if required else self._leading(optional)
        shared = self._rules.name("options", others) if others else ""
        return f"{_commas(required)} {shared}".strip()

    def _following(self, optional: Sequence[str]) -> str:
        """Any of these, each after a comma."""
        return " ".join(f'(", " {argument})?' for argument in optional)

    def _leading(self, optional: Sequence[str]) -> str:
        """Any of these, commas between them."""
        if not optional:
            return ""
        first, *others = optional
        with_first = f"{first} {self._following(others)}"
        rest = self._leading(others)
        return self._rules.name("options", f"({with_first} | {rest})?" if rest else f"({first})?")

    def _value(self, shape: Shape) -> str:
        written = self._literal(shape)
        if not self._reference:
            return written
        return self._rules.name("value", f"{written} | {self._reference}")

    def _literal(self, shape: Shape) -> str:
        match shape:
            case OneOf(values):
                return self._one_of(_quoted(literal(value)) for value in values)
            case Either(options):
                return self._one_of(map(self._literal, options))
            case ListOf(item, least, most):
                return self._enclosed("[", [self._repeated(self._value(item), least, most)], "]")
            case Items(items):
                return self._enclosed("[", map(self._value, items), "]")
            case Members(members):
                pairs = (
                    f'{_quoted(literal(key))} ": " {self._value(one)}'
                    for key, one in members.items()
                )
                return self._enclosed("{", pairs, "}")
            case DictionaryOf(key, value, least, most):
                names = self._literal(key) if isinstance(key, OneOf) else self._key
                pair = f'{names} ": " {self._value(value)}'
                return self._enclosed("{", [self._repeated(pair, least, most)], "}")
        if shape.kind == "any":
            return self._one_of(["number", self._text, "boolean"])
        if shape.kind == "string":
            return self._text
        return shape.kind if shape.least is None else f"{shape.kind}{shape.least}"

    def _one_of(self, options: Iterable[str]) -> str:
        return self._rules.name("value", " | ".join(options))

    def _enclosed(self, opening: str, parts: Iterable[str], closing: str) -> str:
        return self._rules.name("value", f'"{opening}" {_commas(parts)} "{closing}"')

    def _repeated(self, item: str, least: int, most: int | None) -> str:
        least = max(1, least)
        most = max(least, _MOST_ITEMS if most is None else min(most, _MOST_ITEMS))
        name = self._rules.name("item", item)
        return f'{name} (", " {name}){{{least - 1},{most - 1}}}'


def _commas(parts: Iterable[str]) -> str:
    return ' ", " '.join(parts)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
