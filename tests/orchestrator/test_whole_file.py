from __future__ import annotations

from pathlib import Path

import pytest

from engines import UsageError
from orchestrator import RunFolderError
from orchestrator.whole_file import MadeFile, write_whole_file

PAGE = MadeFile(kind="page", mark="made by us", option="--export")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    text = "<p>made by us \ud800</p>\r\n"
    PAGE.write(tmp_path / "a.html", text)
    assert (tmp_path / "a.html").read_bytes() == b"<p>made by us ?</p>\r\n"
    with pytest.raises(TypeError):
        write_whole_file(tmp_path / "a.html", None)  # type: ignore[arg-type]
    assert (tmp_path / "a.html").read_bytes().startswith(b"<p>")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_only_its_like_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty.html").touch()
    (tmp_path / "mine.html").write_text("mine")
    for name in ("empty.html", "new.html", "new.html"):
        PAGE.write(tmp_path / name, "made by us")
    for attempt in (PAGE.check, lambda path: PAGE.write(path, "made by us")):
        with pytest.raises(UsageError, match=r"mine\.html is no page, and is left as it is"):
            attempt(tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_a_place_that_takes_no_file_is_told_early(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no folder .*none: make it, or choose another with"):
        PAGE.check(tmp_path / "none" / "a.html")
    with pytest.raises(RunFolderError, match=r"cannot be written: Is a directory; .* --export"):
        PAGE.check(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="Not a directory"):
        PAGE.check(tmp_path / "file" / "a.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
