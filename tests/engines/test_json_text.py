from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.json_text import read_json

ANY: dict[str, Any] = {}
OBJECT = {"type": "object"}
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "tags": {"type": "array", "items": {"enum": ["a"]}}},
    "required": ["x"],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"x": 1}', {"x": 1}),
        ('Sure! ```json\n{"x": 1}\n``` I hope', {"x": 1}),
        ('<think>{"x": 0} or so</think>{"x": 1}', {"x": 1}),
        ('of {1, 2} and [0, 1) take {"x": 1}', {"x": 1}),
        ('{"y": 2} is wrong, {"x": 1} is right, {"x": 3} late', {"x": 1}),
        ('[see {"x": 1}]', {"x": 1}),
        ('[1 [2 [3 [4 {"x": 1}', {"x": 1}),
        ('{"x": 1, "note": "two\nlines"}', {"x": 1, "note": "two\nlines"}),
        ('{"x": 1}' + "]" * 9, {"x": 1}),
    ],
)
def test_the_first_value_that_fits_is_found(text: str, value: Any) -> None:
    assert read_json(text, POINT) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no JSON in it"),
        ("I do not know.", "there is no JSON in it"),
        ('{"y": 2}', r"^at \$: 'x' is a required property$"),
        ('{"x": 1, "tags": ["a", "b"]}', r"^at \$\.tags\[1\]: 'b' is not one of \['a'\]$"),
        ('{"x": 1, "tags": ["a"', "the JSON breaks at character 21: Expecting ',' delimiter"),
        ('{"x": NaN}', "the JSON cannot be kept: Out of range float"),
        ('{"x": 1, "note": "\\ud800"}', "the JSON cannot be kept: 'utf-8' codec"),
        ('{"x": ' + "9" * 5000 + "}", "the JSON cannot be read: Exceeds the limit"),
        ('<think>{"x": 1}, or', "it is a thought without an end"),
        ("7", r"at \$: 7 is not of type 'object'"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_json(text, POINT)


def test_a_part_of_what_is_broken_is_not_taken_for_the_whole() -> None:
    with pytest.raises(ValueError, match="breaks at character"):
        read_json('{"steps": [{"x": 1}, {"x": 2}', OBJECT)


def test_endless_brackets_end() -> None:
    for text in ("[" * 200_000, '{"a":' * 100_000, '["' * 100_000):
        with pytest.raises(ValueError, match="the JSON"):
            read_json(text, OBJECT)


def test_a_message_is_short_however_long_the_value() -> None:
    with pytest.raises(ValueError, match="at") as caught:
        read_json(json.dumps({"x": "y" * 10_000}), POINT)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [42, -1.5, "text", True, None])
def test_a_text_that_is_one_scalar_is_one(value: Any) -> None:
    assert read_json(f" {json.dumps(value)}\n", ANY) == value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab{}[]\"\\,:' \né", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("a{b", max_size=3), VALUES), st.text("so: .`\n"), st.text())
def test_any_value_is_found_behind_prose_and_before_anything(
    value: dict[str, Any], before: str, after: str
) -> None:
    assert read_json(before + json.dumps(value) + after.replace("</think>", ""), OBJECT) == value


@given(st.text('{}[]"\\ab:,1 \n'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = read_json(text, OBJECT)
    except ValueError:
        return
    assert isinstance(value, dict)
