"""The grammar against the engine that enforces it in vLLM: what it accepts is a plan, and the wrong is refused."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from planners import Plan, PlanParser, ToolSpecification, Vocabulary, check_plan, plan_grammar
from tests.planners.tools import ADD, EITHER, MEAN, PICK, SEARCH, TOOLS, VOCABULARY, tool

xgrammar = pytest.importorskip("xgrammar")

MIN_STEPS, MAX_STEPS = 2, 4
# A made-up vocabulary: one token a byte that plans are written with, and the end of the sequence.
LETTERS = [chr(code) for code in range(32, 127)] + ["\n", "é"]
END = len(LETTERS)


def compiled(rules: str) -> Any:
    information = xgrammar.TokenizerInfo([*LETTERS, "</s>"], stop_token_ids=[END])
    return xgrammar.GrammarCompiler(information).compile_grammar(xgrammar.Grammar.from_ebnf(rules))


@pytest.fixture(scope="module")
def grammar() -> Any:
    return compiled(plan_grammar(TOOLS.values(), min_steps=MIN_STEPS, max_steps=MAX_STEPS))


def accepts(grammar: Any, text: str) -> bool:
    matcher = xgrammar.GrammarMatcher(grammar)
    return bool(matcher.accept_string(text) and matcher.accept_token(END))


def derived(grammar: Any, source: random.Random) -> str:
    """A random text of the grammar, one allowed character after another."""
    matcher = xgrammar.GrammarMatcher(grammar)
    bitmask = xgrammar.allocate_token_bitmask(1, END + 1)
    written: list[str] = []
    while True:
        matcher.fill_next_token_bitmask(bitmask)
        words = bitmask[0].tolist()
        allowed = [token for token in range(END + 1) if words[token // 32] >> token % 32 & 1]
        token = source.choice(allowed)
        # Else nearly every text would be as long as it may be, and a reference rare.
        for letter in '"$':
            if LETTERS.index(letter) in allowed and source.random() < 0.2:
                token = LETTERS.index(letter)
        assert matcher.accept_token(token)
        if token == END:
            return "".join(written)
        written.append(LETTERS[token])


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
        pytest.param('1. think("' + "x" * 121 + '")\n2. add(1, 2)\njoin()', id="a long text"),
        pytest.param("1. add(1234567890, 1)\n2. add(1, 2)\njoin()", id="a long number"),
        pytest.param("Sure! " + THINKS + "join()", id="talk"),
    ],
)
def test_what_is_no_plan_is_refused(grammar: Any, text: str) -> None:
    assert not accepts(grammar, text)


class Colour(Enum):
    RED = "red"
    DARK = 'dark "$blue"'


class Place(BaseModel):
    x: float
    colour: Colour
    note: str = ""


class Tree(BaseModel):
    value: int
    children: list[Tree]


class Chain(BaseModel):
    following: Chain | None


class Circle(BaseModel):
    shape: Literal["circle"] = "circle"
    size: float


class Square(BaseModel):
    shape: Literal["square"] = "square"
    size: float


TYPES: Mapping[str, Any] = {
    "enum": Colour,
    "model": Place,
    "models": list[Place],
    "optional": Place | None,
    "dictionary": dict[str, Place],
    "by_enum": dict[Colour, int],
    "by_number": dict[int, list[int]],
    "anything": dict[str, Any],
    "by_pattern": dict[Annotated[str, Field(pattern="^a$")], int],
    "pair": tuple[int, Colour],
    "numbers": tuple[int, ...],
    "nothing": tuple[()],
    "two_or_three": Annotated[list[int], Field(min_length=2, max_length=3)],
    "five_keys": Annotated[dict[str, int], Field(max_length=5)],
    "tree": Tree,
    "chain": Chain,
    "union": Annotated[Circle | Square, Field(discriminator="shape")],
    "decimal": Decimal,
    "number_or_pattern": Annotated[str, Field(pattern="^a$")] | int,
    "text_or_number": str | int,
}


def typed(name: str) -> ToolSpecification:
    model = create_model(name, x=(TYPES[name], ...))
    return ToolSpecification(name=name, parameters=model.model_json_schema())


TYPED = {name: typed(name) for name in TYPES}


@settings(max_examples=20, deadline=None)
@given(seeds=st.lists(st.integers(0, 10**9), min_size=5, max_size=5))
@pytest.mark.parametrize("name", TYPES)
def test_arguments_of_every_common_type_pass_the_check_of_the_plan(
    name: str, seeds: list[int]
) -> None:
    one = TYPED[name]
    grammar = typed_grammar(name)
    for seed in seeds:
        text = derived(grammar, random.Random(seed))
        check_text(text, one)


GRAMMARS: dict[str, Any] = {}


def typed_grammar(name: str) -> Any:
    if name not in GRAMMARS:
        GRAMMARS[name] = compiled(plan_grammar([TYPED[name]], min_steps=1, max_steps=2))
    return GRAMMARS[name]


def check_text(text: str, one: ToolSpecification) -> None:
    parser = PlanParser({one.name: one})
    plan = Plan(nodes=tuple(parser.feed(text) + parser.close()))
    check_plan(plan, Vocabulary(tools={one.name: one}, methods=[], reducers=[]))


@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_a_tool_is_a_plan_that_can_be_run(name: str) -> None:
    text = f"1. {TYPED[name].example}\njoin()"
    check_text(text, TYPED[name])
    assert accepts(typed_grammar(name), text)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("enum", '"red"'),
        ("model", '{"x": 1.5, "colour": "dark \\"$$blue\\""}'),
        ("models", '[{"x": 1, "colour": "red"}, {"x": 2, "colour": "red"}]'),
        ("optional", "null"),
        ("dictionary", '{"a": {"x": 1, "colour": "red"}, "b c": {"x": 1, "colour": "red"}}'),
        ("by_enum", '{"red": 1}'),
        ("by_pattern", "{}"),
        ("pair", '[1, "red"]'),
        ("nothing", "[]"),
        ("two_or_three", "[1, 2, 3]"),
        ("tree", '{"value": 1, "children": []}'),
        ("chain", '{"following": null}'),
        ("union", '{"shape": "square", "size": 2}'),
    ],
)
def test_arguments_of_common_types_can_be_written(name: str, written: str) -> None:
    assert accepts(typed_grammar(name), f"1. {name}({written})\njoin()")


def test_types_that_refer_to_each_other_in_many_ways_have_a_short_grammar_still() -> None:
    names = [f"T{i}" for i in range(12)]
    options = [{"$ref": f"#/$defs/{name}"} for name in names]
    several = {"type": "array", "items": {"anyOf": [{"type": "null"}, *options]}}
    parameters = {
        "$defs": dict.fromkeys(names, several),
        "properties": {"x": {"$ref": "#/$defs/T0"}},
        "required": ["x"],
    }
    one = ToolSpecification(name="f", parameters=parameters)
    rules = plan_grammar([one], min_steps=1, max_steps=1)
    assert len(rules) < 50_000
    check_text("1. f([[null], null])\njoin()", one)
    assert accepts(compiled(rules), "1. f([[null], null])\njoin()")


def test_without_tools_plans_think_only() -> None:
    thinking = compiled(plan_grammar([], min_steps=1, max_steps=2))
    assert accepts(thinking, '1. think("a")\njoin()')
    assert accepts(thinking, '1. think("a")\n2. think("${1}")\njoin()')
    assert not accepts(thinking, "join()")


def test_a_plan_may_be_empty_where_no_step_is_asked_for() -> None:
    assert accepts(compiled(plan_grammar([ADD], min_steps=0, max_steps=1)), "join()")


def test_the_order_of_the_tools_does_not_matter() -> None:
    tools = [ADD, EITHER, MEAN, PICK, SEARCH]
    shuffled = [PICK, ADD, SEARCH, EITHER, MEAN]
    assert plan_grammar(tools, min_steps=2, max_steps=3) == plan_grammar(
        shuffled, min_steps=2, max_steps=3
    )


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"const": 'a"b\\'}, '"a\\"b\\\\"', '"a"'),
        ({"enum": [1, None, True]}, "null", "2"),
        ({"type": "integer"}, "-12", "1.5"),
        ({"type": "array", "items": {"type": "string"}}, '["a", "b"]', "[1]"),
        ({}, "true", "[]"),
    ],
)
def test_arguments_have_the_form_of_their_schema(
    schema: dict[str, Any], good: str, bad: str
) -> None:
    only = compiled(plan_grammar([tool("f", "x", x=schema)], min_steps=1, max_steps=1))
    assert accepts(only, f"1. f({good})\njoin()")
    assert not accepts(only, f"1. f({bad})\njoin()")
