"""Recorded samples that vote again: the replay, the grading, the checker, and the statistics of the table."""

from __future__ import annotations

import runpy
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import voting
from benchmarks.traces import recorded
from benchmarks.traces.recorded import TRACES, Judge, Problem, Sample, problems
from benchmarks.voting import GAME24, RULES, Recording, Vote, differences, expectation, interval
from engines.replay.byte_tokens import tokens_of
from evals.game24 import makes_24
from reasoning import Majority
from tests.backends import run_virtually

needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="the recordings are not there")


def problem(*answers: int, gold: int = 4) -> Problem:
    samples = (Sample(f"So \\boxed{{{a}}}", correct=a == gold, score=float(a)) for a in answers)
    return Problem(f"What is {answers}?", str(gold), tuple(samples))


def table_of(*asked: Problem, orders: int = 1) -> dict[str, tuple[voting.Votes, voting.Votes]]:
    recording = Recording(list(asked), orders, Judge())
    return run_virtually(partial(voting.accuracy_against_samples, recording))


def test_each_way_to_vote_is_right_where_its_answer_is_and_uses_its_samples() -> None:
    came = table_of(problem(4, 4, 4, 4, 5, 5, 5, 5), problem(5, 4, 4, 5, 5, 9, 5, 4))

    def told(way: str) -> list[tuple[bool, int]]:
        return [(vote.right, vote.samples) for votes in came[way][0] for vote in votes]

    assert told("majority of 8") == [(True, 8), (False, 8)]
    assert told("majority of 1") == [(True, 1), (False, 1)]
    assert told("majority of 3") == [(True, 3), (True, 3)]
    assert told("weighted of 8") == [(False, 8), (False, 8)]
    assert told("best of 8") == [(False, 8), (False, 8)]
    assert told("window of 4") == [(True, 4), (False, 8)]
    assert told("posterior above 0.95") == [(True, 4), (False, 8)]
    # Of two answers with four votes each, the one that was given first wins.
    assert told("certain") == [(True, 4), (False, 7)]


def test_samples_are_voted_on_in_the_same_orders_in_every_run() -> None:
    recording = Recording([problem(1, 2, 3, 4, 5, 6)], 3, Judge())
    way = recording.reduced(Majority(), 1)
    [votes] = run_virtually(partial(recording.votes, way))
    again = Recording([problem(1, 2, 3, 4, 5, 6)], 3, Judge())
    assert len(votes) == 3
    assert run_virtually(partial(again.votes, way)) == [votes]


def test_a_stop_with_more_in_flight_costs_more_tokens_and_less_time() -> None:
    recording = Recording([problem(*[4] * 8)], 1, Judge())
    stopped = replace(recording.reduced(Majority(), 8), stop=RULES["window of 2"])
    [[one]] = run_virtually(partial(recording.votes, replace(stopped, in_flight=1)))
    [[all_]] = run_virtually(partial(recording.votes, replace(stopped, in_flight=8), 1))
    length = len(tokens_of(r"So \boxed{4}"))
    assert (one.samples, one.tokens, one.path) == (2, 2 * length, 2 * length)
    assert (all_.samples, all_.path) == (2, length)
    assert one.tokens < all_.tokens <= 8 * length


def test_what_is_right_equals_the_known_answer_or_a_correct_sample() -> None:
    asked = replace(
        problem(4, 5), samples=(Sample(r"\boxed{0.5}", True), Sample(r"\boxed{1/2}", False))
    )

    async def main() -> list[bool]:
        judge = Judge()
        return [await judge.right(asked, answer) for answer in ("4.0", "2/4", "5", None)]

    assert run_virtually(main) == [True, True, False, False]


def test_the_interval_holds_the_mean_and_no_difference_has_none() -> None:
    assert interval([0.0] * 50) == (0, 0)
    low, high = interval([1.0, 0.0, 0.0, -1.0] * 25)
    assert -0.2 < low < 0 < high < 0.2


def test_differences_are_those_of_the_same_problem_in_the_same_order() -> None:
    def votes(*right: bool) -> list[Vote]:
        return [Vote(right=r, samples=1, tokens=1, path=1) for r in right]

    ours, theirs = [votes(True, False), votes(True, True)], [votes(True, True), votes(False, True)]
    assert differences(ours, theirs) == [-0.5, 0.5]


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(1, 6))
def test_what_is_expected_of_some_tries_is_their_mean_over_all_orders(
    correct: list[bool], tries: int
) -> None:
    tries = min(tries, len(correct))
    puzzle = Problem("", "", tuple(Sample("", c) for c in correct))
    orders = list(permutations(correct))
    solved = Fraction(sum(any(order[:tries]) for order in orders), len(orders))
    assert expectation(puzzle, tries) == pytest.approx(float(solved))


@pytest.mark.parametrize(
    ("numbers", "answer", "solves"),
    [
        ([4, 5, 6, 10], "(10 - 4) * 5 - 6 = 24", True),
        ([3, 3, 8, 8], "8 / (3 - 8 / 3)", True),
        ([1, 2, 3, 4], "1*2*3*4", True),
        ([1, 2, 3, 4], "1*2*3*4*1", False),
        ([4, 6, 1, 1], "4 * 6 = 24", False),
        ([4, 6, 1, 1], "4 * 6 + 1 - 1 = 23", True),
        ([4, 6, 1, 1], "4 * 6 / (1 - 1)", False),
        ([12, 2, 1, 1], "12 - 2 - 1 - 1", False),
        ([4, 6, 1, 1], "4 * 6 + 1 - 1)", False),
        ([4, 6, 1, 1], "(4 * 6 + 1 - 1", False),
        ([4, 6, 1, 1], "4 * 6 + 1 1", False),
        ([4, 6, 1, 1], "4 * 6 ** 1 * 1", False),
        ([4, 6, 1, 1], "4 x 6 + 1 - 1", False),
        ([4, 6, 1, 1], "None", False),
        ([4, 6, 1, 1], "", False),
        ([4, 6, 1, 1], "(" * 5000 + "4", False),
    ],
)
def test_the_checker(numbers: list[int], answer: str, solves: bool) -> None:
    assert makes_24(numbers, answer) is solves


@needs_traces
def test_the_checker_agrees_with_what_is_recorded_of_every_sample() -> None:
    for puzzle in problems(GAME24)[::5]:
        numbers = [int(number) for number in puzzle.question.split()]
        for sample in puzzle.samples:
            assert makes_24(numbers, sample.value or sample.text) is sample.correct, sample.text


@needs_traces
@pytest.mark.parametrize("name", voting.VOTES)
def test_samples_of_a_recording_have_an_answer_that_ours_finds(name: str) -> None:
    asked = problems(name)[:50]
    assert len({len(problem.samples) for problem in asked}) == 1
    values = [sample.value for problem in asked for sample in problem.samples]
    assert values.count(None) < 0.02 * len(values)


def test_without_the_recordings_one_line_says_where_they_should_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recorded, "TRACES", tmp_path / "none")
    with pytest.raises(SystemExit, match=r"the recordings are not in .*none"):
        runpy.run_path(str(Path(voting.__file__)), run_name="__main__")
