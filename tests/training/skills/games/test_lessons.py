"""What lessons on puzzles teach is right, by another reading of it."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from random import Random
from typing import Any

import anyio
import pytest

from evals.game24 import legal_moves, makes_24, move_lines, next_line, value_of
from reasoning.extraction import extract_answer
from training.lesson import Lesson
from training.skills.games import SKILL
from training.skills.games.drawing import is_game24, practised
from training.skills.games.puzzle import Puzzle
from training.skills.games.skill import KINDS, lesson_of
from training.teacher_engine import units_of
from training.trie import trie_of

from .reading import Call, calls_of, left_after, practised_lessons, reaches

PROPOSED, JUDGED, TO_THE_END, LOOKED_AHEAD, LOOKED_TO_THE_END = range(len(KINDS))


@lru_cache
def lessons(kind: int) -> list[tuple[Puzzle, list[Call]]]:
    return practised_lessons([kind], count=20)


def calls(*kinds: int) -> list[tuple[Puzzle, Call]]:
    return [(puzzle, call) for kind in kinds for puzzle, calls in lessons(kind) for call in calls]


def steps() -> list[tuple[Puzzle, Call]]:
    """Those that are learnt."""
    return calls(PROPOSED)


def verdicts(*kinds: int) -> list[tuple[Puzzle, Call]]:
    return [(puzzle, call) for puzzle, call in calls(*kinds) if call.verifies]


def test_a_step_that_is_learnt_is_right_and_keeps_the_target_within_reach() -> None:
    moves = 0
    for puzzle, call in steps():
        assert call.said.learned
        assert not call.verifies
        if "left" in call.said.text:
            left = left_after(puzzle, call.thought + call.said.text)
            assert left is not None, call
            assert reaches(left, puzzle.target), call
            assert all(number >= 0 and number.denominator == 1 for number in left), call
            moves += 1
    assert moves > 300


def test_all_good_first_steps_of_small_numbers_are_learnt_side_by_side() -> None:
    for puzzle, said in lessons(PROPOSED):
        if not is_game24(puzzle):
            continue
        learnt = {call.said.text for call in said if not call.thought}
        good = [
            move
            for move in legal_moves(puzzle.left)
            if move.value >= 0 and move.value.denominator == 1 and move.first >= move.second
            and reaches(tuple(sorted(move.after(puzzle.left))), puzzle.target)
        ]  # fmt: skip
        assert len(learnt) == min(12, len({next_line(puzzle.left, move) for move in good}))


def test_a_step_that_is_judged_is_not_learnt_and_its_verdict_is() -> None:
    for _, call in calls(JUDGED, TO_THE_END, LOOKED_AHEAD, LOOKED_TO_THE_END):
        assert call.said.learned == call.verifies, call


def test_what_a_first_move_leaves_is_judged_at_once_in_the_game_of_24() -> None:
    for puzzle, _ in lessons(JUDGED):
        assert puzzle.target == 24
        assert max(puzzle.numbers) < 14


def test_a_move_that_is_learnt_is_one_that_the_constraint_allows() -> None:
    for puzzle, call in steps():
        left = left_after(puzzle, call.thought)
        assert left is not None
        if len(left) > 1:
            assert call.said.text in move_lines(left, "\n\n").options


def test_the_last_step_is_an_expression_that_makes_the_target_of_the_numbers() -> None:
    ends = [(p, call.said.text) for p, call in steps() if "left" not in call.said.text]
    for puzzle, text in ends:
        answer = extract_answer(text)
        assert answer is not None
        assert sorted(map(int, re.findall(r"\d+", answer))) == sorted(puzzle.numbers), text
        for line in text.split("\n"):
            expression = extract_answer(line) or line.removeprefix(f"{puzzle.target} = ")
            assert value_of(expression) == puzzle.target, text
        assert "\n\n" not in text
        assert puzzle.target != 24 or makes_24(puzzle.numbers, answer)
    assert len(ends) >= 15


def test_verdicts_are_those_of_trying_everything_and_mistakes_are_seen() -> None:
    seen = Counter[tuple[str, bool]]()
    for puzzle, call in verdicts(JUDGED, TO_THE_END):
        left = left_after(puzzle, call.thought)
        right = left is not None and reaches(left, puzzle.target)
        assert call.said.text == ("Yes" if right else "No"), call
        seen[call.said.text, left is None] += 1
    assert seen["No", True] > 0
    yes, no = seen["Yes", False], seen["No", False] + seen["No", True]
    assert 0.35 < yes / (yes + no) < 0.6


def test_what_is_looked_ahead_ends_in_the_verdict() -> None:
    looked = 0
    for puzzle, call in verdicts(LOOKED_AHEAD, LOOKED_TO_THE_END):
        left = left_after(puzzle, call.thought)
        assert left is not None
        right = reaches(left, puzzle.target)
        last = call.said.text.split()[-1]
        assert last in (("Yes", "yes") if right else ("No", "none")), call
        looked += last in ("yes", "none")
    assert looked > 100


def test_the_same_draw_is_the_same_lesson_and_all_kinds_come() -> None:
    def drawn(seed: int) -> Lesson:
        return SKILL.lesson(Random(seed))

    assert calls_of(drawn(3)) == calls_of(drawn(3))
    texts = {call.said.text for seed in range(30) for call in calls_of(drawn(seed))}
    assert "Yes" in texts
    assert any("\\boxed" in text for text in texts)
    assert any(text.endswith("none") for text in texts)


@pytest.mark.parametrize("kind", [PROPOSED, JUDGED, TO_THE_END, LOOKED_AHEAD, LOOKED_TO_THE_END])
def test_a_lesson_fits_into_a_row(kind: int, tokenizer: Any) -> None:
    lengths = []
    for seed in range(15):
        random = Random(seed)
        lesson = lesson_of(practised(random, KINDS[kind].fits), KINDS[kind], random)
        lengths.append(len(trie_of(anyio.run(units_of, lesson, tokenizer))))
    assert max(lengths) <= 1400
    assert sum(lengths) / len(lengths) < 1000
