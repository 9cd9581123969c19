from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from engines import Choice, Context, EngineDead, FakeEngine, ForkjoinError, Sampling, UsageError
from evals.game24 import Move, legal_moves, next_line, remaining
from reasoning import Check, Scorer
from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.independent import Independent
from training.evaluation import game24
from training.evaluation.game24 import measure
from training.evaluation.part import Options, Table
from training.evaluation.puzzle_search import Setting, searched
from training.skills.games.moves import good_moves
from training.skills.games.puzzle import Puzzle
from training.skills.games.skill import verdict

PUZZLES = ([4, 5, 6, 10], [1, 2, 3, 4], [1, 2, 12, 12])
WIDTHS = (2, 4)

Verdict = Callable[[Puzzle, str, bool], str]


def student(judge: Verdict, *, plays_well: bool = True) -> Callable[[Context, Sampling], str]:
    """Says what a model would that has learnt all of it, if it plays well; other moves and no expression if not."""

    def script(context: Context, sampling: Sampling) -> str:
        name, *_, last = context.path.split("/")
        puzzle = Puzzle(tuple(map(int, name.split(" > ")[0].split())))
        thought = next(turn.text for turn in context.turns if turn.role == "assistant")
        if last.startswith("verify"):
            return judge(puzzle, thought, isinstance(sampling.constraint, Choice))
        left = remaining(puzzle.left, thought)
        assert left is not None
        if len(left) == 1:
            return "\\boxed{(10 - 4) * 5 - 6}" if plays_well else "So be it."
        moves = (good_moves(left, 24) if plays_well else ()) or _bad(left)
        return next_line(left, moves[zlib.crc32(context.path.encode()) % len(moves)]) + "\n\n"

    return script


def _bad(left: tuple) -> list[Move]:  # type: ignore[type-arg]  # of fractions
    return [move for move in legal_moves(left) if move.operator == "+"]


def right(puzzle: Puzzle, thought: str, chosen: bool) -> str:
    return verdict(puzzle, thought, chosen=chosen)


def wrong(puzzle: Puzzle, thought: str, chosen: bool) -> str:
    said = right(puzzle, thought, chosen)
    return {"Yes": "No", "No": "Yes"}.get(said, said)


def free(puzzle: Puzzle) -> Scorer:
    return Check(check=lambda answer: 0.5)


@pytest.fixture
def asked(options: Options, tmp_path: Path) -> Options:
    rows = [
        {"numbers": numbers, "rank": i + 1, "tot_test_split": i > 0}
        for i, numbers in enumerate([[1, 1, 4, 6], *PUZZLES])
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "game24.jsonl").write_text(text, encoding="utf-8")
    return replace(options, data=tmp_path)


def values(table: Table, name: str, figure: str) -> set[float]:
    return {one[figure]["value"] for one in table.data[name] if one[figure]}


@pytest.mark.anyio
async def test_a_perfect_student_solves_all_and_judges_right(asked: Options) -> None:
    engine = FakeEngine(student(right), chunk_tokens=1000)
    searches, proposals, verdicts = await measure(engine, asked, WIDTHS)
    guided = [one for one in searches.data["searches"] if "free" not in one["search"]]
    assert {one["puzzles"] for one in guided} == {3}
    assert {one["solved"]["value"] for one in guided} == {1}
    assert {one["width"] for one in guided} == set(WIDTHS)
    # Searches by several rules have many calls in common.
    assert len(engine.calls) < 0.6 * sum(
        one["puzzles"] * one["width"] * 3 for one in searches.data["searches"]
    )
    assert all(one["blocks"]["value"] > 0 for one in guided)
    assert all(one["tokens"]["value"] > one["critical_path"]["value"] for one in guided)
    assert [one["good"]["value"] for one in proposals.data["moves"]] == [1, 1, 1]
    assert proposals.data["chance"] < 0.5
    assert values(verdicts, "verdicts", "right") == {1}
    assert {one["judge"] for one in verdicts.data["verdicts"]} == {"at once", "looked ahead"}


@pytest.mark.anyio
async def test_a_judge_who_is_always_wrong_is_told(asked: Options) -> None:
    engine = FakeEngine(student(wrong, plays_well=False), chunk_tokens=1000)
    searches, proposals, verdicts = await measure(engine, replace(asked, problems=1), WIDTHS)
    assert values(verdicts, "verdicts", "right") == {0}
    assert values(proposals, "moves", "good") != {1}
    assert {one["puzzles"] for one in searches.data["searches"]} == {1}


