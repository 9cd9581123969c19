from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engines.remote.json_codec import decoded_object, encoded, is_json


def paired(text: str) -> str:
    """The text where two halves that stand together are the character that JSON makes of them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# Text with halves of surrogate pairs too, as a decoder of bytes that are no UTF-8 makes it.
TEXT = st.text(st.characters(exclude_categories=())).map(paired)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, PLAIN, max_size=4))
@example({"a": paired("\ud800\udc00"), "\udc00\ud800": ""})
def test_what_is_encoded_is_decoded(value: dict[str, Any]) -> None:
    assert json.loads(encoded(value)) == value
    assert decoded_object(encoded(value)) == value
    assert decoded_object(json.dumps(value).encode()) == value


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"1", b"\xff", b'{"a": 1}x', b'{"a": "\xff"}'])
def test_what_is_no_object(data: bytes) -> None:
    assert decoded_object(data) is None


def test_json_of_any_kind() -> None:
    assert is_json(b"[1]")
    assert not is_json(b"[1")


def test_what_only_python_takes_for_json() -> None:
    assert decoded_object(b'{"a": Infinity}') == {"a": float("inf")}
