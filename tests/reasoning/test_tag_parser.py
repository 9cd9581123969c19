from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect
from reasoning.forking.tag_parser import Event, TagParser

BLOCK = (
    "Well.\n<Parallel>\n<Goal>\n<Outline>1: a < b</Outline> <Outline>1.2: c</Outline>\n</Goal>"
    "\n<Path>\n1: so</Path>\n<Path>\n1.2: no</Path>\n<Conclusion>\nd</Conclusion>\n</Parallel> end"
)
FRAGMENTS = [
    *(tag for name in MULTIVERSE.elements for tag in (f"<{name}>", f"</{name}>")),
    *("1:", " 2.1 :", "<", "</", ">", "a", "\n", "<Pa", "rallel>", "<Outline >", "<outline>", "٣:"),
]
soups = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=20).map("".join)


def parse(pieces: list[str], dialect: Dialect = MULTIVERSE) -> list[Event]:
    parser = TagParser(dialect)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


def test_a_block_is_read_into_tags_labels_and_texts() -> None:
    told = [(event.kind, event.name or event.text) for event in parse([BLOCK])]
    assert told[:6] == [
        ("text", "Well.\n"),
        ("open", "Parallel"),
        ("text", "\n"),
        ("open", "Goal"),
        ("text", "\n"),
        ("open", "Outline"),
    ]
    labels = [event.name for event in parse([BLOCK]) if event.kind == "label"]
    assert labels == ["1", "1.2", "1", "1.2"]
    assert told[-1] == ("text", " end")


def test_every_way_to_cut_a_block_gives_the_same_events() -> None:
    whole = parse([BLOCK])
    assert parse(list(BLOCK)) == whole
    for cut in range(len(BLOCK)):
        assert parse([BLOCK[:cut], BLOCK[cut:]]) == whole


@given(soups, st.lists(st.integers(0, 200), max_size=12))
def test_every_way_to_cut_any_text_gives_the_same_events(soup: str, cuts: list[int]) -> None:
    places = sorted({0, len(soup), *(cut for cut in cuts if cut < len(soup))})
    pieces = [soup[start:end] for start, end in pairwise(places)]
    assert parse(pieces) == parse([soup]) == parse(list(soup))


@given(soups)
def test_the_pieces_of_the_events_are_the_text(soup: str) -> None:
    events = parse(list(soup))
    assert "".join(event.text for event in events) == soup
    assert all(soup[event.start : event.end] == event.text for event in events)


def test_tags_are_given_out_as_soon_as_they_are_complete() -> None:
    parser = TagParser(THREADWEAVER)
    assert parser.feed("a</Outline") == []
    assert [event.text for event in parser.feed("s>")] == ["a", "</Outlines>"]


def test_tags_of_another_dialect_are_text() -> None:
    (event,) = parse(["<Path>1: a</Path>"], THREADWEAVER)
    assert event.kind == "text"


@pytest.mark.parametrize(
    "text", ["<Outline>no label", "<Outline>1", "<Goal>1: a", "<Outline>x 1: a"]
)
def test_what_begins_no_outline_with_a_number_and_a_colon_has_no_label(text: str) -> None:
    assert not [event for event in parse([text]) if event.kind == "label"]


def test_a_long_text_is_read_in_time_that_grows_with_it() -> None:
    events = parse(["<"] * 100_000 + ["</Path>"] * 1_000)
    assert len(events) == 1_001
