"""The whole way without a GPU: recorded samples become an evaluation, its figures and its report, in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.command_line import main

ROOT = Path(__file__).parents[2]
TRACES = Path(os.environ.get("DATA") or ROOT.parent / "shared" / "data") / "traces"
GAME24 = TRACES / "tot_game24_gpt4_cot_100samples.jsonl"
K = 5
_MAIN = "import sys; from orchestrator.command_line import main; sys.exit(main())"

Row = Mapping[str, Any]


def made_up() -> list[Row]:
    """Puzzles that have a right sample in another place each."""
    solutions = ["1 * 2 * 3 * 4", "(10 - 4) * 5 - 6", "8 / (3 - 8 / 3)", "6 * 4 + 1 - 1"]
    puzzles = ["1 2 3 4", "4 5 6 10", "3 3 8 8", "1 1 4 6"]
    return [
        {
            "problem_id": f"game24-{number:04d}",
            "problem": puzzle,
            "gold": 24,
            "samples": [
                {"text": f"Answer: {solution} = 24", "correct": True}
                if index % 4 == number
                else {"text": f"Answer: {puzzle.replace(' ', ' + ')} = 24", "correct": False}
                for index in range(K + 1)
            ],
        }
        for number, (puzzle, solution) in enumerate(zip(puzzles, solutions, strict=True))
    ]


def recorded(rows: Sequence[Row], path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def options(data: Path, engine: Path, out: Path) -> list[str]:
    return [
        *("eval", "game24", "--data", str(data), "--engine", f"replay:{engine}"),
        *("-k", f"{K}", "--limit", "20", "--max-tokens", "10000", "--out", str(out)),
    ]


def check(run: Path, rows: Sequence[Row]) -> None:
    """Every sample is the one that was recorded, and the figures are those of the labels."""
    assert texts_of(run) == {
        (row["problem_id"], number): sample["text"]
        for row in rows
        for number, sample in enumerate(row["samples"][:K])
    }
    labels = [[sample["correct"] for sample in row["samples"][:K]] for row in rows]
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    measured = metrics["tasks"]["game24"]
    assert (measured["problems"], measured["samples"]) == (len(rows), K * len(rows))
    average = sum(map(sum, labels)) / (K * len(rows))
    assert measured["average"]["value"] == pytest.approx(average)
    assert measured["oracle"]["value"] == pytest.approx(sum(map(any, labels)) / len(rows))


def texts_of(run: Path) -> dict[tuple[str, int], str]:
    lines = (run / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    return {(row["problem"], row["sample"]): row["text"] for row in map(json.loads, lines)}


def test_recorded_samples_become_an_evaluation_a_report_and_a_recording_again(
    tmp_path: Path,
) -> None:
    rows = made_up()
    path, run = recorded(rows, tmp_path / "samples.jsonl"), tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, *options(path, path, run)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check(run, rows)

    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert all(row["samples"][0]["text"] in page for row in rows)

    # What an evaluation left is a recording too.
    assert main(options(path, run, tmp_path / "again")) == 0
    assert texts_of(tmp_path / "again") == texts_of(run)


@pytest.mark.skipif(not GAME24.is_file(), reason="the recordings are not there")
def test_samples_of_gpt_4_are_measured_as_they_are_labelled(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in GAME24.read_text(encoding="utf-8").splitlines()]
    assert main(options(GAME24, GAME24, tmp_path / "run")) == 0
    check(tmp_path / "run", rows[:20])
