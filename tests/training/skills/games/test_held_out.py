from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from evals import load
from evals.game24 import can_reach
from training.skills.games import TASK
from training.skills.games.drawing import practised
from training.skills.games.held_out import is_held_out
from training.skills.games.puzzle import Puzzle

DATA = Path(__file__).parents[5] / "shared/data"


def rows(name: str) -> Iterator[dict[str, object]]:
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"{file} is not here")
    yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def test_no_lesson_has_a_puzzle_that_is_held_out() -> None:
    random = Random(1)
    assert not any(is_held_out(practised(random)) for _ in range(300))


def test_the_order_of_the_numbers_makes_no_difference() -> None:
    random = Random(2)
    for _ in range(300):
        numbers = tuple(random.choices(range(1, 14), k=4))
        other = tuple(random.sample(numbers, 4))
        assert is_held_out(Puzzle(numbers)) == is_held_out(Puzzle(other))


def test_about_a_tenth_is_held_out() -> None:
    random = Random(3)
    puzzles = [Puzzle(tuple(random.choices(range(1, 100), k=3)), target=50) for _ in range(2000)]
    assert 0.07 < sum(map(is_held_out, puzzles)) / len(puzzles) < 0.14


def test_the_puzzles_of_tree_of_thoughts_are_held_out() -> None:
    published = [row for row in rows("game24.jsonl") if row["tot_test_split"]]
    assert len(published) == 100
    for row in published:
        assert is_held_out(Puzzle(tuple(row["numbers"])))  # type: ignore[arg-type]  # JSON


def test_the_puzzles_of_countdown_are_held_out() -> None:
    for row in rows("countdown3_test.jsonl"):
        assert is_held_out(Puzzle(tuple(row["numbers"]), row["target"]))  # type: ignore[arg-type]  # JSON


@pytest.mark.anyio
async def test_the_task_has_held_out_puzzles_only_each_once() -> None:
    loaded = await load(TASK, data=None, seed=0, limit=50)
    puzzles = [Puzzle(tuple(problem.data["numbers"])) for problem in loaded.problems]
    assert len(set(puzzles)) == 50
    for puzzle in puzzles:
        assert is_held_out(puzzle)
        assert can_reach(puzzle.left)