@pytest.mark.anyio
async def test_moves_are_told_by_what_they_lead_from_and_to() -> None:
    setting = Setting(
        name="", rule=Independent(), width=20, scorer=lambda puzzle: Check(check=lambda answer: 0.3)
    )
    engine = FakeEngine(student(right, plays_well=False), chunk_tokens=1000)
    came = await searched(setting, Puzzle((1, 2, 10, 12)), engine, seed=0)
    depths = [[move for move in came.moves if move.depth == depth] for depth in (1, 2, 3)]
    assert [len(moves) for moves in depths] == [20, 20, 20]
    assert all(move.led_on for move in depths[0])
    for before, after in pairwise(depths):
        # Each of these thoughts goes on alone.
        assert [move.leads_on for move in before] == [move.led_on for move in after]
    assert {move.leads_on for move in depths[1]} == {True, False}
    assert {move.score for move in came.moves} == {0.3}


@pytest.mark.anyio
async def test_searches_that_lost_a_step_are_no_figures(asked: Options) -> None:
    asked = replace(asked, problems=1)
    perfect = FakeEngine(student(right), chunk_tokens=1000)
    await measure(perfect, replace(asked, out=asked.out / "perfect"), [4])
    for calls in (0, len(perfect.calls) - 1):
        dying = FakeEngine(dying_after(calls), chunk_tokens=1000)
        with pytest.raises(ForkjoinError, match="the engine is gone"):
            await measure(dying, replace(asked, out=asked.out / str(calls)), [4])


def dying_after(calls: int) -> Callable[[Context, Sampling], str]:
    perfect, answered = student(right), itertools.count()

    def script(context: Context, sampling: Sampling) -> str:
        if next(answered) >= calls:
            raise EngineDead("the engine is gone")
        return perfect(context, sampling)

    return script


@pytest.mark.anyio
async def test_puzzles_that_were_done_are_not_searched_again(asked: Options) -> None:
    setting = Setting(name="beam", rule=Beam(beam_width=2), width=2, scorer=free)
    puzzles = [Puzzle(tuple(numbers)) for numbers in PUZZLES]
    engine = FakeEngine(student(right), chunk_tokens=1000)
    whole = await game24._measured(setting, puzzles[:2], engine, asked)
    calls = len(engine.calls)
    again = await game24._measured(setting, puzzles, engine, asked)
    assert again.came[:2] == whole.came
    assert 0 < len(engine.calls) - calls < calls
    # A rule that is called the same is another one.
    other = replace(setting, rule=Independent())
    await game24._measured(other, puzzles[:2], engine, asked)
    assert len(engine.calls) > 1.8 * calls


@pytest.mark.anyio
async def test_settings_that_were_done_are_not_searched_again(
    asked: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    def searches() -> int:
        return capsys.readouterr().err.count("game24: ")

    asked = replace(asked, problems=1)
    engine = FakeEngine(student(right), chunk_tokens=1000)
    tables = await measure(engine, replace(asked, out=asked.out / "whole"), [2])
    count = searches()
    dying = FakeEngine(dying_after(len(engine.calls) // 2), chunk_tokens=1000)
    with pytest.raises(ForkjoinError, match="the engine is gone"):
        await measure(dying, asked, [2])
    done = [file for file in (asked.out / "game24").iterdir() if file.stat().st_size]
    assert 0 < len(done) < count
    searches()
    assert await measure(engine, asked, [2]) == tables
    assert searches() == count - len(done)
    # Another seed is another search.
    await measure(engine, replace(asked, seed=1), [2])
    assert searches() == count
    done[0].write_text("{\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\.jsonl is damaged: take it away"):
        await measure(engine, asked, [2])


@pytest.mark.anyio
async def test_a_file_without_test_puzzles_is_told(options: Options, tmp_path: Path) -> None:
    (tmp_path / "game24.jsonl").write_text('{"numbers": [1, 1, 4, 6]}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"game24\.jsonl has `tot_test_split`"):
        await measure(FakeEngine("1"), replace(options, data=tmp_path))


@pytest.mark.anyio
async def test_the_puzzles_have_to_be_there(options: Options) -> None:
    with pytest.raises(UsageError, match="game24"):
        await measure(FakeEngine("1"), options)
