from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from planners import Call, Plan, PlanFileError, Reduce, Reference, Template, Think, read_plan
from planners.static.plain_yaml import NotYaml, read_yaml
from tests.planners.test_plan import plans

YAML = """
question: Is the product a square?
nodes:
  - {kind: call, id: 1, tool: multiply, arguments: {a: 12, b: 7.0, unit: no, exact: true}}
  - kind: think
    id: 2
    prompt: {$text: ["Is ", {$ref: 1, field: product}, " a square?"]}
    max_tokens: 99
  - {kind: think, id: 3, prompt: {$ref: 1}, after: 2}
  - {kind: reduce, id: all, inputs: [1, 2, 3], reducer: first}
"""
PLAN = Plan(
    question="Is the product a square?",
    nodes=(
        Call(
            id="1",
            tool="multiply",
            arguments={"a": 12, "b": 7.0, "unit": "no", "exact": True},
        ),
        Think(
            id="2",
            prompt=Template(parts=("Is ", Reference(node="1", field="product"), " a square?")),
            max_tokens=99,
        ),
        Think(id="3", prompt=Template(parts=(Reference(node="1"),)), after="2"),
        Reduce(id="all", inputs=("1", "2", "3"), reducer="first"),
    ),
)


def read(folder: Path, content: str | bytes, name: str = "plan.yaml") -> Plan:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_plan(file)


@pytest.mark.parametrize("name", ["plan.yaml", "plan.yml", "PLAN.YAML"])
def test_a_plan_in_yaml_with_numbers_for_ids(tmp_path: Path, name: str) -> None:
    plan = read(tmp_path, YAML, name)
    assert plan == PLAN
    assert plan.to_json() == PLAN.to_json()


def test_ids_may_be_numbers_in_json_too(tmp_path: Path) -> None:
    data = yaml.safe_load(YAML.replace("no,", "'no',"))
    assert data["nodes"][0]["id"] == 1
    assert read(tmp_path, json.dumps(data), "plan.json") == PLAN


@given(plans)
def test_the_file_that_a_plan_writes_is_read_as_the_same_plan_in_either_format(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    # With escapes, since PyYAML loses some line breaks of Unicode when it writes them as they are.
    as_yaml = yaml.safe_dump(json.loads(plan.to_json()), sort_keys=False)
    for name, content in (("p.json", plan.to_json()), ("p.yaml", as_yaml)):
        again = read(folder, content, name)
        assert again.to_json() == plan.to_json()


def test_a_dollar_sign_in_a_text_is_a_dollar_sign(tmp_path: Path) -> None:
    plan = read(tmp_path, 'nodes: [{kind: think, id: 1, prompt: "It costs $1."}]')
    assert plan.nodes == (Think(id="1", prompt="It costs $1."),)


def test_what_an_anchor_names_may_be_used_again(tmp_path: Path) -> None:
    text = "nodes:\n- {kind: think, id: 1, prompt: &ask Why?}\n- {kind: think, id: 2, prompt: *ask}"
    assert [node.prompt for node in read(tmp_path, text).nodes if isinstance(node, Think)] == [
        "Why?",
        "Why?",
    ]


# What is no plan

NODE = "nodes:\n  - kind: think\n    id: 1\n"
CALL = "nodes:\n  - kind: call\n    id: 1\n    tool: f\n    arguments:\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("- 1", "the file: Input should be a valid dictionary or instance of Plan (line 1)"),
        ("nodes: 1", "nodes: Input should be a valid tuple (line 1)"),
        ("nodes: [5]", "nodes.0: Input should be a valid dictionary"),
        (NODE + "    speed: 3\n", "nodes.0.speed: Extra inputs are not permitted (node '1', line 4)"),
        (NODE + "    after: 1.5\n", "nodes.0.after: Input should be a valid string (node '1', line 4)"),
        (NODE + "    id: 2\n", "line 4: the key 'id' is given twice"),
        ("nodes:\n  - kind: think\n", "nodes.0.id: Field required (line 2)"),
        ("nodes:\n  - kind: dance\n    id: 1", "nodes.0: Input tag 'dance' found"),
        (CALL + "      a: {$ref: 1 2}\n", "nodes.0.arguments.a.$ref: String should match"),
        (CALL + "      a: [{$ref: 2, feild: x}]\n", "nodes.0.arguments.a.0.feild: Extra inputs"),
        (CALL + "      a: {$text: [x, 1]}\n", "nodes.0.arguments.a.$text.1"),
        (CALL + "      - 1\n", "nodes.0.arguments: Input should be a valid dictionary"),
        ("nodes: *none", "line 1: the alias *none stands for no value before it"),
        ("nodes: &all [*all]", "line 1: the alias *all stands for no value before it"),
        ("nodes: !!python/name:os.system x", "line 1: the tag 'tag:yaml.org,2002:python/name:os.system'"),
        ("nodes: []\n---\nnodes: []", "line 2: a second document begins"),
        ("a: 1\nb: [}", "line 2: did not find expected node content"),
        ("? [1]\n: 2", "line 1: a key is a text"),
        ("<<: {nodes: []}", "line 1: merge keys"),
        ("a: " + "9" * 400, "line 1: a number is too large"),
        ("a: 1.0e+999", "line 1: a number is too large"),
        ("- " * 500_000, "line 1: values nest deeper than 100 levels"),
        ("a: \0", "line 1: unacceptable character"),
    ],
)  # fmt: skip
def test_yaml_that_holds_no_plan_is_told_with_the_place(
    tmp_path: Path, content: str, message: str
) -> None:
    refused(tmp_path, content, message)


