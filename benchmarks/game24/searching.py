"""One search of one puzzle, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.game24.kv_of_search import waves_of
from benchmarks.game24.proposer import STEP_END, Proposer
from benchmarks.game24.verifier import verifier
from benchmarks.planners.scenarios import DATA
from engines import Context, Engine, FakeEngine, Role, Sampling, converse
from evals.game24 import Numbers, makes_24, numbers_of, same_value
from reasoning import Branch
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch

BLOCK = 16
INSTRUCTION = "\n\nMake 24 of these numbers by + - * /, each of them once."
# Three moves and an answer.
STEPS = 4


@dataclass(frozen=True)
class Puzzle:
    """A row of the file."""

    numbers: Numbers
    rank: int
    test: bool

    @property
    def text(self) -> str:
        """As it is asked."""
        return " ".join(map(str, self.numbers))


@dataclass(frozen=True)
class World:
    """How good the proposer and the verifier are.

    The defaults are near GPT-4 in Tree of Thoughts' logs on the test puzzles. Of the moves that it proposes, 25, 20 and
    25 % keep 24 within reach at the first, second and third step, if the step before did; of these, 25, 22 and 23 %.
    Of a promising and a hopeless thought it values the promising one higher in 72, 93 and 93 of 100 cases; this
    verifier in 86. It repeats itself less: its first moves lead to 8 different states, GPT-4's samples to 3 (the
    exponential of the entropy).

    Attributes:
        skill: See `Proposer`.
        taste: See `Proposer`.
        habit: See `Proposer`.
        deviation: See `verifier`.
    """

    skill: float = 0.8
    taste: float = 0.5
    habit: float = 2.0
    deviation: float = 2.0


@dataclass(frozen=True)
class Searched:
    """What came of one search.

    Attributes:
        solved: Whether its answer is right.
        found: Whether any of its thoughts came to a right answer.
        blocks: KV blocks of the tree that it kept after a selection, on average over its waves.
        peak: The most of them.
        grown: KV blocks at the end of a wave, before the selection, on average.
        tokens: Generated.
    """

    solved: bool
    found: bool
    blocks: float
    peak: int
    grown: float
    tokens: int


def puzzles() -> list[Puzzle]:
    """All that are in the file, in its order: by how many people solve them."""
    lines = (DATA / "game24.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    return [Puzzle(numbers_of(r["problem"]), r["rank"], r["tot_test_split"]) for r in rows]


async def searched(
    puzzle: Puzzle, rule: SelectionRule, width: int, seed: int, world: World
) -> Searched:
    """Searches with the programmatic proposer and verifier; the same in every run."""
    proposer = Proposer(puzzle.numbers, skill=world.skill, taste=world.taste, habit=world.habit)
    search = TreeSearch(
        rule=rule,
        scorer=verifier(puzzle.numbers, world.deviation, seed),
        stepper=ModelSteps(sampling=Sampling(seed=seed), ends=(STEP_END,)),
        width=width,
        max_depth=STEPS,
        instruction=INSTRUCTION,
        equality=same_value,
    )
    engine = FakeEngine(proposer, chunk_tokens=1_000, block_size=BLOCK)
    question = await converse(engine, [("user", puzzle.text)], name="puzzle")
    return await came_of(search, puzzle, question, engine)


async def came_of(
    search: TreeSearch, puzzle: Puzzle, question: Context, engine: Engine
) -> Searched:
    """Searches on any engine whose contexts have token ids."""
    answer = await search.solve(question, engine)
    prompt = await prompted(search, question, engine)
    waves = waves_of(answer.branches, prompt, engine.capabilities.block_size or BLOCK)
    return Searched(
        solved=not answer.truncated and makes_24(puzzle.numbers, answer.final),
        found=any(makes_24(puzzle.numbers, value) for value in final_answers(answer.branches)),
        blocks=fmean(waves.kept or [0]),
        peak=max(waves.kept, default=0),
        grown=fmean(waves.grown),
        tokens=answer.usage.generated_tokens,
    )


async def prompted(search: TreeSearch, question: Context, engine: Engine) -> Context:
    """What all thoughts of a search follow, as the search makes it of the question."""
    turns: list[tuple[Role, str]] = [("user", search.instruction), ("assistant", "")]
    return await converse(engine, turns, after=question)


def final_answers(branches: Sequence[Branch]) -> Iterator[str]:
    """Of all thoughts of a search."""
    for branch in branches:
        if branch.answer is not None:
            if branch.answer.value is not None:
                yield branch.answer.value
            yield from final_answers(branch.answer.branches)
