"""Two replicas behind a pool, beside one of them, and beside both in turns; each a vLLM server on a GPU of its own.

    questions ─> ReplicaPool ─┬─> server 0 ─> GPU 0       one replica: server 0 alone
      each forked, twice      └─> server 1 ─> GPU 1       round robin: a call here, the next one there

Every question is long, has a beginning of its own, and is asked by many calls: forks at the same time, and as many
again when these have ended. A replica runs no more calls at once than fill it, and there are always more than that for
two; so two can do twice as much, if neither waits for the other and neither computes what the other one has.
"""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial

import anyio

from engines import (
    STREAMED,
    Chunk,
    Context,
    Delivery,
    Engine,
    EngineWrapper,
    HttpEngine,
    ReplicaPool,
    Sampling,
    Segment,
    Usage,
)

from ..calls import exactly, fresh_ids
from ..figure import Figure
from ..part import Setting
from ..plain_vllm.served import served
from ..timing import collected, ratio, together

GOAL = 1.8
MOST_POINTS_LOST = 3

# So many calls run at once on a replica, the others wait there.
_SLOTS = 128
_OPTIONS = {"max_num_seqs": _SLOTS, "max_cudagraph_capture_size": _SLOTS}
_SMALL_OPTIONS = {"max_num_seqs": 4}
_REPEATS = 3
_SECONDS = 120
_ONE, _POOL, _ROBIN = "one replica", "pool", "round robin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is asked.

    Attributes:
        count: Questions.
        open: So many are worked on at any time.
        tokens: Of each, and of no other.
        forks: Calls at the same time, for each.
        rounds: So many times.
        own: Tokens that each call adds to its question.
        generated: Tokens of each answer.
    """

    count: int
    open: int
    tokens: int
    forks: int
    rounds: int
    own: int
    generated: int

    @property
    def calls(self) -> int:
        """For all of them."""
        return self.count * self.forks * self.rounds


_FULL = Questions(count=160, open=64, tokens=2048, forks=8, rounds=2, own=16, generated=64)
_SMALL = Questions(count=4, open=2, tokens=128, forks=2, rounds=2, own=8, generated=8)
# Enough for every server to have seen all sizes of batches.
_WARM_UP = Questions(count=32, open=32, tokens=512, forks=8, rounds=1, own=16, generated=16)


@dataclass(frozen=True, slots=True)
class Ran:
    """How the questions were answered.

    Attributes:
        seconds: For all of them.
        cached: The share of the prompts' tokens that was in a prefix cache.
    """

    seconds: float
    cached: float


class RoundRobinEngine(EngineWrapper):
    """One engine after the other, a call each; whatever else is asked, the first one answers.

    Args:
        engines: Which somebody else opens and closes.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        super().__init__(engines[0])
        self._turn = itertools.cycle(engines)

    def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The stream of the one whose turn it is."""
        return next(self._turn).stream(context, sampling, delivery)


async def measure(setting: Setting) -> list[Figure]:
    """Calls a second of two replicas over those of one, and the prefixes that they find in their caches."""
    places = _places(setting)
    if not places:
        setting.say("replicas: two GPUs are needed, and there are fewer: no figures")
        return []
    await setting.engines.close()
    own = _SMALL_OPTIONS if setting.small else _OPTIONS
    options = {**setting.usual, **own, **setting.options}
    async with AsyncExitStack() as stack:
        engines: list[Engine] = []
        # One after the other: the second one finds compiled what the first one has compiled.
        for number, environment in enumerate(places):
            setting.say(f"replicas: server {number} starts")
            server = await stack.enter_async_context(
                served(setting.model, options, environment=environment)
            )
            engines.append(await stack.enter_async_context(HttpEngine(server.url)))
        return await compare(setting, engines, _SMALL if setting.small else _FULL)


async def compare(
    setting: Setting, engines: Sequence[Engine], questions: Questions
) -> list[Figure]:
    """The figures of two engines that are open."""

    def ways() -> Mapping[str, Engine]:
        # A pool of its own for each run: it knows of no prefix and of no pace.
        return {
            _ONE: engines[0],
            _POOL: ReplicaPool(engines),
            _ROBIN: RoundRobinEngine(engines),
        }

    async def way(name: str, run: str) -> Ran:
        return await answered(ways()[name], questions, run)

    if not setting.small:
        for number, engine in enumerate(engines):
            await answered(engine, _WARM_UP, f"warm-up-{number}")
    setting.say(f"replicas: {questions.count} questions, {questions.calls} calls")
    found = await collected(
        {name: partial(way, name) for name in ways()},
        repeats=setting.sized(_REPEATS, 1),
        warm=0,
        within=_SECONDS,
    )
    what = (
        f"two replicas behind a pool, {questions.count} questions of {questions.tokens:,} tokens, "
        f"{questions.forks * questions.rounds} calls each"
    )
    return [
        _faster(what, questions, found[_POOL], found[_ONE], _ONE, GOAL),
        _faster(what, questions, found[_POOL], found[_ROBIN], f"{_ROBIN} over two", None),
        _lost(what, found),
    ]


async def answered(engine: Engine, questions: Questions, name: str) -> Ran:
    """Asks all questions, which no other name has."""
    left = iter(range(questions.count))
    costs: list[Usage] = []

    async def fork(question: Context, fork: str) -> None:
        own = Segment("user", "", fresh_ids(f"{question.path}/{fork}", questions.own))
        done = await exactly(engine, question.fork(fork, own), questions.generated)
        costs.append(done.usage)

    async def work() -> None:
        for number in left:
            path = f"{name}-{number}"
            question = Context(Segment("user", "", fresh_ids(path, questions.tokens)), name=path)
            for turn in range(questions.rounds):
                await together(
                    [partial(fork, question, f"{turn}-{i}") for i in range(questions.forks)]
                )

    start = anyio.current_time()
    await together([work] * questions.open)
    cached = sum(usage.cached_tokens or 0 for usage in costs)
    return Ran(anyio.current_time() - start, cached / sum(usage.prompt_tokens for usage in costs))


def _places(setting: Setting) -> list[Mapping[str, str]]:
    """Where each server runs, as variables of its environment; none where there is no room for two."""
    import torch

    count = torch.cuda.device_count()
    if count >= 2:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        names = visible.split(",") if visible else [str(number) for number in range(count)]
        return [{"CUDA_VISIBLE_DEVICES": name} for name in names[:2]]
    # To see that it works, two on one processor do.
    return [{}, {}] if setting.small and not count else []


def _faster(
    what: str,
    questions: Questions,
    pool: Sequence[Ran],
    other: Sequence[Ran],
    beside: str,
    goal: float | None,
) -> Figure:
    seconds, others = ([ran.seconds for ran in runs] for runs in (pool, other))
    tokens = questions.calls * questions.generated
    rates = [tokens / statistics.median(runs) for runs in (seconds, others)]
    return Figure(
        what=what,
        beside=beside,
        value=ratio(others, seconds),
        goal=goal,
        detail=f"{rates[0]:,.0f} beside {rates[1]:,.0f} tokens/s",
        data={"tokens": tokens, "seconds": seconds, "seconds_beside": others},
    )


def _lost(what: str, found: Mapping[str, Sequence[Ran]]) -> Figure:
    shares = {name: [100 * ran.cached for ran in runs] for name, runs in found.items()}
    one, pool, robin = (statistics.median(shares[name]) for name in (_ONE, _POOL, _ROBIN))
    return Figure(
        what=f"{what}: prefix hits lost",
        beside=_ONE,
        value=statistics.median(
            alone - shared for alone, shared in zip(shares[_ONE], shares[_POOL], strict=True)
        ),
        goal=MOST_POINTS_LOST,
        better="less",
        unit=" points",
        detail=f"{pool:.1f} beside {one:.1f} % of the prompts' tokens; {_ROBIN} {robin:.1f} %",
        data={f"cached_percent, {name}": values for name, values in shares.items()},
    )
