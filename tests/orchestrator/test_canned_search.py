from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import UsageError
from orchestrator.toolkit import canned_search
from orchestrator.toolkit.search import SearchIndex
from tests.backends import run_virtually

DOCUMENTS = {
    "Mariana Trench": "The Mariana Trench is the deepest oceanic trench on Earth, about 10,984 metres deep.",
    "Puerto Rico Trench": "The Puerto Rico Trench is 8,376 metres deep. It is the deepest of the Atlantic.",
    "Cheetah": "The cheetah is the fastest animal on land and runs at 104 km/h.",
    "Trench": "A long and narrow ditch.",
    "Ed Wood": "An American director.",
}
INDEX = SearchIndex(DOCUMENTS)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("Cheetah", "Cheetah"),
        ("  puerto-rico TRENCH ", "Puerto Rico Trench"),
        ("trench", "Trench"),
        ("which trench is the deepest of the atlantic", "Puerto Rico Trench"),
        ("fastest animal", "Cheetah"),
        ("How deep is the Mariana?", "Mariana Trench"),
        ("American", "Ed Wood"),
        ("zebra quagga", None),
        ("", None),
        ("?!", None),
    ],
)
def test_a_title_is_found_and_else_what_has_the_most_words_in_common(
    query: str, title: str | None
) -> None:
    assert INDEX.find(query) == title


def test_rare_words_count_more_than_frequent_ones() -> None:
    index = SearchIndex({"a": "the the the sea", "b": "the fox", "c": "the sea"})
    assert index.find("the fox") == "b"


def test_of_equals_the_first_is_taken() -> None:
    assert SearchIndex({"b": "same words", "a": "same words"}).find("words") == "b"


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6))
def test_every_title_with_a_word_finds_a_document_called_so(documents: dict[str, str]) -> None:
    index = SearchIndex(documents)
    for title in documents:
        found = index.find(title)
        assert found is None or found in documents
        if any(character.isalnum() for character in title):
            assert found is not None


@pytest.mark.parametrize("query", ["Cheetah", "zebra"])
def test_the_tool_gives_the_article_or_says_that_there_is_none(query: str) -> None:
    found = anyio.run(canned_search(DOCUMENTS).call, {"query": query})
    expected = {"Cheetah": f"Cheetah: {DOCUMENTS['Cheetah']}", "zebra": "nothing found for 'zebra'"}
    assert found == expected[query]


def test_it_is_a_pure_tool_that_takes_the_time_it_is_told_to() -> None:
    search = canned_search(DOCUMENTS, latency=100)
    assert search.specification.pure
    assert search.specification.signature == "search(query: string)"

    async def call() -> float:
        await search.call({"query": "Cheetah"})
        return anyio.current_time()

    assert run_virtually(call) == 100


def test_documents_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    lines = [json.dumps({"title": title, "text": text}) for title, text in DOCUMENTS.items()]
    path.write_text("\n".join([*lines, "", ""]), encoding="utf-8")
    for place in (path, str(path)):
        found = anyio.run(canned_search(place).call, {"query": "fastest on land"})
        assert found.startswith("Cheetah: ")


@pytest.mark.parametrize("line", ["{", "[]", '{"title": "a"}', '{"title": 1, "text": "b"}', "null"])
def test_a_line_that_is_no_document_is_located(tmp_path: Path, line: str) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(f'{{"title": "a", "text": "b"}}\n{line}\n')
    with pytest.raises(UsageError, match=r'documents\.jsonl, line 2: expected \{"title": "\.\.\."'):
        canned_search(path)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: .*No such file"):
        canned_search(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        canned_search(tmp_path / "bytes.jsonl")
