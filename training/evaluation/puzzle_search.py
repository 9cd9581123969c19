"""One search of one puzzle on a real engine: what came of it, what it took, and how good each of its steps was.

search ─> tree ─┬─> solved, tokens, KV blocks of what was kept
                └─> of each step: did it keep 24 within reach, and what did the judge say?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.game24.kv_of_search import waves_of
from benchmarks.game24.searching import final_answers, prompted
from engines import Engine, converse
from evals.game24 import makes_24, remaining
from reasoning import Branch, Scorer
from reasoning.searching.rules.rule import SelectionRule

from ..skills.games.moves import within_reach
from ..skills.games.puzzle import Puzzle
from ..skills.games.search import free_steps, guided_steps, search

# Where an engine knows no blocks.
_BLOCK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A way to search.

    Attributes:
        name: What it is called.
        rule: Chooses among thoughts.
        width: Steps at once.
        scorer: Judges the thoughts on a puzzle.
        guided: Whether steps are chosen among the legal moves; if not, the model writes them freely.
    """

    name: str
    rule: SelectionRule
    width: int
    scorer: Callable[[Puzzle], Scorer]
    guided: bool = True

    @property
    def described(self) -> Mapping[str, Any]:
        """What tells it from any other way, as JSON data; its name aside."""
        scorer = getattr(self.scorer, "__name__", repr(self.scorer))
        return {
            "rule": repr(self.rule),
            "width": self.width,
            "scorer": scorer,
            "guided": self.guided,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A move of a search.

    Attributes:
        depth: Which one of its thought, from 1 on.
        led_on: Whether the target was within reach before it.
        leads_on: Whether it still is.
        score: What the judge said, from 0 to 1; None if nothing.
    """

    depth: int
    led_on: bool
    leads_on: bool
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What came of a search.

    Attributes:
        solved: Whether its answer is right.
        found: Whether any of its thoughts came to a right answer.
        blocks: KV blocks of the tree that it kept after a selection, on average over its waves, the question left out.
        peak: The most of them.
        tokens: Generated, for steps and for judging.
        critical_path: Of these, one after another.
        moves: All of them.
    """

    solved: bool
    found: bool
    blocks: float
    peak: int
    tokens: int
    critical_path: int
    moves: Sequence[Taken]


async def searched(setting: Setting, puzzle: Puzzle, engine: Engine, seed: int) -> Searched:
    """Searches once.

    Raises:
        ForkjoinError: See `TreeSearch.solve`.
    """
    stepper = guided_steps(puzzle, seed) if setting.guided else free_steps(seed)
    method = search(stepper, setting.scorer(puzzle), setting.rule, setting.width)
    question = await converse(engine, [("user", puzzle.asked)], name=puzzle.problem.id)
    answer = await method.solve(question, engine)
    prompt = await prompted(method, question, engine)
    waves = waves_of(answer.branches, prompt, engine.capabilities.block_size or _BLOCK)
    return Searched(
        solved=not answer.truncated and makes_24(puzzle.numbers, answer.final),
        found=any(makes_24(puzzle.numbers, value) for value in final_answers(answer.branches)),
        blocks=fmean(waves.kept or [0]),
        peak=max(waves.kept, default=0),
        tokens=answer.usage.generated_tokens,
        critical_path=answer.critical_path,
        moves=list(_moves(answer.branches, puzzle, "", 1, led_on=True)),
    )


def _moves(
    branches: Sequence[Branch], puzzle: Puzzle, thought: str, depth: int, *, led_on: bool
) -> Iterator[Taken]:
    """The moves of thoughts that go on from one; the step behind the last move is none."""
    if depth >= len(puzzle.numbers):
        return
    for branch in branches:
        if branch.answer is not None:
            said = thought + branch.answer.text
            left = remaining(puzzle.left, said)
            leads_on = left is not None and within_reach(left, puzzle.target)
            score = (
                branch.score if branch.score is not None and math.isfinite(branch.score) else None
            )
            yield Taken(depth=depth, led_on=led_on, leads_on=leads_on, score=score)
            yield from _moves(branch.answer.branches, puzzle, said, depth + 1, led_on=leads_on)
