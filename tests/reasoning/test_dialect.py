from __future__ import annotations

import re
from dataclasses import replace

import pytest

from engines import UsageError
from reasoning.forking.dialect import LABEL, MULTIVERSE, THREADWEAVER, Dialect


def test_headers_of_threadweaver_are_exact_to_the_byte() -> None:
    assert THREADWEAVER.thread_header("1") == "\n<Thread>\n1:"
    assert THREADWEAVER.thread_header("2", later=True) == "<Thread>\n2:"
    assert THREADWEAVER.repair == "\n</Thread>"
    assert THREADWEAVER.tail == "\n"
    assert THREADWEAVER.fork_tag == "</Outlines>"


def test_headers_of_multiverse_are_exact_to_the_byte() -> None:
    assert MULTIVERSE.thread_header("1.2") == "\n<Path>\n1.2"
    assert MULTIVERSE.thread_header("1.2", later=True) == "\n<Path>\n1.2"
    assert MULTIVERSE.tail == "\n<Conclusion>\n"
    assert (MULTIVERSE.fork_tag, MULTIVERSE.thread_end) == ("</Goal>", "</Path>")


@pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER])
def test_a_repair_closes_the_thread_and_a_header_opens_it(dialect: Dialect) -> None:
    assert dialect.repair.endswith(dialect.thread_end)
    assert f"<{dialect.thread}>" in dialect.header
    assert f"<{dialect.thread}>" in dialect.later_header


@pytest.mark.parametrize(("label", "fits"), [("1", True), ("1.2.10", True), ("1.", False), ("٣", False)])  # fmt: skip
def test_labels_are_numbers_with_dots(label: str, fits: bool) -> None:
    assert bool(re.fullmatch(LABEL, label)) is fits


def test_elements_of_the_same_name_are_a_wrong_usage() -> None:
    with pytest.raises(UsageError, match="two of the elements Parallel, Path, Outline, Path"):
        replace(MULTIVERSE, goals="Path")


@pytest.mark.parametrize("name", ["<Path>", "", "a b"])
def test_what_is_no_name_of_a_tag_is_a_wrong_usage(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a tag"):
        replace(MULTIVERSE, outline=name)


@pytest.mark.parametrize("text", ["header", "later_header", "repair"])
def test_texts_without_their_tag_are_a_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=f"{text} of a dialect"):
        replace(THREADWEAVER, **{text: "\n"})
