"""Reads plans in LLMCompiler's notation while they are written, so that a node is there as soon as its line is.

    1. multiply(12, 7)
    2. think("How many apples does a sack hold?", $1, method="self-consistency")
    3. add(a=$1, b=38)
    join()

Strings take either quote and may span lines. A reference is `$1`, `$1.field`, `${1}` or `${1.field}`, inside strings
too, where `$$` is a dollar sign. What a `think` is given after its text are results that it needs; `method`, `after`
and `max_tokens` are as in the node. Lines that begin with `Thought:` or `#` are skipped, and so are the fences (```)
that chat models put around whatever looks like code.
(After Kim et al. 2024, LLMCompiler, section 3; the notation here is stricter, and every text has one meaning only.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import PlanSyntaxError
from ..notation import JOIN, THOUGHT, shown
from ..plan import Call, Node
from ..tool_specification import ToolSpecification
from .step_node import step_node
from .step_reader import STEP, read_step

_OUTSIDE_STRINGS = re.compile(r"[\n\"'()\[\]{}#:]")
_IN_STRING = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_LINE_END = re.compile(r"\n")
_ANY = re.compile(r"(?s:.)")
_NEXT = re.compile(r"\S")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_AFTER_STRING = ",:=)]}"
_FENCE = re.compile(r"```\w*")
# Far more than a plan needs, and less than what Python itself refuses.
_DEEPEST = 32
_LONGEST_STEP = 4_000_000
# A guess reads the whole line again with each argument.
_LONGEST_GUESS = 2_000


class PlanParser:
    r"""Turns a planner's text into nodes.

    Any way to cut the text into pieces gives the same nodes and the same error, in time in proportion to the text.

    Args:
        tools: By name.

    Attributes:
        joined: Whether the plan has come to its `join()`; what follows is ignored.
        complete: How many characters have come up to the end of the last complete line.

    >>> PlanParser({}).feed('1. think("why?")\n')
    [Think(kind='think', id='1', prompt='why?', method=None, after=None, max_tokens=None, title='')]
    """

    def __init__(self, tools: Mapping[str, ToolSpecification]) -> None:
        self.joined = False
        self.complete = 0
        self._taken = 0
        self._tools = tools
        self._statement: list[str] = []
        self._length = 0
        self._open: list[str] = []
        self._quote = ""
        self._escaped = False
        self._after_string = False
        self._prose = False
        self._line = 1
        self._first_line = 1

    def feed(self, text: str) -> list[Node]:
        """Takes more text and returns the nodes that it completed.

        Raises:
            PlanSyntaxError: A line is no step of a plan; its `nodes` are those that the text completed before.
        """
        nodes: list[Node] = []
        start = 0
        try:
            while start < len(text) and not self.joined:
                mark = self._marks().search(text, start)
                end = len(text) if mark is None else mark.end()
                self._keep(text[start:end])
                if mark is not None:
                    nodes += self._meet(mark[0])
                start = end
        except PlanSyntaxError as error:
            error.nodes = tuple(nodes)
            raise
        return nodes

    def close(self) -> list[Node]:
        """Says that the text is at its end; a last line without a line break counts.

        Raises:
            PlanSyntaxError: The last line is not complete.
        """
        if self.joined:
            return []
        if self._quote:
            raise self._error(f"a string opened by {self._quote} is never closed")
        if self._open:
            bracket = self._open[-1]
            raise self._error(f"{bracket!r} is never closed: expected {_CLOSING[bracket]}")
        return self._end_statement()

    @property
    def pending(self) -> Call | None:
        """The call that the unfinished line is, if nothing but its end is to come; None where that is not known.

        All required arguments are there, and the last one is closed: a number might go on, an optional argument might
        follow.
        """
        if self._quote or len(self._open) > 1 or self._length > _LONGEST_GUESS:
            return None
        text = "".join(self._statement).removesuffix("#").rstrip()
        if not text.endswith(('"', "'", "]", "}", ")")):
            return None
        try:
            step = read_step(f"{text})" if self._open else text, self._first_line)
            node = step_node(step, self._tools, self._first_line)
        except PlanSyntaxError:
            return None
        if not isinstance(node, Call):
            return None
        required = self._tools[node.tool].required
        return node if all(name in node.arguments for name in required) else None

    def _marks(self) -> re.Pattern[str]:
        """What the next character of a meaning looks like."""
        if self._prose:
            return _LINE_END
        if self._quote:
            return _ANY if self._escaped else _IN_STRING[self._quote]
        if self._after_string:
            return _NEXT
        return _OUTSIDE_STRINGS

    def _keep(self, piece: str) -> None:
        self._taken += len(piece)
        self._line += piece.count("\n")
        if not self._statement:
            piece = piece.lstrip()
        self._length += len(piece)
        if piece and not self._prose:
            self._statement.append(piece)
        if self._length > _LONGEST_STEP:
            begin = shown("".join(self._statement)[:40])
            raise PlanSyntaxError(
                self._first_line,
                f"a line is longer than {_LONGEST_STEP} characters: it begins with {begin}",
            )

    def _meet(self, mark: str) -> list[Node]:
        if self._after_string:
            self._after_string = False
            # Else a quote that is missing would turn all that comes after it inside out.
            if mark not in _AFTER_STRING:
                raise self._error(f"expected , or {_CLOSING[self._open[-1]]} after a string")
        if self._quote:
            if self._escaped or mark == "\\":
                self._escaped = not self._escaped
            else:
                self._quote = ""
                self._after_string = True
        elif mark == "\n":
            return [] if self._open else self._end_line()
        elif mark in _CLOSING:
            self._open_bracket(mark)
        elif not self._open:
            # Quotes and brackets in a thought or a comment open nothing.
            self._prose = mark == "#" or (mark == ":" and self._is_thought())
        elif mark in "\"'":
            self._quote = mark
        elif mark in ")]}":
            self._close_bracket(mark)
        return []

    def _open_bracket(self, bracket: str) -> None:
        if not self._open:
            if bracket != "(":
                return
            text = "".join(self._statement)
            if not STEP.fullmatch(text):
                # A whole step, or nothing like one: to say which is the reader's affair.
                read_step(text, self._first_line)
        elif bracket == "(":
            # No value has one, so that this is a later step.
            last = self._open[-1]
            raise self._error(
                f"{last!r} is never closed: expected {_CLOSING[last]} before a new step"
            )
        elif len(self._open) == _DEEPEST:
            raise self._error(f"brackets nest deeper than {_DEEPEST}")
        self._open.append(bracket)

    def _close_bracket(self, bracket: str) -> None:
        last = self._open.pop()
        if bracket != _CLOSING[last]:
            raise self._error(f"{last!r} is never closed: expected {_CLOSING[last]}, not {bracket}")

    def _is_thought(self) -> bool:
        return self._length == len(THOUGHT) and "".join(self._statement) == THOUGHT

    def _end_line(self) -> list[Node]:
        nodes = self._end_statement()
        self.complete = self._taken
        return nodes

    def _end_statement(self) -> list[Node]:
        statement = "".join(self._statement).strip()
        line, self._first_line = self._first_line, self._line
        self._statement.clear()
        self._length = 0
        self._prose = False
        if not statement or statement.startswith((THOUGHT, "#")) or _FENCE.fullmatch(statement):
            return []
        step = read_step(statement, line)
        if step.name == JOIN:
            self.joined = True
            return []
        return [step_node(step, self._tools, line)]

    def _error(self, problem: str) -> PlanSyntaxError:
        return PlanSyntaxError(self._first_line, f"{problem}, in {shown(''.join(self._statement))}")
