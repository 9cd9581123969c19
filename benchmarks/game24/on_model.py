"""The same searches with a real model, which proposes under a grammar of legal moves; KV blocks by three counts.

thought ─> what is left ─> the constraint: one of its legal moves, as a line ─> the model's step

A move that the grammar allows is legal, so that even a small model plays by the rules; which move it takes is its own
choice. The thought ends with its third move, and its answer is the expression of its moves.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import Any, TypeVar, cast

import anyio

from benchmarks.game24.searching import Puzzle, Searched, World, came_of, prompted
from benchmarks.game24.verifier import verifier
from engines import Constraint, Engine, Sampling, converse
from engines.wrappers.kv_meter import MeteredEngine
from evals.game24 import Numbers, expression_of, move_lines, remaining, same_value
from reasoning.searching.guided_steps import GuidedSteps
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch

EXAMPLES = """Make 24 of four numbers by + - * /, each of them once. Write a move a line, and what it leaves.

3 4 5 8
5 - 4 = 1 (left: 1 3 8)
3 * 8 = 24 (left: 1 24)
24 / 1 = 24 (left: 24)

2 6 7 9
9 - 7 = 2 (left: 2 2 6)
2 * 6 = 12 (left: 2 12)
2 * 12 = 24 (left: 24)

"""
MOVES = 3
# There are examples before it, and nothing to add.
_INSTRUCTION = "\n"
# Between two looks at the engine's own count.
_SECONDS = 0.01

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """A search on a real engine.

    Attributes:
        searched: What came of it, with the blocks of the trees that it kept.
        live: Blocks of its calls while they ran, by the meter, the question's left out: their mean over time.
        live_peak: The most of them.
        engine: Blocks in use by the engine's own count, the question's included: their mean over time.
        engine_peak: The most that was seen.
        seconds: How long it took.
    """

    searched: Searched
    live: float
    live_peak: int
    engine: float
    engine_peak: float
    seconds: float


def cache_blocks(engine: Engine) -> int:
    """Blocks in vLLM's cache; its first one is never used."""
    return int(cast(Any, engine)._llm.vllm_config.cache_config.num_gpu_blocks) - 1


def moves_of(numbers: Numbers, temperature: float, seed: int) -> GuidedSteps:
    """A model's steps under the grammar of the legal moves."""

    def constraint(thought: str) -> Constraint | None:
        left = remaining(numbers, thought)
        return move_lines(left) if left is not None and len(left) > 1 else None

    return GuidedSteps(
        constraint=constraint,
        steps=ModelSteps(sampling=Sampling(temperature=temperature, seed=seed), ends=()),
        answer=partial(expression_of, numbers),
    )


async def measured(
    puzzle: Puzzle,
    rule: SelectionRule,
    width: int,
    seed: int,
    world: World,
    engine: Engine,
    blocks: int,
) -> Measured:
    """One search.

    Args:
        puzzle: What is asked.
        rule: The rule.
        width: Steps at once.
        seed: Of the model and of the verifier's noise.
        world: How good the verifier is.
        engine: Thinks; it has nothing else to do.
        blocks: In its KV cache.
    """
    search = TreeSearch(
        rule=rule,
        scorer=verifier(puzzle.numbers, world.deviation, seed),
        stepper=moves_of(puzzle.numbers, temperature=1.0, seed=seed),
        width=width,
        max_depth=MOVES,
        instruction=_INSTRUCTION,
        equality=same_value,
    )
    question = await converse(engine, [("user", f"{EXAMPLES}{puzzle.text}")], name="puzzle")
    prompt = await prompted(search, question, engine)
    meter = MeteredEngine(engine, without=prompt, interval=1)
    seen = _Seen(engine, blocks)
    start = anyio.current_time()
    came = await seen.during(partial(came_of, search, puzzle, question, meter))
    use = meter.use
    assert use is not None
    return Measured(
        searched=came,
        live=use.mean,
        live_peak=use.peak,
        engine=fmean(seen.blocks or [0]),
        engine_peak=max(seen.blocks, default=0),
        seconds=anyio.current_time() - start,
    )


@dataclass
class _Seen:
    """What the engine says of itself, again and again."""

    engine: Engine
    cache_blocks: int
    blocks: list[float] = field(default_factory=list)

    async def during(self, call: Callable[[], Awaitable[T]]) -> T:
        async with anyio.create_task_group() as group:
            group.start_soon(self._look)
            came = await call()
            group.cancel_scope.cancel()
        return came

    async def _look(self) -> None:
        while True:
            statistics = await self.engine.statistics()
            if statistics.running:
                self.blocks.append(statistics.kv_usage * self.cache_blocks)
            await anyio.sleep(_SECONDS)


HEADERS = [
    "", "solved", "found", "kept", "peak", "live", "peak", "engine's", "peak", "tokens", "seconds",
]  # fmt: skip


def row(name: str, results: Sequence[Measured]) -> list[str]:
    """Means over searches."""
    came = [one.searched for one in results]
    figures = (
        fmean(one.blocks for one in came),
        fmean(one.peak for one in came),
        fmean(one.live for one in results),
        fmean(one.live_peak for one in results),
        fmean(one.engine for one in results),
        fmean(one.engine_peak for one in results),
    )
    return [
        name,
        f"{100 * fmean(one.solved for one in came):.0f} %",
        f"{100 * fmean(one.found for one in came):.0f} %",
        *(f"{figure:.1f}" for figure in figures),
        f"{fmean(one.tokens for one in came):.0f}",
        f"{fmean(one.seconds for one in results):.2f}",
    ]
