from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planners import Argument, Call, Node, PlanParser, PlanSyntaxError, Reference, Template, Think
from tests.planners.tools import TOOLS, tool

PLAN = """Thought: I split it (it's easy), first [the sums.
1. add(12, b=-7.5)
2. search("multi
line, with ) and \\"quotes\\" and 'more'", most=3)

3. clock.now-utc()  # a comment (with a bracket
4. think('What of ${1} and $2.title? It costs $$5.')
5. mean([1, $1, [ $4.x ], {"a": 'b', "c": null}])
join()
6. add(1, 2)
"""
ONE, TWO = Reference(node="1"), Reference(node="2")
NODES: list[Node] = [
    Call(id="1", tool="add", arguments={"a": 12, "b": -7.5}),
    Call(
        id="2",
        tool="search",
        arguments={"query": "multi\nline, with ) and \"quotes\" and 'more'", "most": 3},
    ),
    Call(id="3", tool="clock.now-utc"),
    Think(
        id="4",
        prompt=Template(
            parts=("What of ", ONE, " and ", Reference(node="2", field="title"), "? It costs $5.")
        ),
    ),
    Call(
        id="5",
        tool="mean",
        arguments={"values": [1, ONE, [Reference(node="4", field="x")], {"a": "b", "c": None}]},
    ),
]


def parse(*pieces: str) -> list[Node]:
    parser = PlanParser(TOOLS)
    return [node for piece in pieces for node in parser.feed(piece)] + parser.close()


def argument(written: str) -> Argument:
    (node,) = parse(f"1. search({written})")
    assert isinstance(node, Call)
    return node.arguments["query"]


def test_a_plan_is_read() -> None:
    assert parse(PLAN) == NODES


@given(st.lists(st.integers(0, len(PLAN))))
def test_any_way_to_cut_the_text_gives_the_same_nodes(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(PLAN)]
    pieces = [PLAN[a:b] for a, b in pairwise(places)]
    assert parse(*pieces) == NODES


def test_each_node_is_there_with_the_end_of_its_line() -> None:
    parser = PlanParser(TOOLS)
    emitted = {
        node.id: PLAN[: end + 1].count("\n")
        for end, character in enumerate(PLAN)
        for node in parser.feed(character)
    }
    assert emitted == {"1": 2, "2": 4, "3": 6, "4": 7, "5": 8}
    assert parser.joined


# The defects B1 to B9 of the reference parser, as ../shared/reference/systems.md numbers them.


def test_b1_a_whole_plan_in_one_chunk_loses_no_line() -> None:
    parser = PlanParser(TOOLS)
    found = parser.feed("1. add(1, 2)\n2. add(3, 4)\n3. add($1, $2)\njoin()\n")
    assert [node.id for node in found] == ["1", "2", "3"]
    assert parser.joined


def test_b2_keywords_are_bound_to_parameters() -> None:
    assert parse('1. search(query="x")') == [Call(id="1", tool="search", arguments={"query": "x"})]


def test_b3_a_bracket_that_never_closes_is_an_error_at_its_line() -> None:
    with pytest.raises(PlanSyntaxError, match=r"line 2: '\(' is never closed") as caught:
        parse("1. add(1, 2)\n2. add($1, 3\n3. add($2, 4)\njoin()\n")
    assert caught.value.line == 2


def test_b4_a_dollar_sign_that_is_no_reference_can_be_written() -> None:
    assert argument('"under $$1 thousand"') == "under $1 thousand"
    (node,) = parse('1. search("under $$1 thousand, $ 5 or $x")')
    assert node.dependencies == ()


def test_b5_an_argument_may_hold_a_line_break() -> None:
    assert argument('"one\ntwo"') == "one\ntwo"
    assert [node.id for node in parse('1. search("a\nb")\n2. add($1, 2)')] == ["1", "2"]


def test_b6_tool_names_may_hold_dots_and_dashes() -> None:
    assert parse("1. clock.now-utc()") == [Call(id="1", tool="clock.now-utc")]


def test_b7_an_unknown_tool_is_an_error_with_its_line_and_the_tools_there_are() -> None:
    with pytest.raises(PlanSyntaxError, match=r"plan line 2: there is no tool 'sub'.*add, .*think"):
        parse("1. add(1, 2)\n2. sub(1, 2)")


