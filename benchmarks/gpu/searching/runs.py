"""Several searches of made-up thoughts at the same time on one engine, timed, with the KV blocks that they took.

problem 0 ─> TreeSearch ─┐
problem 1 ─> TreeSearch ─┼─> engine ─> steps of the lengths that the world says
    ...                  ┘      └────> blocks in use, looked at
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from benchmarks.game24.kv_of_search import waves_of
from engines import Context, Engine, Role, Usage, converse, single_error
from reasoning import Answer, Branch
from reasoning.scoring.check import Check
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.tree_search import TreeSearch

from ..errors import require
from ..measured import MeasuredEngine
from ..timing import together
from .blocks_in_use import BlocksInUse, blocks_in_use
from .made_up_thoughts import DrawnSteps, World, rewarded, same_word

# As long as a problem of MATH is on average, some 85 tokens.
_QUESTION = (
    "A rectangular garden is twice as long as it is wide, and a gravel path one metre wide runs around it on the "
    "outside. The area of the path is 82 square metres. Along the outer edge of the path posts are set, one at each "
    "corner and the others at equal distances of at most 3 metres. What is the least number of posts, and how many "
    "square metres does the garden have without the path?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is searched.

    Attributes:
        world: Says what thoughts are like.
        problems: How many are searched at the same time.
        width: Of each search.
        blocks: The KV blocks that the engine was opened with.
    """

    world: World
    problems: int
    width: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the searches of a load.

    Attributes:
        problems: That were searched.
        fraction: The share of its steps that each wave waited for.
        seconds: Until the last of them had its answer.
        steps: Of all of them.
        usage: What these cost.
        solved: How many answers are right.
        use: The engine's own count of its blocks.
        kept: Blocks of the tree that a selection kept, the question's left out, on average over the waves of a search:
            what the paper counts. None without barriers, where there are no such waves.
    """

    problems: int
    fraction: float
    seconds: float
    steps: int
    usage: Usage
    solved: int
    use: BlocksInUse
    kept: float | None

    @property
    def tokens_per_second(self) -> float:
        """Generated."""
        return self.usage.generated_tokens / self.seconds

    @property
    def computed(self) -> int:
        """Tokens of prompts that were not in the cache when their calls began."""
        return self.usage.prompt_tokens - (self.usage.cached_tokens or 0)

    def to_json(self) -> dict[str, float]:
        """Its numbers."""
        return {
            "seconds": self.seconds,
            "steps": self.steps,
            "tokens": self.usage.generated_tokens,
            "computed_prompt_tokens": self.computed,
            "solved": self.solved,
            "mean_blocks": self.use.mean,
            "peak_blocks": self.use.peak,
            "mean_running": self.use.running,
            "mean_waiting": self.use.waiting,
            "kept_blocks": self.kept or 0.0,
        }


async def searched(
    engine: Engine, rule: SelectionRule, load: Load, name: str, fraction: float = 1.0
) -> Found:
    """Searches all problems of a load.

    Args:
        engine: Idle.
        rule: Selects.
        load: What is searched.
        name: Unlike that of any other run on the engine.
        fraction: The share of its steps that a wave waits for.

    Raises:
        Mismeasured: A step was not taken, or was not as long as it should be.
    """
    done: list[_Done] = []
    searches = [
        partial(_search, engine, rule, load, f"{name}-{number}", number, fraction, done)
        for number in range(load.problems)
    ]
    with single_error():
        async with blocks_in_use(engine, load.blocks) as use:
            seconds = await together(searches)
    steps = sum(one.steps for one in done)
    if fraction == 1:
        wanted = load.problems * load.width * load.world.depth
        require(steps == wanted, f"{name}: {steps} steps were taken instead of {wanted}")
    size = engine.capabilities.block_size
    kept = [_kept(one, size) for one in done] if fraction == 1 and size else []
    return Found(
        problems=load.problems,
        fraction=fraction,
        seconds=seconds,
        steps=steps,
        usage=sum((one.answer.usage for one in done), Usage()),
        solved=sum(one.answer.value == "right" for one in done),
        use=use,
        kept=fmean(kept) if kept else None,
    )


@dataclass(frozen=True, slots=True)
class _Done:
    """A search that has ended."""

    answer: Answer
    prompt: Context
    steps: int


async def _search(
    engine: Engine,
    rule: SelectionRule,
    load: Load,
    name: str,
    number: int,
    fraction: float,
    done: list[_Done],
) -> None:
    own = MeasuredEngine(engine, name)
    # The template of the model would begin with a turn of the system that all have.
    question = await converse(own, [("system", "Think in steps."), ("user", _QUESTION)], name=name)
    search = TreeSearch(
        rule=rule,
        scorer=Check(check=rewarded),
        stepper=DrawnSteps(load.world, f"problem {number}"),
        width=load.width,
        max_depth=load.world.depth,
        max_tokens=load.world.depth * load.world.most,
        fraction=fraction,
        equality=same_word,
    )
    answer = await search.solve(question, own)
    own.check()
    lost = [branch.reason for branch in _all(answer.branches) if branch.status == "failed"]
    require(not lost, f"{name}: {len(lost)} steps were lost, the first: {lost and lost[0]}")
    # What all thoughts follow, as the search makes it of the question.
    turns: list[tuple[Role, str]] = [("user", search.instruction), ("assistant", "")]
    prompt = await converse(own, turns, after=question)
    done.append(_Done(answer, prompt, own.calls))


def _all(branches: Sequence[Branch]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        if branch.answer is not None:
            yield from _all(branch.answer.branches)


def _kept(one: _Done, block_size: int) -> float:
    """Where all steps of a wave are as deep, the tree says what there was."""
    return fmean(waves_of(one.answer.branches, one.prompt, block_size).kept)
