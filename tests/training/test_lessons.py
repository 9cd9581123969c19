from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from engines import Engine, Sampling, UsageError, converse
from reasoning import ChainOfThought, SelfConsistency
from training import lessons
from training.lesson import Lesson
from training.lesson_processes import ProcessDied, ahead
from training.lessons import NotWanted, Source, WrongSkill, shares_of
from training.rows import Rows, TooLong
from training.skills.catalogue import SKILLS

SKILL = "word-problems"


@pytest.fixture
def source(tokenizer: Any) -> Source:
    return Source(
        tokenizer=tokenizer.name_or_path, shares=shares_of([SKILL]), rows=1, length=900, seed=3
    )


def same(one: Rows, other: Rows) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in one.__slots__)


def test_rows_depend_on_seed_and_step_only(source: Source) -> None:
    assert same(source.at(5), source.at(5))
    assert not same(source.at(5), source.at(6))
    assert not same(source.at(5), replace(source, seed=4).at(5))


def test_rows_that_no_lesson_fits_into_are_refused(source: Source) -> None:
    with pytest.raises(
        TooLong, match=r"tokens, do not fit into rows of 20: make rows longer with --length$"
    ):
        replace(source, length=20).at(0)


def test_what_no_row_has_room_for_is_told_by_skills(source: Source) -> None:
    both = replace(source, shares=shares_of([SKILL, "products"]))
    # Those of several problems are longer: nearly half of one skill, which nothing else would tell.
    assert both.left_out() == {
        SKILL: pytest.approx(0.45, abs=0.2),
        "products": pytest.approx(0.15, abs=0.15),
    }
    assert set(replace(both, length=2816).left_out().values()) == {0}
    # Beside others it would be drawn, and left out, without end.
    with pytest.raises(
        TooLong, match=rf"skill {SKILL} do not fit into rows of 60, the shortest of"
    ):
        replace(both, length=60).left_out()


def test_rows_that_are_not_wanted_any_more_are_not_made(source: Source) -> None:
    asked = iter([False, True])
    with pytest.raises(NotWanted):
        replace(source, rows=1000).at(0, lambda: next(asked))


class Broken:
    def lesson(self, random: Random) -> Lesson:
        raise ZeroDivisionError


def test_a_skill_that_fails_is_named_with_the_step_and_the_seed(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "SKILLS", {SKILL: replace(SKILLS[SKILL], skill=Broken())})
    with pytest.raises(ZeroDivisionError) as caught:
        source.at(7)
    assert caught.value.__notes__ == [
        f"in a lesson of the skill {SKILL}, at step 7 with the seed 3"
    ]


class TooMuch:
    """Says more than may be generated, in one of several threads: a method would take its failure for data."""

    def lesson(self, random: Random) -> Lesson:
        vote = SelfConsistency(samples=2, method=ChainOfThought(sampling=Sampling(max_tokens=4)))

        async def solve(engine: Engine) -> object:
            return await vote.solve(await converse(engine, [("user", "2*3?")]), engine)

        return Lesson(solve=solve, reply=lambda context, sampling: "1234\n" * 100)


def test_a_skill_that_says_too_much_is_one_line_that_names_the_call(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "SKILLS", {SKILL: replace(SKILLS[SKILL], skill=TooMuch())})
    with pytest.raises(WrongSkill) as caught:
        source.at(7)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"a lesson of the skill {SKILL}, at step 7 with the seed 3, is wrong: ")
    assert re.search(
        r": \S*sample\S*: the reply has \d+ tokens, and 4 may be generated: '1234", line
    )
    assert len(line) < 300


class Failing:
    """Its method cannot do what it is to do."""

    def lesson(self, random: Random) -> Lesson:
        async def solve(engine: Engine) -> object:
            raise UsageError("there is no way")

        return Lesson(solve=solve, reply=lambda context, sampling: "")


def test_a_lesson_of_which_the_method_fails_names_its_skill(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "SKILLS", {SKILL: replace(SKILLS[SKILL], skill=Failing())})
    with pytest.raises(
        WrongSkill, match=rf"{SKILL}, at step 7 .*: there is no way; mend the skill"
    ):
        source.at(7)


def test_skills_are_drawn_by_their_shares(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Counted:
        def __init__(self, name: str) -> None:
            self.name = name

        def lesson(self, random: Random) -> Lesson:
            drawn.append(self.name)
            return SKILLS[SKILL].skill.lesson(random)

    known = {name: replace(SKILLS[SKILL], skill=Counted(name)) for name in ("often", "never")}
    monkeypatch.setattr(lessons, "SKILLS", known)
    replace(source, shares=(("often", 1.0), ("never", 0.0))).at(0)
    assert set(drawn) == {"often"}


def test_another_process_makes_the_same_rows_and_its_death_is_told(source: Source) -> None:
    before = set(active_children())
    rows: Iterator[Rows] = ahead(source, range(10, 100), 1)
    with closing(rows):  # type: ignore[type-var]
        assert same(next(rows), source.at(10))
        assert same(next(rows), source.at(11))
        (process,) = set(active_children()) - before
        assert process.pid is not None
        # Of a Ctrl-C hears the one that started it.
        os.kill(process.pid, signal.SIGINT)
        # More than lay ready.
        for step in range(12, 18):
            assert same(next(rows), source.at(step))
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(ProcessDied, match="take fewer --processes"):
            list(rows)


def test_without_processes_rows_are_made_here(source: Source) -> None:
    assert [
        same(rows, source.at(step)) for step, rows in enumerate(ahead(source, range(2), 0))
    ] == [
        True,
        True,
    ]


class Endless(Source):
    """Its second step is at hand for as long as it is wanted, and tells a pipe that it is."""

    def at(self, step: int, stopped: Callable[[], bool] = lambda: False) -> Rows:
        if step:
            Path(self.vocabulary).write_text("begun")
            while not stopped():
                time.sleep(0.01)
        return super().at(step)


def test_who_takes_no_more_rows_does_not_wait_for_those_at_hand(
    source: Source, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    endless = Endless(
        tokenizer=source.tokenizer,
        shares=source.shares,
        rows=1,
        length=900,
        seed=3,
        vocabulary=str(pipe),
    )
    rows: Iterator[Rows] = ahead(endless, range(2), 1)
    with closing(rows):  # type: ignore[type-var]
        next(rows)
        assert pipe.read_text() == "begun"