def test_b8_references_are_data_so_that_results_are_never_substituted_twice() -> None:
    assert argument('"see $2"') == Template(parts=("see ", TWO))


def test_b9_a_reference_takes_all_its_digits() -> None:
    assert argument("$12") == Reference(node="12")
    assert argument('"${1}2"') == Template(parts=(ONE, "2"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("+3", 3),
        ("1.5", 1.5),
        ("2.", 2.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("007", 7),
        ("true", True),
        ("True", True),
        ("false", False),
        ("null", None),
        ("None", None),
        ("[]", []),
        ("[1, 2, ]", [1, 2]),
        ("{}", {}),
        ('{"a": [1, {"b": $1}]}', {"a": [1, {"b": ONE}]}),
        ('""', ""),
        ("''", ""),
        ('"a\'b"', "a'b"),
        ("'a\"b'", 'a"b'),
        (r'"a\"b"', 'a"b'),
        (r"'a\'b'", "a'b"),
        (r'"a\\"', "a\\"),
        (r'"a\nb\tc\rd"', "a\nb\tc\rd"),
        (r'"\(x\)"', "(x)"),
        ('"$$"', "$"),
        ('"$$$1"', Template(parts=("$", ONE))),
        ('"$"', "$"),
        ('"$name"', "$name"),
        ('"$1"', ONE),
        ("$1", ONE),
        ("${1}", ONE),
        ("$1.title", Reference(node="1", field="title")),
        ("${1.title}", Reference(node="1", field="title")),
        ('"${1.title}s"', Template(parts=(Reference(node="1", field="title"), "s"))),
        ('"$1."', Template(parts=(ONE, "."))),
        ('"$1.5"', Template(parts=(ONE, ".5"))),
        ('"${1"', "${1"),
        ('"$1$2"', Template(parts=(ONE, TWO))),
        ('"1. add(1, 2)\njoin()\n"', "1. add(1, 2)\njoin()\n"),
    ],
)
def test_arguments(written: str, value: Argument) -> None:
    found = argument(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "expected a step"),
        ("add(1, 2)", "has no number"),
        ("1 add(1, 2)", "expected a step"),
        ("1. add 1, 2", "expected a step"),
        ("1. add(1 2)", "expected , or"),
        ("1. add(a=1, 2)", "positional argument after"),
        ("1. add(1, 2, 3)", "takes 2 arguments, not 3"),
        ("1. add(1, a=2)", "'a' is given twice"),
        ("1. add(a=1, a=2, b=3)", "'a' is given twice"),
        ("1. add(1, 2) 2. add(3, 4)", "unexpected text after"),
        ("1. add(one, 2)", "expected a number"),
        ("1. add(, 2)", "expected a number"),
        ("1. add(1, 2]", "is never closed"),
        ('1. search("a)', "a string opened by"),
        ('1. search({"a"})', 'expected "key": value'),
        ("1. search({1: 2})", 'expected "key": value'),
        ("1. search([1, 2)", "is never closed"),
        ("1. think()", "think takes one text"),
        ("1. think(5)", "think takes one text"),
        ('1. think("a", "b")', "think takes one text"),
        ('1. think(question="a")', "think takes one text"),
        ("1. search(" + "[" * 5000 + "]" * 5000 + ")", "nest deeper"),
        ("1. add(" + "9" * 5000 + ", 1)", "too long"),
        ("1. add(1e999, 1)", "too large"),
        ("9" * 65 + ". add(1, 2)", "expected a step"),
    ],
)
def test_what_is_no_step_is_an_error_at_its_line(text: str, problem: str) -> None:
    with pytest.raises(PlanSyntaxError, match=problem) as caught:
        parse(f"\n1. think('fine')\n{text}\n")
    assert caught.value.line == 3
    assert str(caught.value).startswith("plan line 3: ")


@pytest.mark.parametrize("join", ["join()", "3. join()", "join($1, $2)", "  join( )  # done"])
def test_what_follows_the_join_is_ignored(join: str) -> None:
    parser = PlanParser(TOOLS)
    assert parser.feed(f"1. add(1, 2)\n{join}\n<END> (\" $ '") != []
    assert parser.joined
    assert parser.feed("more\n") == []
    assert parser.close() == []


