from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.batch.input_file import Shard, read_input
from orchestrator.batch.row import Finished, Row
from orchestrator.batch.row_reader import read_rows
from orchestrator.batch.seen_ids import SeenIds
from tests.orchestrator.batch.lines import chat, plain

BROKEN = [
    b"",
    b"  ",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"{}",
    b"\xff{}",
    b'{"id": "x"}',
    b'{"id": null, "prompt": "a"}',
    b'{"id": true, "prompt": "a"}',
    b'{"id": "", "prompt": "a"}',
    b'{"id": "\\ud800", "prompt": "a"}',
    b'{"id": "x", "prompt": "a", "n": 4}',
    b'{"custom_id": 5, "url": "/v1/completions", "body": {"prompt": "a"}}',
    b'{"custom_id": "x", "url": "/v1/embeddings", "body": {"input": "a"}}',
    b'{"custom_id": "x", "url": ["/v1/completions"], "body": {"prompt": "a"}}',
    b'{"custom_id": "x", "url": "/v1/completions", "body": "a"}',
    b'{"custom_id": "x", "method": "GET", "url": "/v1/completions", "body": {"prompt": "a"}}',
    b'{"custom_id": "x", "priority": 1, "url": "/v1/completions", "body": {"prompt": "a"}}',
    b'{"id": ' + b"9" * 5000 + b', "prompt": "a"}',
    b"[" * 100_000,
]


def ends(
    lines: Iterable[bytes], part: range, total: int, done: Iterable[int] = ()
) -> list[Row | Finished]:
    """What becomes of each line of a part, in the order in which it is told."""
    found: list[Row | Finished] = []
    for row in read_rows(lines, part, SeenIds(total), set(done).__contains__, found.append):
        found.append(row)
    return found


def of_file(content: bytes) -> list[Row | Finished]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "in.jsonl")
        path.write_bytes(content)
        source = read_input(path)
        return ends(source, Shard().lines(source.lines), source.lines)


def good(number: int) -> bytes:
    return (chat if number % 2 else plain)(str(number), f"Question {number}?").encode()


@example(lines=[b"\xef\xbb\xbf", b""], newline=b"\n", marked=False, ended=True)
@given(
    lines=st.lists(st.sampled_from(BROKEN) | st.integers(0, 5).map(good) | st.binary(max_size=9)),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    marked=st.booleans(),
    ended=st.booleans(),
)
def test_every_line_has_one_end_in_the_order_of_the_lines(
    lines: list[bytes], newline: bytes, marked: bool, ended: bool
) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    content = b"\xef\xbb\xbf" * marked + newline.join(lines) + newline * (ended and bool(lines))
    if lines and not marked:
        lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    # Blank lines at the end are none.
    while lines and not lines[-1].strip():
        lines.pop()
    count = len(lines)
    found = of_file(content)
    assert [one.line for one in found] == list(range(1, count + 1))
    assert all(json.loads(one.text)["error"] for one in found if isinstance(one, Finished))
    # The first line with an id has a row, whatever else is wrong.
    ids = [one.id for one in found if isinstance(one, Row)]
    assert len(set(ids)) == len(ids)
    assert {f"{n}" for n in range(6) if good(n) in lines} == set(ids) - {"x"}


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_asks_nothing_says_where_and_why(line: bytes) -> None:
    first, broken, last = of_file(b"\n".join([good(1), line, good(2)]))
    assert isinstance(first, Row)
    assert isinstance(last, Row)
    assert isinstance(broken, Finished)
    told = json.loads(broken.text)
    assert (broken.end, told["line"], told["error"]["code"]) == ("failed", 2, "invalid_request")
    assert len(told["error"]["message"]) < 300


def test_a_plain_row_may_have_a_field_that_is_called_body() -> None:
    (row,) = of_file(plain("a", body="Dear all,").encode())
    assert isinstance(row, Row)
    assert (row.kind, row.id) == ("plain", "a")


def test_the_later_of_two_lines_with_one_id_is_refused() -> None:
    lines = [plain("a"), chat("b"), plain(7), chat("a"), plain("7")]
    found = of_file("\n".join(lines).encode())
    assert [isinstance(one, Row) for one in found] == [True, True, True, False, False]
    assert isinstance(found[3], Finished)
    assert isinstance(found[4], Finished)
    assert json.loads(found[3].text)["custom_id"] == "a"
    assert json.loads(found[3].text)["error"]["message"] == 'its id "a" is that of line 1 too'
    assert "line 3" in json.loads(found[4].text)["error"]["message"]


def test_what_is_done_is_passed_over_and_its_id_counts() -> None:
    lines = [plain("a").encode(), b"{", plain("a").encode(), plain("b").encode()]
    assert [one.line for one in ends(lines, range(1, 5), 4, done=[1, 2])] == [3, 4]
    (third, _) = ends(lines, range(1, 5), 4, done=[1, 2])
    assert isinstance(third, Finished)


@given(st.lists(st.integers(0, 9).map(good), max_size=12), st.integers(1, 5))
def test_shards_are_the_whole_one_after_another(lines: list[bytes], parts: int) -> None:
    total = len(lines)
    whole = ends(lines, range(1, total + 1), total)
    shards = [Shard(parts, number).lines(total) for number in range(1, parts + 1)]
    assert [one for part in shards for one in ends(lines, part, total)] == whole


@given(st.lists(st.text(max_size=2)))
def test_ids_are_seen_at_their_first_line(names: list[str]) -> None:
    seen = SeenIds(len(names))
    found = [seen.first_line(name, line) for line, name in enumerate(names, start=1)]
    assert found == [names.index(name) + 1 for name in names]
