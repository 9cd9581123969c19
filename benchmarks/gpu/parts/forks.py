"""First tokens of 64 forks of one context, beside those of 64 contexts that share nothing.

    forks       ████████████████─┬─██        unrelated   ████████████████──██
                                 ├─██                    ████████████████──██
                                 └─██                    ████████████████──██

Nothing of either is in the cache before, and all are asked at the same time. What the forks compute is counted by what
the engine says of its cached tokens, beside the different tokens in their trie. vLLM shares full blocks only: of a
context that ends within a block, each fork computes the last tokens again. The second figure tells what that costs.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from engines import STREAMED, Context, Engine, Segment
from engines.block_trie import BlockTrie

from ..calls import exactly, fresh_ids
from ..errors import require
from ..figure import Figure
from ..part import Setting
from ..timing import collected, ratio, together

FORKS = 64
LENGTH = 4096
# What each fork adds, such as a question about the context.
OWN = 32
MOST_COMPUTED = 1.01
LEAST_SOONER = 4

_REPEATS = 5
_SECONDS = 120
_FORKS, _WITHIN, _UNRELATED = "forks", "within a block", "unrelated"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTokens:
    """How some contexts came to their first tokens.

    Attributes:
        seconds: Until all of them had one.
        mean: Seconds on average.
        prompt: Tokens of all contexts.
        computed: Of these, those that were not in the cache.
        unique: Different ones in the trie of the contexts.
    """

    seconds: float
    mean: float
    prompt: int
    computed: int
    unique: int


async def measure(setting: Setting) -> list[Figure]:
    """Tokens computed over those of the trie, and how much sooner forks have their first tokens."""
    engine = await setting.engine()
    block = engine.capabilities.block_size
    require(block is not None, f"{engine.model} does not tell the size of its blocks")
    width, length = setting.sized(FORKS, 4), setting.sized(LENGTH, 256)
    require(not length % (block or 1), f"{length} tokens end within a block of {block}")
    beyond = (block or 1) // 2
    setting.say(f"forks: {width} first tokens, after {length} tokens each")

    async def forks(more: int, name: str) -> FirstTokens:
        return await first_tokens(engine, forks_of(name, width, length + more))

    async def unrelated(name: str) -> FirstTokens:
        alone = [forks_of(f"{name}, {i}", 1, length) for i in range(width)]
        return await first_tokens(engine, [fork for forks in alone for fork in forks])

    runs: dict[str, Callable[[str], Awaitable[FirstTokens]]] = {
        _FORKS: partial(forks, 0),
        _WITHIN: partial(forks, beyond),
        _UNRELATED: unrelated,
    }
    found = await collected(runs, repeats=setting.sized(_REPEATS, 1), within=_SECONDS)
    _check(found[_FORKS], found[_WITHIN], found[_UNRELATED])
    several = f"{width} forks of {length:,} tokens"
    within = f"{width} forks of {length + beyond:,} tokens, which end within a block of {block}"
    return [
        _computed(f"{several}: prefill", found[_FORKS], goal=MOST_COMPUTED),
        _computed(f"{within}: prefill", found[_WITHIN]),
        *_sooner(several, f"{width} unrelated", found[_FORKS], found[_UNRELATED]),
    ]


def forks_of(name: str, width: int, length: int) -> list[Context]:
    """Forks of a context of so many tokens that no other name has, each with a few tokens of its own."""
    context = Context(Segment("user", "", fresh_ids(name, length)), name=name)
    return [
        context.fork(str(i), Segment("user", "", fresh_ids(f"{name}/{i}", OWN)))
        for i in range(width)
    ]


async def first_tokens(engine: Engine, contexts: Sequence[Context]) -> FirstTokens:
    """Asks for all of them at the same time."""
    seconds: list[float] = []
    cached: list[int | None] = []

    async def ask(context: Context) -> None:
        usage = (await exactly(engine, context, 1, STREAMED)).usage
        seconds.append(anyio.current_time() - start)
        cached.append(usage.cached_tokens)

    start = anyio.current_time()
    await together([partial(ask, context) for context in contexts])
    known = [tokens for tokens in cached if tokens is not None]
    require(len(known) == len(contexts), f"{engine.model} does not tell what was cached")
    prompt = sum(len(context.token_ids) for context in contexts)
    return FirstTokens(
        seconds=max(seconds),
        mean=statistics.mean(seconds),
        prompt=prompt,
        computed=prompt - sum(known),
        unique=_unique(contexts),
    )


def _unique(contexts: Sequence[Context]) -> int:
    """Different tokens in the trie of some contexts: its blocks, if each is one token."""
    trie = BlockTrie(1)
    for context in contexts:
        trie.add(context)
    return trie.blocks


def _check(
    forks: Sequence[FirstTokens], within: Sequence[FirstTokens], unrelated: Sequence[FirstTokens]
) -> None:
    for found in (*forks, *within, *unrelated):
        require(
            found.computed >= found.unique,
            f"{found.unique - found.computed} tokens were in the cache before",
        )
    for found in unrelated:
        shared = found.prompt - found.computed
        require(not shared, f"contexts that are unrelated share {shared} tokens")


def _computed(what: str, found: Sequence[FirstTokens], goal: float | None = None) -> Figure:
    # The round that computed the most.
    worst = max(found, key=lambda one: one.computed / one.unique)
    return Figure(
        what=what,
        beside="the unique tokens of their trie",
        value=worst.computed / worst.unique,
        goal=goal,
        better="less",
        detail=f"{worst.computed:,} of {worst.prompt:,} tokens computed, {worst.unique:,} unique",
        data={
            "computed": [one.computed for one in found],
            "unique": [one.unique for one in found],
            "prompt": [one.prompt for one in found],
        },
    )


def _sooner(
    forks: str, others: str, found: Sequence[FirstTokens], unrelated: Sequence[FirstTokens]
) -> list[Figure]:
    ends = [one.seconds for one in found], [one.seconds for one in unrelated]
    means = [one.mean for one in found], [one.mean for one in unrelated]
    return [
        _faster(f"{forks}: all first tokens", others, *ends, goal=LEAST_SOONER),
        _faster(f"{forks}: a first token on average", others, *means),
    ]


def _faster(
    what: str,
    beside: str,
    seconds: Sequence[float],
    others: Sequence[float],
    goal: float | None = None,
) -> Figure:
    return Figure(
        what=what,
        beside=beside,
        value=ratio(others, seconds),
        goal=goal,
        detail=f"{statistics.median(seconds):.3f} beside {statistics.median(others):.3f} s",
        data={"seconds": list(seconds), "seconds_unrelated": list(others)},
    )
