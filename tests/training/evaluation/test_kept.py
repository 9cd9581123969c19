from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engines import UsageError
from training.evaluation.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    tokens: int
    inner: Mapping[str, Sequence[Inner]]


ONE = Came(tokens=3, inner={"a": [Inner(score=0.1), Inner(score=None)]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "part" / "trained sums.jsonl"


def test_what_is_kept_is_there_for_the_next_process(file: Path) -> None:
    kept = Kept(file, Came)
    assert kept.of({"problem": "a", "seed": 0}) is None
    kept.keep({"problem": "a", "seed": 0}, ONE)
    for again in (kept, Kept(file, Came)):
        assert again.of({"seed": 0, "problem": "a"}) == ONE
        assert again.of({"problem": "a", "seed": 1}) is None


def test_a_line_that_was_being_written_is_lost_alone(file: Path) -> None:
    kept = Kept(file, Came)
    for problem in "ab":
        kept.keep({"problem": problem}, ONE)
    file.write_bytes(file.read_bytes()[:-5])
    again = Kept(file, Came)
    assert (again.of({"problem": "a"}), again.of({"problem": "b"})) == (ONE, None)
    again.keep({"problem": "b"}, ONE)
    assert Kept(file, Came).of({"problem": "b"}) == ONE


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"asked": {}, "came": {"tokens": "many", "inner": {}}}']
)
def test_a_damaged_file_is_told(file: Path, line: str) -> None:
    Kept(file, Came).keep({}, ONE)
    with file.open("a") as damaged:
        damaged.write(f"{line}\n")
    with pytest.raises(UsageError, match=r"sums\.jsonl is damaged: take it away, and it is"):
        Kept(file, Came)
