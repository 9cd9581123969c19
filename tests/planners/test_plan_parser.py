from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planners import (
    Call,
    Node,
    PlanChecker,
    PlanError,
    PlanParser,
    PlanSyntaxError,
    Reference,
    Template,
    Think,
)
from tests.planners.tools import TOOLS, VOCABULARY

PLAN = """Thought: I split it (it's easy), first [the sums.
1. add(12, b=-7.5)
2. search("multi
line, with ) and \\"quotes\\" and 'more'", most=3)

3. clock.now-utc()  # a comment (with a bracket
# a comment alone: "
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


def test_a_plan_is_read() -> None:
    assert parse(PLAN) == NODES


# Every split of these is tried: each has something that two pieces can part.
CORPUS = [
    PLAN,
    "1. add(1, 2)\r\n2. add($1, ${1})\r\njoin()",
    '1. search("a\\\\", \'b\\\'c\')\n  \n\t2. think("$$1 $12 ${1}2", method="m", after=$1)',
    '1. search("\\u00e9 \\ud83d\\ude00 $$$1")\nThought: it\'s (so\nThought : no',
    "Thought: a\n#: (\n1. add(1,\n2)\n2. add(1, 2) # :(\n3. sub(1)\n",
    "1. add(1, 2)\n2. add($1, 3\n3. add($2, 4)\njoin()\n",
    '1. search("a)\n2. search("b")\njoin()',
    "1. add(1, 2)\n2. mean([1, (2)])\n",
    "1. add(1, 2)\n2. mean([1, 2)\n",
    "1. add(1, 2)\nSure! Here's (a plan",
    "1. add(1, 2)\n2. add(1, 2)(3",
    "1. add(1, 2)\nmore [text\n",
    "```python\n1. add(1, 2)\n``` \n```2. add(1, 2)```",
]


@dataclass(frozen=True)
class Reading:
    """What comes of a text, whatever its pieces."""

    nodes: list[Node]
    joined: bool
    complete: int
    error: str = ""


def reading(pieces: Sequence[str]) -> Reading:
    parser = PlanParser(TOOLS)
    nodes: list[Node] = []
    error = ""
    try:
        for piece in pieces:
            nodes += parser.feed(piece)
        nodes += parser.close()
    except PlanSyntaxError as wrong:
        nodes += wrong.nodes
        error = str(wrong)
    return Reading(nodes, parser.joined, parser.complete, error)


def cut(text: str, places: Sequence[int]) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize("text", CORPUS)
def test_every_single_cut_and_every_character_alone_give_the_same(text: str) -> None:
    """(B1)"""
    whole = reading([text])
    assert reading(list(text)) == whole
    for place in range(len(text) + 1):
        assert reading(cut(text, [place])) == whole


PIECES = st.sampled_from(
    ["1. ", "2.", "add", "search", "think", "join", "add(1, 2)",
     "(", ")", "[", "]", "{", "}", ",", ":", "=", "'", '"', "\\", "$",
     "$1", "${", "${1}", "$$", "$1.a", "\n", "\r\n", " ", "#", "Thought:", "\\u00e9",
     "1", "-", ".", "e9", "true", "x", "²", "½", "\u0661", "é"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=30)


@given(TEXTS | st.sampled_from(CORPUS), st.data())
def test_any_way_to_cut_any_text_gives_the_same(text: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    assert reading(cut(text, places)) == reading([text])


@given(TEXTS)
@example('1. think("${²}")')
@example("1. think('${" + "x" * 70 + "}')")
@example("1. think('$" + "1" * 70 + "')")
@example("1. search('\\")
@example("1. add(" + "[" * 3000)
@example('1. search("\ud800")')
def test_no_text_raises_anything_but_a_short_located_error(text: str) -> None:
    for whole in (text, f"1. search({text})"):
        error = reading([whole, "\n"]).error
        assert "\n" not in error
        assert len(error) < 400
        if error:
            line = int(error.removeprefix("plan line ").partition(":")[0])
            assert 1 <= line <= whole.count("\n") + 2


@given(
    st.sampled_from(['1. search("%s', "1. mean([%s", "1. add(%s", "1. search(a=%s", "1. %s", "%s"]),
    st.sampled_from(["x", '"a" ', "9", "[", "{", "$", "\\", " ", "é", "\n", "(", ":", "Thought:"]),
)
def test_an_error_is_short_however_long_the_line(form: str, piece: str) -> None:
    assert len(reading([form % (piece * 30_000) + ' oops")])\n']).error) < 400


@pytest.mark.parametrize("piece", ["x", "\\n", "$$", "${1} ", "'", ":", " "])
def test_an_argument_of_a_megabyte_is_read_in_time_in_proportion_to_it(piece: str) -> None:
    """In time that grows with the square this would take minutes."""
    text = f'1. search("{piece * (1_000_000 // len(piece))}")\n'
    parser = PlanParser(TOOLS)
    (node,) = [node for i in range(0, len(text), 64) for node in parser.feed(text[i : i + 64])]
    assert isinstance(node, Call)


@pytest.mark.parametrize("text", ["Thought: ", "", "# ", '1. search("', "1. mean([1, ", "a:"])
def test_a_line_without_an_end_is_given_up(text: str) -> None:
    error = reading([f"\n{text}", *["9" * 40_000] * 200]).error
    assert error.startswith("plan line 2: a line is longer than 4000000 characters: it begins with")


def test_each_node_is_there_with_the_end_of_its_line() -> None:
    parser = PlanParser(TOOLS)
    emitted = {
        node.id: PLAN[: end + 1].count("\n")
        for end, character in enumerate(PLAN)
        for node in parser.feed(character)
    }
    assert emitted == {"1": 2, "2": 4, "3": 6, "4": 8, "5": 9}
    assert parser.joined


# The other defects of the reference's parser, as ../shared/reference/systems.md numbers them. B2, B4, B7 and B9 are
# in test_step_reader.py and test_step_node.py; here is what concerns more than one step.


def test_b1_a_whole_plan_in_one_chunk_loses_no_line() -> None:
    parser = PlanParser(TOOLS)
    found = parser.feed("1. add(1, 2)\n2. add(3, 4)\n3. add($1, $2)\njoin()\n")
    assert [node.id for node in found] == ["1", "2", "3"]
    assert parser.joined


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ("2. add($1, 3", r"line 2: '\(' is never closed: expected \) before a new step"),
        ("2. mean([1, 2)", r"line 2: '\[' is never closed: expected \], not \)"),
        ('2. search("a)', r"line 2: expected , or \) after a string, in "),
        ("2. add 1, 3", "line 2: expected a step such as"),
    ],
)
def test_b3_a_line_that_does_not_close_is_an_error_and_not_left_out(
    second: str, problem: str
) -> None:
    parser = PlanParser(TOOLS)
    with pytest.raises(PlanSyntaxError, match=problem) as caught:
        parser.feed(f'1. add(1, 2)\n{second}\n3. search("b")\njoin()\n')
    assert [node.id for node in caught.value.nodes] == ["1"]


def test_b3_an_open_bracket_is_told_as_soon_as_the_next_step_begins() -> None:
    parser = PlanParser(TOOLS)
    parser.feed("1. add(1, 2)\n2. add($1, 3\n3. add")
    with pytest.raises(PlanSyntaxError):
        parser.feed("(")


def test_b4_b8_b9_only_references_make_dependencies() -> None:
    (node,) = parse('9. search("$$1, $ 2, $x, $12 and ${3}4 cost $$$5")')
    assert node.dependencies == ("12", "3", "5")


@pytest.mark.parametrize("fence", ["```", "  ```text  "])
def test_fences_around_a_plan_are_skipped(fence: str) -> None:
    assert len(parse(f"{fence}\n1. add(1, 2)\n```\njoin()")) == 1


def test_b5_an_argument_may_hold_line_breaks() -> None:
    nodes = parse('1. search("a\nb",\n  most=2\n)\n2. add($1, 2)')
    assert [node.id for node in nodes] == ["1", "2"]
    assert isinstance(nodes[0], Call)
    assert nodes[0].arguments == {"query": "a\nb", "most": 2}


def test_b6_tool_names_may_hold_dots_and_dashes() -> None:
    assert parse("1. clock.now-utc()") == [Call(id="1", tool="clock.now-utc")]


def checked(text: str) -> list[str]:
    checker = PlanChecker(VOCABULARY)
    nodes = parse(text)
    for node in nodes:
        checker.check(node)
    return [node.id for node in nodes]


def test_b9_a_reference_to_a_node_that_is_not_there_names_that_node() -> None:
    with pytest.raises(PlanError, match="node '2': refers to node '12', and no earlier node"):
        checked("1. add(1, 2)\n2. add($12, 3)\njoin()")


@pytest.mark.parametrize("numbers", [[1, 3, 4], [4, 5, 6], [3, 1, 2], [10, 100, 999_999_999]])
def test_b11_numbers_may_have_gaps_and_begin_anywhere(numbers: list[int]) -> None:
    first, *others = numbers
    lines = [f"{first}. add(1, 2)", *(f"{number}. add(${first}, 2)" for number in others), "join()"]
    assert checked("\n".join(lines)) == [str(number) for number in numbers]


def test_b13_a_number_that_is_there_already_is_an_error() -> None:
    with pytest.raises(PlanError, match="node '1': another node has this id already"):
        checked("1. add(1, 2)\n1. add(3, 4)\njoin()")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "expected a step"),
        ("add(1, 2)", "expected a step such as"),
        ("1 add(1, 2)", "expected a step"),
        ("1. add 1, 2", "expected a step"),
        ("1. add(1, 2) 2. add(3, 4)", "unexpected text after"),
        ("1. add(1, 2]", "is never closed"),
        ('1. search("a)', "a string opened by"),
        ("1. search([1, 2)", "is never closed"),
        ("Sure (why not)", "expected a step"),
        ("It's [easy", "expected a step"),
        ("1. search(" + "[" * 5000 + "]" * 5000 + ")", "nest deeper"),
        ("9" * 65 + ". add(1, 2)", "expected a step"),
        ("Thought" * 5000, "expected a step"),
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
    text = "# The plan (it's:\n1. add(1, 2) # isn't (closed\n2. add(1, 2)"
    assert [node.id for node in parse(text)] == ["1", "2"]


def test_a_last_line_without_a_line_break_counts() -> None:
    parser = PlanParser(TOOLS)
    assert parser.feed("1. add(1, 2)") == []
    assert [node.id for node in parser.close()] == ["1"]
    assert parser.close() == []


# The call that an unfinished line will probably be.


@pytest.mark.parametrize(
    ("text", "known_from"),
    [
        ('1. search("x")\n', '"x"'),
        ('1. search(query="x")\n', '"x"'),
        ('1. search("x, (y\\" z")\n', ' z"'),
        ("1. add(1, 2)\n", ")"),
        ("1. add($1, ${2})\n", "}"),
        ("1. mean([1, [2], $1])\n", "$1]"),
        ("1. clock.now-utc()\n", ")"),
        ('Thought: f("x")\n1. search("x")  # so (\n', '. search("x"'),
    ],
)
def test_a_call_is_known_once_its_arguments_are_closed(text: str, known_from: str) -> None:
    parser = PlanParser(TOOLS)
    (node,) = PlanParser(TOOLS).feed(text)
    start = text.index(known_from) + len(known_from)
    for end, character in enumerate(text[:-1], start=1):
        parser.feed(character)
        if end >= start and character != "(":
            assert parser.pending == node, text[:end]
        elif end < start:
            assert parser.pending is None, text[:end]
    parser.feed("\n")
    assert parser.pending is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1. add(1, 2",
        "1. add(1",
        '1. search("x',
        '1. search("x\\"',
        '1. search("x",',
        '1. search("x", most',
        '1. search("x", most=3',
        '1. search("x", "y", "z"',
        '1. search(["x"',
        "1. search(most=3)",
        '1. think("x"',
        '1. sub("x"',
        'Thought: search("x"',
        "join()",
        '1. search("' + "x" * 3000 + '"',
    ],
)
def test_what_may_still_become_another_call_is_no_guess(text: str) -> None:
    parser = PlanParser(TOOLS)
    parser.feed(text)
    assert parser.pending is None


def test_a_guess_changes_where_an_optional_argument_follows() -> None:
    parser = PlanParser(TOOLS)
    parser.feed('1. search("x"')
    assert parser.pending == Call(id="1", tool="search", arguments={"query": "x"})
    parser.feed(", most=2)")
    assert parser.pending == Call(id="1", tool="search", arguments={"query": "x", "most": 2})


@given(st.sampled_from(CORPUS) | TEXTS, st.data())
def test_to_look_at_the_guess_changes_nothing(text: str, data: st.DataObject) -> None:
    parser = PlanParser(TOOLS)
    nodes: list[Node] = []
    error = ""
    try:
        for piece in cut(text, data.draw(st.lists(st.integers(0, len(text)), max_size=8))):
            nodes += parser.feed(piece)
            assert isinstance(parser.pending, Call | None)
        nodes += parser.close()
    except PlanSyntaxError as wrong:
        nodes += wrong.nodes
        error = str(wrong)
    assert Reading(nodes, parser.joined, parser.complete, error) == reading([text])
