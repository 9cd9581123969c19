"""The Game of 24: its moves, thoughts and expressions agree with each other and with logs of GPT-4."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.planners.scenarios import DATA
from evals.game24 import (
    Move,
    Numbers,
    can_reach,
    expression_of,
    legal_moves,
    makes_24,
    move_lines,
    next_line,
    numbers_of,
    on_track,
    remaining,
    value_of,
)

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the puzzles are not there")
puzzle = st.lists(st.integers(1, 13).map(Fraction), min_size=2, max_size=4).map(
    lambda numbers: tuple(sorted(numbers))
)


def played(numbers: Numbers, data: st.DataObject) -> str:
    """Moves at random, to the end."""
    lines = []
    while len(numbers) > 1:
        move = data.draw(st.sampled_from(legal_moves(numbers)))
        lines.append(f"So {next_line(numbers, move)}.")
        numbers = move.after(numbers)
    return " ".join(lines)


@given(puzzle, st.data())
def test_a_thought_of_legal_moves_leaves_the_value_of_its_expression(
    numbers: Numbers, data: st.DataObject
) -> None:
    thought = played(numbers, data)
    expression = expression_of(numbers, thought)
    assert expression is not None
    assert remaining(numbers, thought) == (value_of(expression),)
    assert makes_24(numbers, expression) is on_track(numbers, thought)


@pytest.mark.parametrize(
    ("thought", "left"),
    [
        ("", "4 5 6 10"),
        ("I wonder whether 4 * 6 = 24 helps.", "4 5 6 10"),
        ("10 - 4 = 6 (left: 5 6 6)", "5 6 6"),
        ("Well, 10 - 4 = 6 (left: 6 5 6). Then 5 * 6 = 30 (left: 6 30)!", "6 30"),
        ("Try this.10 - 4 = 6 (left: 5 6 6)and.5 * 6 = 30 (left: 6 30)", "6 30"),
        ("4 / 10 = 2/5 (left: 5 6 2/5)", "2/5 5 6"),
        ("4 / 10 = 0.4 (left: 0.4 5 6)", "2/5 5 6"),
        ("4 - 10 = -6 (left: -6 5 6)5 - -6 = 11 (left: 6 11)", "6 11"),
    ],
)
def test_what_is_left(thought: str, left: str) -> None:
    assert remaining(numbers_of("4 5 6 10"), thought) == numbers_of(left)


@pytest.mark.parametrize(
    "thought",
    [
        "10 - 4 = 5 (left: 5 5 6)",
        "110 - 4 = 6 (left: 5 6 6)",
        "1.10 - 4 = 6 (left: 5 6 6)",
        "10 - 4 = 6 (left: 5 6)",
        "10 - 4 = 6 (left: 5 6 10)",
        "10 - 3 = 7 (left: 5 6 7)",
        "5 + 5 = 10 (left: 4 6 10)",
        "4 / 6 = 0.67 (left: 0.67 5 10)",
        "4 / 0 = 4 (left: 4 5 6 10)",
        "10 - 4 = 6 (left: 5 6 6) 10 - 4 = 6 (left: 5 6)",
        "10 - 4 = 6 (left: 1/0 5 6)",
    ],
)
def test_an_illegal_move_leaves_nothing_to_go_on_with(thought: str) -> None:
    numbers = numbers_of("4 5 6 10")
    assert remaining(numbers, thought) is None
    assert expression_of(numbers, thought) is None
    assert not on_track(numbers, thought)


def test_a_thought_that_is_not_at_its_end_is_no_expression() -> None:
    assert expression_of(numbers_of("4 5 6 10"), "10 - 4 = 6 (left: 5 6 6)") is None


def test_the_constraint_of_a_state_is_its_legal_moves_and_nothing_else() -> None:
    numbers = numbers_of("0 4 4")
    lines = move_lines(numbers, end="\n").options
    assert len(set(lines)) == len(lines)
    assert "4 / 4 = 1 (left: 0 1)\n" in lines
    assert not any("/ 0" in line for line in lines)
    pairs = {*permutations(numbers, 2)}
    assert len(lines) == sum(bool(b) or o != "/" for (_, b), o in product(pairs, "+-*/"))
    assert all(remaining(numbers, line) is not None for line in lines)


@given(puzzle)
def test_24_is_within_reach_if_some_move_keeps_it_there(numbers: Numbers) -> None:
    moves = [move.after(numbers) for move in legal_moves(numbers)]
    assert can_reach(numbers) is any(map(can_reach, moves))


def test_a_move_with_a_number_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in list"):
        Move(Fraction(4), "+", Fraction(4)).after(numbers_of("4 5"))


@needs_data
def test_all_puzzles_of_the_file_can_be_solved_and_their_witnesses_are_right() -> None:
    lines = (DATA / "game24.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[::10]):
        assert can_reach(numbers_of(row["problem"])), row
        assert makes_24(row["numbers"], row["answer"]), row


@needs_data
def test_the_moves_that_gpt4_proposed_are_read() -> None:
    lines = (DATA / "traces" / "tot_game24_gpt4_bfs_tree.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in lines.splitlines()[::10]]
    proposed = [(numbers_of(r["problem"]), y) for r in rows for y in r["steps"][0]["new_ys"]]
    legal = [remaining(numbers, thought) for numbers, thought in proposed]
    # The others are rounded, or are no moves.
    assert sum(left is not None and len(left) == 3 for left in legal) > 0.75 * len(legal)
