"""The grammar against the engine that enforces it in vLLM: what it accepts is a plan, and the wrong is refused."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import UsageError
from planners import Plan, PlanParser, ToolSpecification, Vocabulary, check_plan, plan_grammar
from tests.planners.grammars import accepts, compiled, derived, rules
from tests.planners.tools import (
    ADD,
    EITHER,
    MEAN,
    NUMBER,
    PICK,
    SEARCH,
    TEXT,
    TOOLS,
    VOCABULARY,
    tool,
)

MIN_STEPS, MAX_STEPS = 2, 4


@pytest.fixture(scope="module")
def grammar() -> Any:
    methods = VOCABULARY.methods
    bounds = {"min_steps": MIN_STEPS, "max_steps": MAX_STEPS, "methods": methods, "preface": True}
    return compiled(rules(*TOOLS.values(), **bounds))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_every_text_of_the_grammar_is_a_plan_that_can_be_run(grammar: Any, seed: int) -> None:
    text = derived(grammar, random.Random(seed))
    parser = PlanParser(TOOLS)
    nodes = parser.feed(text) + parser.close()
    assert parser.joined
    assert MIN_STEPS <= len(nodes) <= MAX_STEPS
    check_plan(Plan(nodes=tuple(nodes)), VOCABULARY)
    assert not any(node.dependencies for node in nodes[:MIN_STEPS])


THINKS = '1. think("a")\n2. think("b")\n'


@pytest.mark.parametrize(
    "text",
    [
        THINKS + "join()",
        '1. add(1, -2.5)\n2. search("x")\n3. add($1, $2)\njoin()',
        '1. mean([1, 2, 3])\n2. clock.now-utc()\n3. think("of ${1} and ${2}?")\n4. mean($3)\njoin()',
        '1. pick("red", true)\n2. pick("dark \\"blue\\"", false)\njoin()',
        '1. pick("ocre é", true)\n2. pick("$$1", false)\njoin()',
        '1. either(null)\n2. either("x")\njoin()',
        '1. search("it costs $$5, \\"so\\" \\\\ \\n")\n2. search("x", most=3)\njoin()',
        THINKS + "3. mean([1, $2, $1])\n4. mean([$3])\njoin()",
        THINKS + '3. think("of ${2}2?", $1, $2)\n4. search($3, most=1)\njoin()',
        THINKS + '3. think("why?", method="chain-of-thought")\njoin()',
        '1. think("why?", method="chain-of-thought")\n2. think("so")\njoin()',
        "Thought: Two of $5 each, (so) what's that?\n" + THINKS + "join()",
        "Thought:" + " ten" * 100 + "\n" + THINKS + "join()",
    ],
)
def test_plans_are_accepted(grammar: Any, text: str) -> None:
    assert accepts(grammar, text)
    parser = PlanParser(TOOLS)
    check_plan(Plan(nodes=tuple(parser.feed(text) + parser.close())), VOCABULARY)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('1. think("a")\njoin()', id="too few steps"),
        pytest.param(THINKS + '3. think("c")\n4. think("d")\n5. think("e")\njoin()', id="too many"),
        pytest.param(THINKS, id="no join"),
        pytest.param(THINKS + "join()\n", id="text after the join"),
        pytest.param('1. think("a")\n3. think("b")\njoin()', id="a gap in the numbers"),
        pytest.param(THINKS + "3. add($4, 1)\njoin()", id="a forward reference"),
        pytest.param(THINKS + "3. add($3, 1)\njoin()", id="a reference to itself"),
        pytest.param(THINKS + '3. think("${3}")\njoin()', id="a reference to itself in a text"),
        pytest.param('1. think("a")\n2. add($1, 1)\njoin()', id="a reference in the first steps"),
        pytest.param("1. add(1)\n2. add(1, 2)\njoin()", id="too few arguments"),
        pytest.param("1. add(1, 2, 3)\n2. add(1, 2)\njoin()", id="too many arguments"),
        pytest.param('1. add("1", 2)\n2. add(1, 2)\njoin()', id="a text for a number"),
        pytest.param("1. search(1)\n2. add(1, 2)\njoin()", id="a number for a text"),
        pytest.param("1. mean(1)\n2. add(1, 2)\njoin()", id="a number for a list"),
        pytest.param('1. pick("green", true)\n2. add(1, 2)\njoin()', id="not one of the options"),
        pytest.param("1. sub(1, 2)\n2. add(1, 2)\njoin()", id="an unknown tool"),
        pytest.param("1. think()\n2. add(1, 2)\njoin()", id="a thought of nothing"),
        pytest.param('1. think("")\n2. add(1, 2)\njoin()', id="an empty thought"),
        pytest.param('1. think("a\nb")\n2. add(1, 2)\njoin()', id="a line break in a text"),
        pytest.param('1. think("$1")\n2. add(1, 2)\njoin()', id="a dollar sign in a text"),
        pytest.param('1. think("' + "x " * 30 + 'x")\n2. add(1, 2)\njoin()', id="a long text"),
        pytest.param('1. think("a  b")\n2. add(1, 2)\njoin()', id="two spaces"),
        pytest.param('1. search("a", 3)\n2. add(1, 2)\njoin()', id="an option without its name"),
        pytest.param("1. search(most=3)\n2. add(1, 2)\njoin()", id="an option alone"),
        pytest.param('1. search("a", most="b")\n2. add(1, 2)\njoin()', id="a text for an option"),
        pytest.param('1. search("a", least=3)\n2. add(1, 2)\njoin()', id="an unknown option"),
        pytest.param(THINKS + '3. search("a", most=$1)\njoin()', id="a result as an option"),
        pytest.param('1. think("a", $1)\n2. add(1, 2)\njoin()', id="a thought of itself"),
        pytest.param('1. think("a", "b")\n2. add(1, 2)\njoin()', id="a thought of two texts"),
        pytest.param('1. think("a", method="b")\n2. add(1, 2)\njoin()', id="an unknown method"),
        pytest.param("join()", id="nothing"),
        pytest.param("1. add(1234567890, 1)\n2. add(1, 2)\njoin()", id="a long number"),
        pytest.param("Sure! " + THINKS + "join()", id="talk"),
        pytest.param("Thought: a\njoin()", id="nothing but talk to oneself"),
        pytest.param("Thought: a\nThought: b\n" + THINKS + "join()", id="two such lines"),
        pytest.param('1. think("a")\nThought: b\n2. think("b")\njoin()', id="one in between"),
        pytest.param("Thought:" + " ten" * 101 + "\n" + THINKS + "join()", id="a long one"),
        pytest.param("Thought:\n" + THINKS + "join()", id="an empty one"),
    ],
)
def test_what_is_no_plan_is_refused(grammar: Any, text: str) -> None:
    assert not accepts(grammar, text)


def test_a_plan_that_has_begun_has_no_thought_before_it() -> None:
    begun = compiled(rules(ADD, first_step=2))
    assert accepts(begun, "2. add(1, 2)\njoin()")
    assert not accepts(begun, "Thought: a\n2. add(1, 2)\njoin()")


def test_without_tools_plans_think_only() -> None:
    thinking = compiled(plan_grammar([], min_steps=1, max_steps=2))
    assert accepts(thinking, '1. think("a")\njoin()')
    assert accepts(thinking, '1. think("a")\n2. think("${1}")\njoin()')
    assert not accepts(thinking, "join()")


@pytest.mark.parametrize("min_steps", [-1, 0, 1])
def test_a_bare_join_is_never_a_plan(min_steps: int) -> None:
    only = compiled(rules(ADD, min_steps=min_steps))
    assert not accepts(only, "join()")
    assert accepts(only, "1. add(1, 2)\njoin()")


def test_without_methods_no_thought_names_one() -> None:
    assert "method" not in rules(*TOOLS.values())


OPTIONS = tool("f", "b", a=TEXT, b=NUMBER, **{"c-d": NUMBER, 'e"$': TEXT})
ONLY_OPTIONS = tool("g", a=NUMBER, b=NUMBER, c=NUMBER)


@pytest.mark.parametrize(
    ("call", "good"),
    [
        ("f(1)", True),
        ('f(1, a="x")', True),
        ('f(1, a="x", "c-d"=2, "e\\"$$"="y")', True),
        ('f(1, "e\\"$$"="y")', True),
        ('f(1, "c-d"=2, a="x")', False),
        ('f(1, a="x", a="x")', False),
        ("f()", False),
        ("g()", True),
        ("g(a=1)", True),
        ("g(b=1)", True),
        ("g(c=1)", True),
        ("g(a=1, c=1)", True),
        ("g(a=1, b=1, c=1)", True),
        ("g(b=1, c=1)", True),
        ("g(b=1, a=1)", False),
        ("g(, a=1)", False),
        ("g(a=1, )", False),
        ("g(1)", False),
    ],
)
def test_optional_arguments_follow_by_name_in_their_order(call: str, good: bool) -> None:
    text = f"1. {call}\njoin()"
    assert accepts(compiled(rules(OPTIONS, ONLY_OPTIONS)), text) is good
    if good:
        tools = {one.name: one for one in (OPTIONS, ONLY_OPTIONS)}
        parser = PlanParser(tools)
        plan = Plan(nodes=tuple(parser.feed(text) + parser.close()))
        check_plan(plan, Vocabulary(tools=tools, methods=[], reducers=[]))


@pytest.mark.parametrize(
    ("step", "good"),
    [
        ("7. add($1, $4)", True),
        ("7. add($4, 1)\n8. add($7, 1)", True),
        ('7. think("${4}0", $1)', True),
        ("7. add($2, 1)", False),
        ("7. add($7, 1)", False),
        ("7. add($6, 1)", False),
        ("1. add(1, 1)", False),
    ],
)
def test_a_later_round_goes_on_numbering_and_refers_to_what_exists(step: str, good: bool) -> None:
    later = compiled(rules(ADD, min_steps=6, max_steps=8, first_step=7, known=[4, 1]))
    assert accepts(later, f"{step}\njoin()") is good
    every = compiled(rules(ADD, min_steps=6, max_steps=8, first_step=7))
    assert accepts(every, "7. add($2, $6)\njoin()")


def many(count: int) -> list[ToolSpecification]:
    """Tools of which no two take the same arguments."""

    def one(i: int) -> ToolSpecification:
        own: dict[str, Any] = {"enum": [i]}
        schemas = {f"first_{i}": own, "second": TEXT, f"option_{i}": NUMBER}
        return tool(f"look_up_{i}", f"first_{i}", "second", **schemas)

    return [one(i) for i in range(count)]


def test_a_grammar_grows_with_its_tools_and_little_with_its_steps() -> None:
    def size(count: int, steps: int) -> int:
        return len(rules(*many(count), max_steps=steps))

    assert size(200, 6) < 2.2 * size(100, 6)
    # Tools that take the same arguments differ in their names only.
    same = [tool(f"look_up_{i}", "query", query=TEXT) for i in range(200)]
    assert len(rules(*same, max_steps=6)) < 150 * 200


def test_a_thousand_tools_have_a_grammar_and_their_plans_can_be_run() -> None:
    tools = many(1000)
    large = compiled(rules(*tools, max_steps=2))
    text = '1. look_up_999(999, "x", option_999=2)\n2. look_up_0(0, $1)\njoin()'
    assert accepts(large, text)
    assert not accepts(large, text.replace("(999,", "(998,"))


def test_a_grammar_that_no_engine_would_compile_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        UsageError, match=r"3000 tools and up to 40 steps is too large.*fewer steps"
    ):
        rules(*many(3000), max_steps=40)


def test_the_order_of_the_tools_does_not_matter() -> None:
    tools = [ADD, EITHER, MEAN, PICK, SEARCH]
    shuffled = [PICK, ADD, SEARCH, EITHER, MEAN]
    assert plan_grammar(tools, min_steps=2, max_steps=3) == plan_grammar(
        shuffled, min_steps=2, max_steps=3
    )