def test_thoughts_and_empty_lines_are_skipped_whatever_they_hold() -> None:
    text = "\n\nThought: don't (worry\n  Thought: \"quoted\n1. add(1, 2)\n \n"
    assert [node.id for node in parse(text)] == ["1"]


def test_a_comment_may_hold_anything() -> None:
    assert [node.id for node in parse("1. add(1, 2) # isn't (closed\n2. add(1, 2)")] == ["1", "2"]


def test_a_hash_in_a_string_is_no_comment() -> None:
    assert argument('"# 1 (b"') == "# 1 (b"


def test_a_think_may_be_a_bare_reference_or_a_keyword() -> None:
    assert parse("1. think($2)") == [Think(id="1", prompt=Template(parts=(TWO,)))]
    assert parse('1. think(prompt="a")') == [Think(id="1", prompt="a")]


def test_a_last_line_without_a_line_break_counts() -> None:
    parser = PlanParser(TOOLS)
    assert parser.feed("1. add(1, 2)") == []
    assert [node.id for node in parser.close()] == ["1"]
    assert parser.close() == []


def line_of_error(text: str) -> int:
    """1 where there is no error; any other exception comes out."""
    try:
        parse(text, "\n")
    except PlanSyntaxError as error:
        return error.line
    return 1


PIECES = st.sampled_from(
    ["1. ", "2.", "add", "search", "think", "join",
     "(", ")", "[", "]", "{", "}", ",", ":", "=", "'", '"', "\\", "$",
     "$1", "${", "${1}", "$$", "$1.a", "\n", " ", "#", "Thought:",
     "1", "-", ".", "e9", "true", "x", "²", "½", "\u0661", "é"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=30))
@example('1. think("${²}")')
@example("1. think('${" + "x" * 70 + "}')")
@example("1. think('$" + "1" * 70 + "')")
@example("1. search('\\")
@example("1. add(" + "[" * 3000)
def test_no_text_raises_anything_but_a_syntax_error(text: str) -> None:
    assert 1 <= line_of_error(text) <= text.count("\n") + 2


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_arguments_raise_anything_but_a_syntax_error(text: str) -> None:
    # The text may end the step, and what stands on its next lines is then at fault.
    assert 1 <= line_of_error(f"1. search({text})") <= text.count("\n") + 1


def render(value: Any) -> str:
    """A value in the notation, written another way than the parser reads it."""
    if isinstance(value, Reference):
        return f"${{{value.node}}}" if value.field is None else f"${{{value.node}.{value.field}}}"
    if isinstance(value, Template):
        return '"' + "".join(p if isinstance(p, str) else render(p) for p in escaped(value)) + '"'
    if isinstance(value, str):
        return '"' + escape(value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(render, value)) + "]"
    if isinstance(value, dict):
        pairs = (f"{render(key)}: {render(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value)


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")


def escaped(template: Template) -> list[str | Reference]:
    return [escape(part) if isinstance(part, str) else part for part in template.parts]


reference_values = st.builds(
    Reference, node=st.integers(1, 99).map(str), field=st.none() | st.sampled_from(["a", "title"])
)
# Two neighbouring texts, or a lone part, have a simpler form, which the parser gives.
templates = st.lists(
    st.tuples(st.text(min_size=1, max_size=5), reference_values), min_size=1, max_size=3
).map(lambda pairs: Template(parts=tuple(part for pair in pairs for part in pair)))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | reference_values
    | templates,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("klm", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
ANY = tool("any", x={}, y={}, z={})


@given(st.lists(st.dictionaries(st.sampled_from("xyz"), values), max_size=4), st.booleans())
def test_a_plan_that_is_written_out_is_read_back(
    calls: list[dict[str, Argument]], joined: bool
) -> None:
    nodes = [Call(id=str(i), tool="any", arguments=a) for i, a in enumerate(calls, start=1)]
    lines = [
        f"{node.id}. any({', '.join(f'{k}={render(v)}' for k, v in node.arguments.items())})"
        for node in nodes
    ]
    parser = PlanParser({"any": ANY})
    text = "\n".join([*lines, "join()" if joined else ""])
    assert parser.feed(text) + parser.close() == nodes
    assert parser.joined is joined
