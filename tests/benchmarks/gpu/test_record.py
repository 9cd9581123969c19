"""What has been measured so far: kept at once, replaced when it is measured again, refused if it is something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.gpu.figure import Figure
from benchmarks.gpu.record import FILE, Record
from engines import UsageError
from orchestrator import RunFolderError


def figure(value: float) -> Figure:
    return Figure(what=f"measured {value}", beside="another", value=value)


def test_a_part_that_is_measured_again_takes_its_place(tmp_path: Path) -> None:
    record = Record(tmp_path / "new" / "folder")
    record.put("small", "H100, load 1 2 3", "forks", 1.26, [figure(2), figure(3)])
    record.put("small", "H100, load 4 5 6", "width", 1, [figure(4)])
    again = Record(tmp_path / "new" / "folder")
    again.put("small", "H200, load 7 8 9", "width", 1, [figure(5)])
    again.put("large", "H200, load 7 8 9", "width", 1, [figure(6)])
    small, large = Record(tmp_path / "new" / "folder").tables()
    assert [f"measured {value}" in small for value in (2, 3, 4, 5, 6)] == [True, True, False, True, False]  # fmt: skip
    assert small.startswith("small (H100; H200)\n\n| part")
    assert large.startswith("large (H200)\n\n| part")
    kept = json.loads((tmp_path / "new" / "folder" / FILE).read_text())["models"]["small"]["parts"]
    assert kept["forks"]["seconds"] == 1.3
    assert kept["forks"]["machine"] == "H100, load 1 2 3"


@pytest.mark.parametrize(
    "content",
    [
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"models": []}',
        b'{"models": {"small": {}}}',
        b'{"models": {"small": {"parts": {"forks": {"machine": "H100", "figures": [{"new": 1}]}}}}}',
    ],
)
def test_a_file_that_is_no_record_is_refused_in_a_line_and_left(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(
        UsageError, match=r"gpu\.json holds no figures: choose another --out"
    ) as told:
        Record(tmp_path)
    assert "\n" not in str(told.value)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFolderError):
        Record(tmp_path / "file")


def test_a_figure_that_is_no_json_costs_nothing_else(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.put("small", "H100", "forks", 1, [figure(2)])
    wrong = Figure(what="a", beside="b", value=1, data={"folder": tmp_path})
    with pytest.raises(TypeError):
        record.put("small", "H100", "width", 1, [wrong])
    record.put("small", "H100", "scale", 1, [figure(3)])
    (table,) = Record(tmp_path).tables()
    assert "measured 2" in table
    assert "measured 3" in table
    assert "width" not in table
