"""Searches on the Game of 24: the proposer, the verifier, the count of blocks, and the statistics of the table."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks import search_game24
from benchmarks.game24 import on_model
from benchmarks.game24.kv_of_search import waves_of
from benchmarks.game24.meaning import Meaning
from benchmarks.game24.proposer import STEP_END, Proposer
from benchmarks.game24.rules import GOAL, rules
from benchmarks.game24.searching import Puzzle, Searched, World, puzzles, searched
from benchmarks.game24.verifier import verifier
from benchmarks.planners.scenarios import DATA
from benchmarks.search_game24 import Comparison, Job, ratio_interval, spread
from engines import Choice, Context, FakeEngine, Sampling, Segment, converse
from evals.game24 import makes_24, numbers_of, remaining
from reasoning import Answer, Branch, extract_answer
from tests.backends import run_virtually

NUMBERS = numbers_of("4 5 6 10")
PUZZLE = Puzzle(NUMBERS, rank=901, test=True)
EASY = World(skill=3, taste=0, habit=0, deviation=0)
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the puzzles are not there")


def step_after(thought: str, seed: int, world: World = EASY) -> str:
    async def main() -> str:
        proposer = Proposer(NUMBERS, skill=world.skill, taste=world.taste, habit=world.habit)
        turns = await converse(FakeEngine(), [("user", "4 5 6 10"), ("assistant", thought)])
        return proposer(turns, Sampling(seed=seed))

    return run_virtually(main)


def test_a_step_is_a_legal_move_and_follows_from_its_seed() -> None:
    steps = [step_after("", seed) for seed in range(20)]
    assert steps == [step_after("", seed) for seed in range(20)]
    assert len(set(steps)) > 5
    for step in steps:
        left = remaining(NUMBERS, step)
        assert left is not None
        assert len(left) == 3
        assert step.endswith(STEP_END)
        assert 60 <= len(step) <= 120


def test_a_thought_ends_in_the_expression_of_its_moves() -> None:
    thought = "10 - 4 = 6 (left: 5 6 6)\n5 * 6 = 30 (left: 6 30)\n30 - 6 = 24 (left: 24)\n"
    answer = extract_answer(step_after(thought, 1))
    assert answer is not None
    assert makes_24([4, 5, 6, 10], answer)


def test_steps_that_leave_the_same_mean_the_same_whatever_they_say() -> None:
    texts = [
        "Let me try 10 - 4 = 6 (left: 5 6 6).",
        "What if 10 - 4 = 6 (left: 5 6 6)? Good.",
        "What if 10 + 4 = 14 (left: 5 6 14)? Good.",
    ]
    vectors = run_virtually(partial(Meaning().embed, texts))
    distances = 1 - vectors @ vectors.T
    assert np.allclose(np.diag(distances), 0, atol=1e-6)
    assert 0.001 < distances[0, 1] < 0.05
    assert distances[0, 2] > 0.5
    assert distances[1, 2] > 0.5


@pytest.mark.parametrize(
    ("text", "value", "reward"),
    [
        ("10 - 4 = 6 (left: 5 6 6)", None, 0.82),
        ("10 * 4 = 40 (left: 5 6 40)", None, 0.18),
        ("10 - 4 = 5 (left: 5 5 6)", None, 0.18),
        ("whatever", "(10 - 4) * 5 - 6", 0.82),
        ("10 - 4 = 6 (left: 5 6 6)", "(10 - 4) * 5", 0.18),
    ],
)
def test_the_reward_of_a_thought_without_noise(text: str, value: str | None, reward: float) -> None:
    async def main() -> tuple[float, ...]:
        engine = FakeEngine()
        context = await converse(engine, [("user", "?")])
        scorer = verifier(NUMBERS, deviation=0, seed=0)
        return (await scorer.score([Answer(text=text, value=value)], context, engine)).values

    [given] = run_virtually(main)
    assert given == pytest.approx(reward, abs=0.01)


def branch(context: Context, *children: Branch) -> Branch:
    answer = Answer(text="", context=context, branches=children)
    return Branch(path=context.path, status="ok", answer=answer)


def test_the_blocks_of_waves_count_what_is_shared_once_and_the_question_not_at_all() -> None:
    question = Context(Segment("user", "", tuple(range(8))), name="q")

    def step(parent: Context, name: str, *ids: int) -> Context:
        return parent.fork(name).extend(Segment("assistant", "", ids))

    a, b, c = (step(question, name, i, i, i, i, i) for i, name in enumerate("abc", start=100))
    a0, a1 = step(a, "0", 1, 1, 1), step(a, "1", 2, 2, 2)
    branches = (branch(a, branch(a0), branch(a1)), branch(b), branch(c))
    waves = waves_of(branches, question, 4)
    # Each of the first wave has a full block and a begun one.
    assert waves.kept == [2]
    assert waves.grown == [6, 3]


def test_a_search_is_the_same_again_and_solves_an_easy_world_with_each_rule() -> None:
    for name, rule in rules(16).items():
        came = run_virtually(partial(searched, PUZZLE, rule, 16, 1, EASY))
        assert came.solved, name
        assert came.found, name
        assert 0 < came.blocks <= came.peak, name
        assert came.blocks < came.grown, name
        assert came == run_virtually(partial(searched, PUZZLE, rule, 16, 1, EASY)), name


def test_a_job_has_all_rules_and_seeds() -> None:
    came = Job(PUZZLE, 4, range(2), EASY, rules).run()
    assert {name: len(results) for name, results in came.items()} == dict.fromkeys(rules(4), 2)


def results(solved: list[bool], blocks: list[float]) -> list[list[Searched]]:
    one = Searched(solved=True, found=True, blocks=0, peak=0, grown=0, tokens=0)
    pairs = zip(solved, blocks, strict=True)
    return [[replace(one, solved=right, blocks=taken)] for right, taken in pairs]


def test_the_goal_is_met_by_as_many_solved_with_half_the_blocks_only() -> None:
    baseline = results([True, False] * 50, [40.0, 20.0] * 50)
    same = Comparison.of(results([True, False] * 50, [20.0, 10.0] * 50), baseline)
    assert (same.gain, same.gain_interval) == (0, (0, 0))
    assert (same.saving, same.saving_interval) == (2, (2, 2))
    assert same.met
    dear = Comparison.of(results([True, False] * 50, [30.0, 15.0] * 50), baseline)
    assert not dear.met
    worse = Comparison.of(results([True, False, False, False] * 25, [20.0] * 100), baseline)
    assert worse.gain == -0.25
    assert not worse.met
    assert GOAL[0] in search_game24.verdict(GOAL[0], 16, worse)


def test_the_interval_of_a_ratio_holds_it() -> None:
    draw = random.Random(1)
    theirs = [draw.uniform(10, 20) for _ in range(100)]
    ours = [2 * value + draw.gauss(0, 3) for value in theirs]
    low, high = ratio_interval(ours, theirs)
    assert 1.9 < low < sum(ours) / sum(theirs) < high < 2.1


@needs_data
def test_settings_are_chosen_on_other_puzzles_than_those_of_the_report() -> None:
    asked = spread(100)
    assert len(asked) == 100
    assert all(puzzle.test for puzzle in asked)
    assert not {puzzle.rank for puzzle in asked} & {p.rank for p in spread(100, tune=True)}
    assert [puzzle.rank for puzzle in spread(4)] == [901, 926, 951, 976]
    assert len(puzzles()) > 1000


def test_a_model_under_the_grammar_is_measured_by_three_counts() -> None:
    def at_random(context: Context, sampling: Sampling) -> str:
        assert isinstance(sampling.constraint, Choice)
        return random.Random(sampling.seed).choice(sampling.constraint.options)

    async def main() -> on_model.Measured:
        engine = FakeEngine(at_random, seconds_per_token=0.01)
        rule = rules(16)["REBASE"]
        return await on_model.measured(PUZZLE, rule, 16, 1, EASY, engine, 1000)

    came = run_virtually(main)
    assert came.searched.found
    assert came.searched.blocks < came.live <= came.live_peak
    # Three moves of at most 36 tokens, one after another.
    assert 0 < came.seconds < 3 * 36 * 0.01
    # The fake's cache has no limit.
    assert came.engine == came.engine_peak == 0
    assert len(on_model.row("REBASE", [came])) == len(on_model.HEADERS)
