from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.forking.balance import Balance, Mended, written
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect, closing, opening
from tests.reasoning.forking_engines import assert_balanced

DIALECTS = pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER], ids=["mv", "tw"])
OUTLINES = "<Parallel><Goal><Outline>1: a</Outline><Outline>2: b</Outline></Goal>"


def soups(dialect: Dialect) -> st.SearchStrategy[list[str]]:
    tags = [tag(element) for element in dialect.elements for tag in (opening, closing)]
    fragments = st.sampled_from([*tags, "1:", "2.1: b", "<", "</", ">", "Pa", "th>", " "])
    return st.lists(fragments, max_size=25)


def mended(text: str, *, in_thread: bool = False) -> tuple[str, Mended]:
    result = Balance(MULTIVERSE, in_thread=in_thread).mend(text)
    return written(text, result.pieces), result


@DIALECTS
@given(data=st.data())
def test_any_text_of_any_calls_is_balanced_once_what_is_open_is_closed(
    dialect: Dialect, data: st.DataObject
) -> None:
    balance = Balance(dialect)
    text = ""
    for call in data.draw(st.lists(soups(dialect), max_size=4)):
        # A call that is gone on from has not ended within a tag.
        said = "".join(call) + "\n"
        text += written(said, balance.mend(said).pieces)
    assert_balanced(text + "".join(balance.close_all()), dialect)


@DIALECTS
@given(data=st.data())
def test_any_thread_is_balanced_within_its_element(dialect: Dialect, data: st.DataObject) -> None:
    balance = Balance(dialect, in_thread=True)
    said = "".join(data.draw(soups(dialect)))
    result = balance.mend(said)
    text = written(said, result.pieces)
    if not result.closed:
        text += "".join(balance.close_all()) + dialect.repair
    block = f"{opening(dialect.parallel)}{opening(dialect.thread)}{text}{closing(dialect.parallel)}"
    assert_balanced(block, dialect)
    assert text.count(closing(dialect.thread)) == text.count(opening(dialect.thread)) + 1


@DIALECTS
@given(data=st.data())
def test_what_is_balanced_already_stays_as_it_is(dialect: Dialect, data: st.DataObject) -> None:
    balance = Balance(dialect)
    said = "".join(data.draw(soups(dialect)))
    once = written(said, balance.mend(said).pieces) + "".join(balance.close_all())
    again = balance.mend(once)
    assert written(once, again.pieces) == once
    assert again.stray == 0


@pytest.mark.parametrize(
    ("text", "becomes", "stray"),
    [
        ("a </Path> b", "a   b", 1),
        ("<Path>a", " a", 1),
        ("<Pa</Goal>th>", "<Pa th>", 1),
        ("<Parallel><Goal><Outline>1: a</Goal>", "<Parallel><Goal><Outline>1: a</Outline></Goal>", 0),
        ("<Parallel><Goal></Parallel></Goal>", "<Parallel><Goal></Goal></Parallel> ", 1),
        ("<Parallel><Path>a<Path>b</Path>", "<Parallel><Path>a b</Path>", 1),
    ],
    ids=["stray-close", "stray-open", "tag-in-tag", "unclosed", "overlapping", "repeated"],
)  # fmt: skip
def test_tags_out_of_place_are_taken_out_and_what_ends_early_is_closed(
    text: str, becomes: str, stray: int
) -> None:
    told, result = mended(text)
    assert (told, result.stray) == (becomes, stray)


def test_labels_are_those_of_the_last_outlines_each_once_in_their_order() -> None:
    goals = "".join(f"<Outline>{label}: x</Outline>" for label in ("2", "1.1", "2", "1", "1.1"))
    _, result = mended(f"{OUTLINES}</Parallel><Parallel><Goal>{goals}</Goal>")
    assert result.labels == ("2", "1.1", "1")


@pytest.mark.parametrize(
    "text",
    [
        "<Parallel><Goal></Goal>",
        "<Parallel><Goal><Outline></Outline></Goal>",
        "<Parallel><Goal>1: not an outline",
        "<Goal><Outline>1: a</Outline></Goal>",
        f"{OUTLINES} and on",
        f"{OUTLINES}</Goal>",
    ],
)
def test_there_are_no_labels_without_outlines_at_the_end(text: str) -> None:
    assert mended(text)[1].labels == ()


@pytest.mark.parametrize("end", ["<Path>", "</Parallel>", "<Conclusion>"])
def test_what_comes_after_threads_ends_a_thread(end: str) -> None:
    told, result = mended(f": a {end} more", in_thread=True)
    assert told == ": a \n</Path>"
    assert result.closed
    assert result.repaired


def test_the_end_of_an_inner_thread_is_not_the_end_of_the_outer() -> None:
    inner = f"{OUTLINES}<Path>1: x</Path><Path>2: y</Path><Conclusion>z</Conclusion></Parallel>"
    told, result = mended(f": {inner} so</Path> never", in_thread=True)
    assert told == f": {inner} so</Path>"
    assert result.closed
    assert not result.repaired


def test_the_end_of_a_thread_closes_what_it_left_open() -> None:
    told, result = mended(f": {OUTLINES}</Path>", in_thread=True)
    assert told == f": {OUTLINES}</Parallel></Path>"
    assert not result.repaired


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a", 0),
        ("<Parallel>", 1),
        (OUTLINES, 1),
        (f"{OUTLINES}<Goal></Goal>", 2),
        (f"{OUTLINES}</Parallel><Parallel><Goal>", 2),
        (f"{OUTLINES}<Path>1: {OUTLINES}</Path><Goal></Goal>", 3),
    ],
)
def test_blocks_are_counted_where_they_begin(text: str, blocks: int) -> None:
    balance = Balance(MULTIVERSE)
    balance.mend(text)
    assert balance.blocks == blocks
