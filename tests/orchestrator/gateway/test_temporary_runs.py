from __future__ import annotations

from pathlib import Path

from orchestrator.gateway.answering.temporary_runs import TemporaryRuns
from orchestrator.runs.run_lock import RunLock


def made(place: Path, *names: str) -> None:
    for name in names:
        (place / name).mkdir()
        (place / name / "events.jsonl").touch()


def names_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_the_oldest_go_first() -> None:
    runs = TemporaryRuns(most=2)
    made(runs.folder(), "1", "3", "4", "2")
    assert names_in(runs.folder()) == ["3", "4"]
    runs.remove()


def test_a_run_that_somebody_works_on_stays() -> None:
    runs = TemporaryRuns(most=1)
    place = runs.folder()
    made(place, "1", "2", "3")
    lock = RunLock(place / "1")
    assert names_in(runs.folder()) == ["1", "3"]
    lock.release()
    assert names_in(runs.folder()) == ["3"]
    runs.remove()


def test_in_the_end_nothing_is_left_and_it_can_begin_again() -> None:
    runs = TemporaryRuns()
    runs.remove()
    place = runs.folder()
    made(place, "1")
    runs.remove()
    runs.remove()
    assert not place.exists()
    assert runs.folder() != place
    runs.remove()
