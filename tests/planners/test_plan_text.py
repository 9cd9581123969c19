from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners import (
    Argument,
    Call,
    Conclude,
    Node,
    PlanParser,
    Reduce,
    Reference,
    Template,
    Think,
    ToolSpecification,
)
from planners.language.plan_text import plan_text
from planners.notation import literal

# Whatever a text may hold, and what the notation has a meaning for more often than chance would.
texts = st.lists(
    st.text(max_size=4)
    | st.sampled_from(
        ['"', "'", "\\", "\n", "\r", "\t", "\0", "\x7f", "\u2028", "$", "$1", "$$", "${1}", "#",
         ")", "Thought:", "\\u0041", "é", "😀", "\n1. join()\n"]
    ),
    max_size=4,
).map("".join)  # fmt: skip
steps = st.integers(0, 999_999_999).map(str)
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
reference_values = st.builds(
    Reference, node=steps, field=st.none() | words | st.from_regex(r"[0-9]{1,3}", fullmatch=True)
)


def with_text(parts: list[str | Reference]) -> bool:
    """A template of one reference alone is written as the reference."""
    return any(part for part in parts if isinstance(part, str))


templates = (
    st.lists(texts | reference_values, max_size=5)
    .filter(lambda parts: with_text(parts) and any(isinstance(p, Reference) for p in parts))
    .map(lambda parts: Template(parts=tuple(parts)))
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**299) + 1, 10**299)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | reference_values
    | templates,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
names = st.from_regex(re.compile(r"[A-Za-z_][\w.-]{0,9}", re.ASCII), fullmatch=True).filter(
    lambda name: name not in ("think", "join")
)
calls = st.builds(
    Call, id=steps, tool=names, arguments=st.dictionaries(words | texts, values, max_size=4)
)
thoughts = st.builds(
    Think,
    id=steps,
    prompt=texts | templates | reference_values.map(lambda one: Template(parts=(one,))),
    method=st.none() | texts,
    after=st.none() | steps,
    max_tokens=st.none() | st.integers(1),
)


def parameters(node: Node) -> dict[str, Any]:
    names = node.arguments if isinstance(node, Call) else ()
    return {"type": "object", "properties": {name: {} for name in names}}


def read_back(text: str, nodes: list[Node]) -> list[Node]:
    tools: dict[str, ToolSpecification] = {}
    for node in nodes:
        if isinstance(node, Call):
            known = tools[node.tool].parameters if node.tool in tools else {"properties": {}}
            merged = {**known["properties"], **parameters(node)["properties"]}
            tools[node.tool] = ToolSpecification(
                name=node.tool, parameters={"type": "object", "properties": merged}
            )
    parser = PlanParser(tools)
    return parser.feed(text)


@given(st.lists(calls | thoughts, max_size=5))
def test_a_plan_that_is_written_is_read_back(nodes: list[Node]) -> None:
    text = plan_text(nodes)
    assert text.count("\n") == len(nodes)
    again = read_back(text, nodes)
    assert again == nodes
    # Equality of numbers hides their type, and a tool may care.
    assert [repr(node) for node in again] == [repr(node) for node in nodes]


@given(calls | thoughts, st.data())
def test_it_is_read_back_however_it_is_cut(node: Node, data: st.DataObject) -> None:
    text = plan_text([node])
    tools = {}
    if isinstance(node, Call):
        tools[node.tool] = ToolSpecification(name=node.tool, parameters=parameters(node))
    parser = PlanParser(tools)
    place = data.draw(st.integers(0, len(text)))
    assert parser.feed(text[:place]) + parser.feed(text[place:]) == [node]


@given(st.lists(st.text(max_size=4) | reference_values, max_size=5), st.data())
def test_a_template_has_one_form_however_its_texts_are_parted(
    parts: list[str | Reference], data: st.DataObject
) -> None:
    parted: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str):
            place = data.draw(st.integers(0, len(part)))
            parted += [part[:place], part[place:]]
        else:
            parted.append(part)
    assert Template(parts=tuple(parted)) == Template(parts=tuple(parts))


def test_of_a_call_a_text_that_is_one_reference_is_read_back_as_the_reference() -> None:
    one = Reference(node="1")
    call = Call(id="2", tool="f", arguments={"x": Template(parts=(one,))})
    assert plan_text([call]) == '2. f(x="${1}")\n'
    assert read_back(plan_text([call]), [call]) == [Call(id="2", tool="f", arguments={"x": one})]


@pytest.mark.parametrize(
    ("node", "line"),
    [
        (Call(id="1", tool="f"), "1. f()"),
        (Call(id="1", tool="f", arguments={"a": 1, "b-c": None}), '1. f(a=1, "b-c"=null)'),
        (Call(id="1", tool="f", arguments={"a": "$1 é\n\x07"}), '1. f(a="$$1 é\\n\\u0007")'),
        (
            Call(id="4", tool="f", arguments={"a": [Reference(node="1", field="x")]}),
            "4. f(a=[$1.x])",
        ),
        (
            Think(id="4", prompt=Template(parts=("a ", Reference(node="3"), "5")), method="m"),
            '4. think("a ${3}5", method="m")',
        ),
        (
            Think(id="4", prompt="", after="2", max_tokens=7),
            '4. think("", after=$2, max_tokens=7)',
        ),
    ],
)
def test_steps_are_written_as_a_model_would(node: Node, line: str) -> None:
    assert plan_text([node]) == f"{line}\n"


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (Reduce(id="3", inputs=("1",), reducer="first"), "node '3': a reduce cannot be written"),
        (Conclude(id="3", text="so"), "node '3': a conclude cannot be written"),
        (Call(id="a", tool="f"), "node 'a' cannot be written: ids are numbers"),
        (Think(id="1", after="b"), "node 'b' cannot be written"),
        (Call(id="1", tool="f", arguments={"a": float("inf")}), "inf cannot be written"),
        (Call(id="1", tool="f", arguments={"a": 10**400}), "a number of 401 digits cannot"),
        (
            Call(id="1", tool="f", arguments={"a": Reference(node="1", field="x y")}),
            "field 'x y' of node 1 cannot be written",
        ),
    ],
)
def test_what_the_notation_has_no_form_for_is_refused(node: Node, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        plan_text([node])


@given(values)
def test_a_literal_of_plain_data_is_json_but_for_dollar_signs(value: Argument) -> None:
    written = literal(value)
    if "$" not in written:
        assert json.loads(written) == value
