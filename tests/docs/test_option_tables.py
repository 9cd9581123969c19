from __future__ import annotations

import dataclasses
import re

import pytest

from docs.hooks import CATALOGUES, named, on_page_markdown, options_of, options_table
from engines import configured
from planners import PLANNERS
from tests.docs.snippets import DOCUMENTS

KINDS = [(kind, name) for kind, catalogue in CATALOGUES.items() for name in catalogue]
EVERY = [*KINDS, *(("planner", name) for name in PLANNERS)]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_field_has_a_row_and_a_meaning(kind: str, name: str) -> None:
    thing = named(kind, name)
    options = options_of(kind, name)
    assert [option.name.removesuffix(".*") for option in options] == [
        field.name for field in dataclasses.fields(thing)
    ]
    assert [option.name for option in options if not option.meaning] == []


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_default_can_be_given_as_it_is_written(kind: str, name: str) -> None:
    thing = named(kind, name)
    for option in options_of(kind, name):
        plain = option.by_text and "`" in option.default and not option.name.endswith("*")
        held = getattr(thing, option.name) if plain else None
        if held is None or dataclasses.is_dataclass(held):
            continue
        text = option.default.strip("`")
        given = getattr(configured(thing, {option.name: text}), option.name)
        assert given == (pytest.approx(held, rel=0.01) if isinstance(held, float) else held)


def test_what_only_python_can_set_is_marked() -> None:
    table = options_table("method", "self-consistency")
    assert "| `equality` (Python) |" in table
    assert "| `method.samples` | `8` | The number of forks" in table
    assert "| `method.method` | `chain-of-thought` |" in table


def test_bars_in_a_meaning_end_no_cell() -> None:
    for kind, name in EVERY:
        for row in options_table(kind, name).splitlines():
            if row.startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_a_page_is_filled_in() -> None:
    text = on_page_markdown("before\n\n<!-- options rule ets method.rule -->\n\nafter\n")
    assert text.startswith("before\n\n| option | default |")
    assert "| `method.rule.lambda_b` | `1` |" in text
    assert text.endswith("\n\nafter\n")


def test_every_comment_on_a_page_asks_for_what_is_there() -> None:
    asked = 0
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        asked += text.count("\n<!-- options ")
        if document.parts[-2] != "docs" or document.name != "architecture.md":
            assert "<!-- options" not in on_page_markdown(text)
    assert asked > 30
