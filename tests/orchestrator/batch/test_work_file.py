from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.batch.row import End, Finished
from orchestrator.batch.work_file import WorkFile
from orchestrator.errors import BatchFileError, BatchUnusable

LINES = range(3, 9)
HEAD: dict[str, Any] = {"input": {"sha256": "1"}, "settings": {"seed": 1, "set": []}}
ENDS: list[End] = ["answered", "failed", "unavailable"]


def finished(line: int, end: End = "answered", text: str = "", engine: str = "fake") -> Finished:
    return Finished(line=line, end=end, text=text or f"line {line}", engine=engine)


def texts(work: WorkFile) -> list[str]:
    return [record.text.decode().removesuffix("\n") for record in work.in_order()]


def test_records_come_back_in_the_order_of_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD) as work:
        for line in (5, 3, 8):
            work.add(finished(line, text=f"ä {line}"))
        assert texts(work) == ["ä 3", "ä 5", "ä 8"]
    with WorkFile(path, LINES, HEAD) as work:
        work.add(finished(4, "failed"))
        assert texts(work) == ["ä 3", "line 4", "ä 5", "ä 8"]
        assert [line for line in LINES if work.is_done(line)] == [3, 4, 5, 8]
        assert work.counts == {"answered": 3, "failed": 1}


def test_what_was_unavailable_is_done_again_and_kept_until_then(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD) as work:
        work.add(finished(3, "unavailable", "busy"))
    with WorkFile(path, LINES, HEAD) as work:
        assert not work.is_done(3)
        assert texts(work) == ["busy"]
        work.add(finished(3))
        assert work.is_done(3)
        assert texts(work) == ["line 3"]
        assert (work.done, work.counts["unavailable"]) == (1, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)),
        max_size=8,
        unique_by=lambda x: x[0],
    ),
    st.integers(0, 400),
)
def test_wherever_it_is_torn_whole_records_count_and_it_goes_on(
    records: list[tuple[int, End]], left: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "work")
        with WorkFile(path, LINES, HEAD) as work:
            for line, end in records:
                work.add(finished(line, end))
        content = path.read_bytes()[:left]
        path.write_bytes(content)
        # The head and the engine's name come before.
        whole = max(0, content.count(b"\n") - 2)
        with WorkFile(path, LINES, HEAD) as work:
            assert sorted(texts(work)) == sorted(f"line {line}" for line, _ in records[:whole])
            for line in LINES:
                if not work.is_done(line):
                    work.add(finished(line))
        with WorkFile(path, LINES, HEAD) as work:
            assert texts(work) == [f"line {line}" for line in LINES]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({**HEAD, "input": {"sha256": "2"}}, "another input"),
        ({**HEAD, "settings": {"seed": None, "set": []}}, "--seed 1, and this is left out"),
        ({**HEAD, "settings": {"seed": 1, "set": ["method.a=1"]}}, "--set left out, .* method.a=1"),
    ],
)
def test_another_batch_does_not_go_on_with_it(
    tmp_path: Path, head: dict[str, Any], said: str
) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD) as work:
        work.add(finished(3))
    before = path.read_bytes()
    with pytest.raises(BatchUnusable, match=said):
        WorkFile(path, LINES, head)
    assert path.read_bytes() == before
    with WorkFile(path, LINES, head, again=True) as work:
        assert texts(work) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mine\n", "no file of a batch"),
        (b"[]\n", "no file of a batch"),
        (b'{"schema_version": 2}\n', "schema 2"),
    ],
)
def test_what_is_no_work_file_is_left_alone(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "work"
    path.write_bytes(content)
    with pytest.raises(BatchUnusable, match=said):
        WorkFile(path, LINES, HEAD)
    assert path.read_bytes() == content


def test_two_processes_do_not_work_on_it(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD), pytest.raises(BatchUnusable, match="another process"):
        WorkFile(path, LINES, HEAD)
    with WorkFile(path, LINES, HEAD):
        pass


def test_another_engine_does_not_go_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD) as work:
        work.add(finished(3, "failed", engine=""))
        work.add(finished(4, engine="small"))
    with WorkFile(path, LINES, HEAD) as work:
        work.add(finished(5, "failed", engine=""))
        with pytest.raises(BatchUnusable, match="'small', and this one is 'large'"):
            work.add(finished(6, engine="large"))
        assert texts(work) == ["line 3", "line 4", "line 5"]


def test_a_record_that_a_disk_spoiled_is_none(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFile(path, LINES, HEAD) as work:
        for line in LINES:
            work.add(finished(line))
    content = path.read_bytes().replace(b"A 4 ", b"\0\0\0\0").replace(b"A 6 ", b"A 99")
    path.write_bytes(content)
    with WorkFile(path, LINES, HEAD) as work:
        assert [line for line in LINES if not work.is_done(line)] == [4, 6]


def test_where_nothing_can_be_written_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(BatchFileError, match="cannot be written: No such file"):
        WorkFile(tmp_path / "none" / "work", LINES, HEAD)


def test_a_folder_that_takes_no_files_is_told_and_nothing_is_said_to_be_in_it() -> None:
    with pytest.raises(BatchFileError) as caught:
        WorkFile(Path("/proc/out.jsonl.part"), LINES, HEAD)
    assert str(caught.value).startswith("/proc/out.jsonl.part cannot be written: ")
    assert str(caught.value).endswith(": choose another -o")