def refused(folder: Path, content: str, message: str, name: str = "plan.yaml") -> None:
    with pytest.raises(PlanFileError) as caught:
        read(folder, content, name)
    told = str(caught.value)
    assert told.startswith(f"{folder / name} is no plan: {message}")
    assert told.endswith("; docs/planners/index.md shows the format")
    assert "\n" not in told
    assert len(told) < 600


IN_CALL = '{"nodes": [{"kind": "call", "id": "1", "tool": "f", "arguments": {"a": %s}}]}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file: line 1: Expecting value"),
        ("[1, 2]", "the file: Input should be a valid dictionary"),
        ('{"nodes": 1, "nodes": 2}', "the file: the key 'nodes' is given twice"),
        (IN_CALL % "NaN", "the file: NaN is no number"),
        (IN_CALL % "-Infinity", "the file: -Infinity is no number"),
        (IN_CALL % "1e999", "the file: 1e999 is no number"),
        (IN_CALL % ("9" * 5000), "the file: Exceeds the limit"),
        (IN_CALL % ("[" * 500 + "]" * 500), "nodes.0.arguments.a: values nest deeper than 100 levels"),
        ("[" * 100_000, "the file: values nest too deep"),
        (IN_CALL % '{"$ref": true}', "nodes.0.arguments.a.$ref: Input should be a valid string (node '1')"),
    ],
)  # fmt: skip
def test_json_that_holds_no_plan_is_told_with_the_place(
    tmp_path: Path, content: str, message: str
) -> None:
    refused(tmp_path, content, message, "plan.json")


@pytest.mark.parametrize("name", ["plan.json", "plan.yaml"])
def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(10 * 2**20)
    with pytest.raises(PlanFileError, match="10,485,760 bytes, and 8,388,608 at most"):
        read_plan(tmp_path / name)


def test_aliases_that_unfold_to_a_thousand_million_values_are_refused() -> None:
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(NotYaml, match="more than 1,000,000 values") as caught:
        read_yaml("\n".join(["a0: &a0 [x]", *levels]))
    assert caught.value.line == 7


# YAML as data

# It takes two of JSON's characters for line breaks, which lose the spaces around them, and has no room for two others.
characters = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffe\uffff"
)
json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    # Python writes 1e+16 without a full stop, which is a text in YAML.
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: "." in repr(x))
    | st.text(characters, max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_data)
def test_json_on_one_line_is_yaml(data: Any) -> None:
    read_back = read_yaml(json.dumps(data, ensure_ascii=False)).data
    assert json.dumps(read_back) == json.dumps(data)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-0.5", -0.5),
        ("1.5e+3", 1500.0),
        ("1e3", "1e3"),
        ("true", True),
        ("Null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("007", "007"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        (".nan", ".nan"),
        ("+1", "+1"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  a\n  b", "a\nb"),
    ],
)
def test_what_stands_without_quotes_is_what_json_would_read_or_a_text(
    written: str, value: Any
) -> None:
    found = read_yaml(f"key: {written}").data["key"]
    assert (type(found), found) == (type(value), value)


def test_the_line_of_every_value_is_known() -> None:
    document = read_yaml("a:\n  - b\n  - c:\n      d\n")
    assert document.lines == {(): 1, ("a",): 2, ("a", 0): 2, ("a", 1): 3, ("a", 1, "c"): 4}
