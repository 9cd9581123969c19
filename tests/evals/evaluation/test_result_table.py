from __future__ import annotations

from typing import Any

from evals.evaluation.result_table import result_table

HALF = {"value": 0.5, "low": 0.25, "high": 0.75, "how": "bootstrap"}
PART: dict[str, Any] = {
    "measured": 30,
    "failed": 2,
    "truncated": 3,
    "unanswered": 0,
    "warnings": {"cut": 3, "missed": 1},
    "average": HALF,
    "tokens": {"value": 1234.4},
    "critical_path": {"value": 400.0},
    "at": [{"k": 1, "majority": HALF, "pass": HALF}, {"k": 4, "majority": HALF, "pass": HALF}],
}
NOTHING = {
    **PART,
    "measured": 0,
    "average": None,
    "tokens": None,
    "critical_path": None,
    "at": [],
    "failed": 120,
    "truncated": 0,
    "warnings": {},
}


def metrics(system: str, **tasks: Any) -> dict[str, Any]:
    return {"system": system, "tasks": tasks, "pooled": PART, "skipped": ["1 row was skipped"]}


def test_one_evaluation_has_a_row_a_task_and_one_for_all() -> None:
    table = result_table([metrics("one", aime=PART, gsm=NOTHING)])
    assert [row[0] for row in table.rows] == ["aime", "gsm", "all"]
    told = "2 failed, 3 truncated, 1 missed"
    expected = ("30", "4", "50.0", "25.0-75.0", "50.0", "50.0", "1,234", "400", told)
    assert table.rows[0][1:] == expected
    assert table.rows[1][1:] == ("0", "-", "-", "-", "-", "-", "-", "-", "120 failed")


def test_several_evaluations_are_told_apart_by_their_systems() -> None:
    table = result_table([metrics("one", aime=PART), metrics("two", aime=PART)])
    assert [row[:2] for row in table.rows] == [("one", "aime"), ("two", "aime")]


def test_it_fits_on_a_narrow_terminal() -> None:
    lines = result_table([metrics("one", olympiadbench=PART)]).lines(200)
    assert len(lines[0]) <= 80


def test_what_was_skipped_stands_below_once() -> None:
    table = result_table([metrics("one", aime=PART), metrics("two", aime=PART)])
    assert table.note.splitlines()[1:] == ["1 row was skipped"]
