"""Reads plans in LLMCompiler's notation, character by character, so that a node is there as soon as it is written.

    1. multiply(12, 7)
    2. think("How many apples does a sack hold? See $1.")
    3. add(a=$1, b=38)
    join()

Strings take either quote and may span lines. A reference is `$1`, `$1.field`, `${1}` or `${1.field}`, inside strings
too, where `$$` is a dollar sign. (After Kim et al. 2024, LLMCompiler, section 3;
the notation here is stricter, and every text has one meaning only.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .errors import PlanSyntaxError
from .plan import Argument, Call, Node, Reference, Template, Think
from .tool_specification import ToolSpecification

THINK = "think"
JOIN = "join"

# Ids are ASCII and of a length that nodes take, the next number's too: what else `\w` and `\d` match may be no id.
_STEP = re.compile(r"(?:(?P<id>[0-9]{1,9})\s*\.\s*)?(?P<name>[A-Za-z_][\w.-]*)\s*\(")
_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>\w{1,64})(?:\.(?P<inner>\w+))?\}"
    r"|(?P<plain>[0-9]{1,64})(?:\.(?P<outer>[A-Za-z_]\w*))?)",
    re.ASCII,
)
_KEYWORD = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*=(?!=)\s*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CONSTANT = re.compile(r"(true|false|null|True|False|None)\b")
_CONSTANTS = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_THOUGHT = "Thought:"
# Far more than a plan needs, and less than what Python itself refuses.
_DEEPEST = 32
_LONGEST_NUMBER = 300


class PlanParser:
    r"""Turns a planner's text into nodes.

    Any way to cut the text into pieces gives the same nodes.

    Args:
        tools: By name.
        max_steps: A plan of so many steps is taken for joined; None sets no limit.

    Attributes:
        joined: Whether the plan has come to its `join()`; what follows is ignored.
        complete: How many characters have come up to the end of the last complete line.

    >>> PlanParser({}).feed('1. think("why?")\n')
    [Think(kind='think', id='1', prompt='why?', method=None, after=None, max_tokens=None)]
    """

    def __init__(
        self, tools: Mapping[str, ToolSpecification], *, max_steps: int | None = None
    ) -> None:
        self.joined = False
        self.complete = 0
        self._taken = 0
        self._tools = tools
        self._steps_left = max_steps
        self._statement: list[str] = []
        self._open: list[str] = []
        self._quote = ""
        self._escaped = False
        self._prose = False
        self._line = 1
        self._first_line = 1

    def feed(self, text: str) -> list[Node]:
        """Takes more text and returns the nodes that it completed.

        Raises:
            PlanSyntaxError: A line is no step of a plan.
        """
        nodes = []
        for character in text:
            if self.joined:
                break
            self._taken += 1
            if character == "\n":
                self._line += 1
            if character == "\n" and not self._quote and not self._open:
                nodes += self._end_statement()
                self.complete = self._taken
                continue
            self._statement.append(character)
            self._track(character)
        return nodes

    def close(self) -> list[Node]:
        """Says that the text is at its end; a last line without a line break counts.

        Raises:
            PlanSyntaxError: The last line is not complete.
        """
        if self._quote or self._open:
            what = f"a string opened by {self._quote}" if self._quote else repr(self._open[-1])
            raise PlanSyntaxError(self._first_line, f"{what} is never closed")
        return [] if self.joined else self._end_statement()

    def _track(self, character: str) -> None:
        if self._prose:
            return
        if self._quote:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == self._quote:
                self._quote = ""
        elif character in "\"'" and self._open:
            self._quote = character
        elif character in _CLOSING:
            self._open.append(character)
            if len(self._open) > _DEEPEST:
                raise PlanSyntaxError(self._first_line, f"brackets nest deeper than {_DEEPEST}")
        elif self._open and character == _CLOSING[self._open[-1]]:
            self._open.pop()
        elif not self._open:
            # Quotes and brackets in a thought or a comment open nothing.
            self._prose = character == "#" or (character == ":" and self._is_thought())

    def _is_thought(self) -> bool:
        return "".join(self._statement).lstrip().startswith(_THOUGHT)

    def _end_statement(self) -> list[Node]:
        statement = "".join(self._statement).strip()
        line, self._first_line = self._first_line, self._line
        self._statement.clear()
        self._prose = False
        if not statement or statement.startswith(_THOUGHT):
            return []
        step = _STEP.match(statement)
        if step is None:
            raise PlanSyntaxError(
                line, f"expected a step such as 1. tool(argument), got {statement!r}"
            )
        reader = _Reader(statement, step.end(), line)
        positional, keywords = reader.arguments()
        if step["name"] == JOIN:
            self.joined = True
            return []
        if step["id"] is None:
            raise PlanSyntaxError(line, f"the step {statement!r} has no number")
        node = self._node(step["id"], step["name"], positional, keywords, line)
        if self._steps_left is not None:
            self._steps_left -= 1
            self.joined = self._steps_left <= 0
        return [node]

    def _node(
        self,
        node: str,
        name: str,
        positional: list[Argument],
        keywords: dict[str, Argument],
        line: int,
    ) -> Node:
        if name == THINK:
            prompt = keywords.get("prompt", positional[0] if positional else None)
            if len(positional) + len(keywords) != 1 or not isinstance(
                prompt, str | Template | Reference
            ):
                raise PlanSyntaxError(line, 'think takes one text, as in think("...")')
            if isinstance(prompt, Reference):
                prompt = Template(parts=(prompt,))
            return Think(id=node, prompt=prompt)
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join([*sorted(self._tools), THINK])
            raise PlanSyntaxError(line, f"there is no tool {name!r}: choose from {known}")
        try:
            return Call(id=node, tool=name, arguments=tool.bind(positional, keywords))
        except ValueError as error:
            raise PlanSyntaxError(line, str(error)) from None


class _Reader:
    """Reads the arguments of one step."""

    def __init__(self, text: str, position: int, line: int) -> None:
        self._text = text
        self._position = position
        self._line = line

    def arguments(self) -> tuple[list[Argument], dict[str, Argument]]:
        positional: list[Argument] = []
        keywords: dict[str, Argument] = {}
        for _ in self._items(")"):
            keyword = self._take(_KEYWORD)
            if keyword is not None:
                if keyword["name"] in keywords:
                    raise self._error(f"argument {keyword['name']!r} is given twice")
                keywords[keyword["name"]] = self._value()
            elif keywords:
                raise self._error("a positional argument after a keyword argument")
            else:
                positional.append(self._value())
        rest = self._text[self._position :].strip()
        if rest and not rest.startswith("#"):
            raise self._error(f"unexpected text after the step: {rest!r}")
        return positional, keywords

    def _items(self, closing: str) -> Any:
        """Goes through the items of a bracket; the caller reads each."""
        self._skip_space()
        while not self._text.startswith(closing, self._position):
            yield
            self._skip_space()
            if self._text.startswith(",", self._position):
                self._position += 1
                self._skip_space()
            elif not self._text.startswith(closing, self._position):
                raise self._error(f"expected , or {closing}")
        self._position += 1

    def _value(self) -> Argument:
        character = self._text[self._position : self._position + 1]
        if character and character in "\"'":
            return self._string(character)
        if character == "[":
            self._position += 1
            return [self._value() for _ in self._items("]")]
        if character == "{":
            self._position += 1
            return dict(self._pair() for _ in self._items("}"))
        if reference := self._take(_REFERENCE):
            return _reference(reference)
        if constant := self._take(_CONSTANT):
            return _CONSTANTS[constant[0]]
        if number := self._take(_NUMBER):
            return self._number(number[0])
        raise self._error("expected a number, a text in quotes, a list or a reference such as $1")

    def _number(self, digits: str) -> int | float:
        if len(digits) > _LONGEST_NUMBER:
            raise self._error("a number is too long")
        if re.fullmatch(r"[+-]?\d+", digits):
            return int(digits)
        number = float(digits)
        if math.isinf(number):
            raise self._error("a number is too large")
        return number

    def _pair(self) -> tuple[str, Argument]:
        key = self._value()
        self._skip_space()
        if not isinstance(key, str) or not self._text.startswith(":", self._position):
            raise self._error('expected "key": value')
        self._position += 1
        self._skip_space()
        return key, self._value()

    def _string(self, quote: str) -> str | Template | Reference:
        self._position += 1
        parts: list[str | Reference] = [""]
        while True:
            character = self._text[self._position]
            reference = _REFERENCE.match(self._text, self._position)
            if character == quote:
                self._position += 1
                return _template(parts)
            if self._text.startswith("$$", self._position):
                self._position += 2
                literal = "$"
            elif reference is not None:
                self._position = reference.end()
                parts += [_reference(reference), ""]
                continue
            elif character == "\\":
                escaped = self._text[self._position + 1]
                self._position += 2
                literal = _ESCAPES.get(escaped, escaped)
            else:
                self._position += 1
                literal = character
            parts[-1] = f"{parts[-1]}{literal}"

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
        return match

    def _skip_space(self) -> None:
        while self._text[self._position : self._position + 1].isspace():
            self._position += 1

    def _error(self, problem: str) -> PlanSyntaxError:
        place = self._text[self._position : self._position + 20]
        return PlanSyntaxError(self._line, f"{problem}, at {place!r} in {self._text!r}")


def _reference(match: re.Match[str]) -> Reference:
    return Reference(node=match["braced"] or match["plain"], field=match["inner"] or match["outer"])


def _template(parts: list[str | Reference]) -> str | Template | Reference:
    """Plain text, a bare reference, or a mixture, whichever is simplest."""
    filled = [part for part in parts if part != ""]
    if not filled:
        return ""
    if len(filled) == 1:
        return filled[0]
    return Template(parts=tuple(filled))
