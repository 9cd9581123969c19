"""What Mermaid itself takes was tried with its parser (11.12): every label here, in every shape."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners import Call, Conclude, Plan, Reduce, Reference, Template, Think
from planners.mermaid import to_mermaid
from tests.planners.test_plan import plans

# A label stands in quotes, and holds only what Mermaid shows as it is, codes of other characters, and line breaks.
_CODE = r"#[0-9]+;|<br/>"
_NODE = re.compile(
    rf'    (n\d+)(\[\[|\(\[|{{{{|\[)"((?:{_CODE}|[^"#<>&`;\n\r\x00-\x1f])*)"(\]\]|\]\)|}}}}|\])'
)
_EDGE = re.compile(r"    (n\d+) (-->|==>) (n\d+)")


def test_a_plan_is_a_flowchart_with_a_shape_for_each_kind() -> None:
    plan = Plan(
        nodes=(
            Call(id="1", tool="multiply", arguments={"a": 12, "b": 7}),
            Think(id="2", prompt=Template(parts=("Is ", Reference(node="1"), " a square?"))),
            Think(id="and", prompt="And its root?", after="2"),
            Reduce(id="3", inputs=("1", "2", "and"), reducer="majority"),
            Conclude(id="end", text="84", inputs=("3",)),
        )
    )
    drawn = to_mermaid(plan, marked={"1", "end"}, notes={"1": "0.5 s"})
    assert drawn == (
        "flowchart TD\n"
        '    n1[["1. multiply(12, 7)<br/>0.5 s"]]\n'
        '    n2(["2. think: Is #36;1 a square?"])\n'
        '    n3(["and. think after 2: And its root?"])\n'
        '    n4{{"3. majority of 1, 2, and"}}\n'
        '    n5["end. conclude: 84"]\n'
        "    n1 --> n2\n"
        "    n2 ==> n3\n"
        "    n1 --> n4\n"
        "    n2 --> n4\n"
        "    n3 --> n4\n"
        "    n4 --> n5\n"
        "    classDef marked stroke-width:4px\n"
        "    class n1,n5 marked\n"
    )


@pytest.mark.parametrize(
    "text",
    ['a "quote"', "`markdown`", "<b>bold</b>", "#34;", "&quot;", "[x](y)", "{{a}}", "|", "a;b"],
)
def test_what_mermaid_would_obey_stands_as_a_code(text: str) -> None:
    (_, line) = to_mermaid(Plan(nodes=(Think(id="1", prompt=text),))).splitlines()
    match = _NODE.fullmatch(line)
    assert match is not None
    shown = re.sub(r"#([0-9]+);", lambda code: chr(int(code[1])), match[3])
    assert shown == f"1. think: {text}"


def test_a_long_prompt_is_cut_and_stands_in_one_line() -> None:
    plan = Plan(nodes=(Think(id="1", prompt="a\nb\r\n" + "c" * 1_000_000),))
    (_, line) = to_mermaid(plan).splitlines()
    assert line.startswith('    n1(["1. think: a b cc')
    assert len(line) < 100


@given(plans.filter(lambda plan: len({node.id for node in plan.nodes}) == len(plan.nodes)))
def test_every_plan_is_lines_of_nodes_and_then_of_edges(plan: Plan) -> None:
    known = {node.id for node in plan.nodes}
    if any(set(node.dependencies) - known for node in plan.nodes):
        return
    head, *lines = to_mermaid(plan).splitlines()
    assert head == "flowchart TD"
    nodes, edges = lines[: len(plan.nodes)], lines[len(plan.nodes) :]
    assert all(_NODE.fullmatch(line) for line in nodes)
    assert all(_EDGE.fullmatch(line) for line in edges)
    assert len(edges) == sum(len(node.dependencies) for node in plan.nodes)


@given(st.text())
def test_no_text_breaks_out_of_its_label(text: str) -> None:
    plan = Plan(nodes=(Conclude(id="1", text=text),))
    lines = to_mermaid(plan, notes={"1": text}).split("\n")
    assert len(lines) == 3
    assert _NODE.fullmatch(lines[1])
