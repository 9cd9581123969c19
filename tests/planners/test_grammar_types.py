"""Arguments of every common type under the grammar, made from the schemas that pydantic gives."""

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

from planners import Plan, PlanParser, ToolSpecification, Vocabulary, check_plan
from tests.planners.grammars import accepts, compiled, derived, rules
from tests.planners.tools import tool


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
        GRAMMARS[name] = compiled(rules(TYPED[name]))
    return GRAMMARS[name]


def check_text(text: str, one: ToolSpecification) -> None:
    parser = PlanParser({one.name: one})
    plan = Plan(nodes=tuple(parser.feed(text) + parser.close()))
    check_plan(plan, Vocabulary(tools={one.name: one}, methods=[], reducers=[]))


@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_a_tool_is_a_plan_that_can_be_run(name: str) -> None:
    text = f"1. {TYPED[name].example()}\njoin()"
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
    short = rules(one, max_steps=1)
    assert len(short) < 50_000
    check_text("1. f([[null], null])\njoin()", one)
    assert accepts(compiled(short), "1. f([[null], null])\njoin()")


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"const": 'a"b\\'}, '"a\\"b\\\\"', '"a"'),
        ({"enum": [1, None, True]}, "null", "2"),
        ({"type": "integer"}, "-12", "1.5"),
        ({"type": "integer", "minimum": 0}, "0", "-1"),
        ({"type": "integer", "minimum": 1}, "10", "0"),
        ({"type": "integer", "minimum": -5}, "-5", "1.5"),
        ({"type": "integer", "exclusiveMinimum": 0}, "10", "0"),
        ({"type": "number", "exclusiveMinimum": 0}, "0.5", "-0.5"),
        ({"type": "number", "minimum": 1}, "1.5", "0.5"),
        ({"type": "number", "minimum": 0}, "0.5", "-0.5"),
        ({"type": "array", "items": {"type": "string"}}, '["a", "b"]', "[1]"),
        ({}, "true", "[]"),
    ],
)
def test_arguments_have_the_form_of_their_schema(
    schema: dict[str, Any], good: str, bad: str
) -> None:
    only = compiled(rules(tool("f", "x", x=schema)))
    assert accepts(only, f"1. f({good})\njoin()")
    assert not accepts(only, f"1. f({bad})\njoin()")
