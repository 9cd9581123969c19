"""Tokens a second with the width that finds itself, beside the best fixed one.

    clients ─> a limit on calls, fixed ────────────> 64, 256, 512, 1024 at once ─> the best of them ─┐
            └> the same limit, adapting from 128 ──> looks for its width ─> rests there ─────────────┴─> ratio

A thousand clients call one after another all the time, with lengths of their own, so that calls begin and end all the
time. The limit is what an agent has when it is given none, and the command line with `--width auto`. It is measured
once it has found its width; what its search costs is told beside. The best fixed width is measured before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from benchmarks.width import Clients
from engines import (
    AdaptiveLimiter,
    Engine,
    WidthController,
    WidthPolicy,
    converse,
)

from ..errors import require
from ..figure import Figure
from ..measured import MeasuredEngine
from ..part import Setting

GOAL = 0.95
_QUESTION = "Tell a story of a thousand clients who all want something else at the same time. " * 4
_LOOK = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured.

    Attributes:
        clients: How many there are.
        widths: The fixed ones.
        policy: Where the search begins and ends.
        tokens: Of a call, on average.
        settle: Seconds in which a width fills up.
        window: Seconds in which tokens are counted.
        search: Seconds after which the width is taken that has been found by then.
    """

    clients: int = 1024
    widths: Sequence[int] = (64, 256, 512, 1024)
    policy: WidthPolicy = WidthPolicy()
    tokens: int = 128
    settle: float = 2
    window: float = 6
    search: float = 60


FULL = Sizes()
SMALL = Sizes(
    clients=8,
    widths=(1, 2, 4, 8),
    policy=WidthPolicy(narrowest=1, start=2, widest=8),
    tokens=4,
    settle=0.5,
    window=2,
    search=15,
)


async def measure(setting: Setting) -> list[Figure]:
    """The rate at the width that was found, and the rate while it was looked for."""
    sizes = SMALL if setting.small else FULL
    engine = await setting.engine()
    setting.say(f"adaptive-width: {sizes.clients} clients, fixed widths and the adaptive one")
    return await compared(engine, sizes)


async def compared(engine: Engine, sizes: Sizes) -> list[Figure]:
    """Measures all widths with the same clients.

    Args:
        engine: Answers them.
        sizes: How much is measured.
    """
    mine = MeasuredEngine(engine, "widths")
    prompt = await converse(mine, [("user", _QUESTION), ("assistant", "")])
    limiter = AdaptiveLimiter(engine, WidthController(sizes.policy))
    clients = Clients(engine, prompt, sizes.clients, sizes.tokens)
    widths = _Widths(limiter, clients, sizes)
    async with anyio.create_task_group() as group:
        group.start_soon(clients.work, limiter)
        fixed = {width: await widths.fixed(width) for width in sizes.widths}
        best = max(fixed, key=fixed.__getitem__)
        found = await widths.adaptive()
        again = await widths.fixed(best)
        group.cancel_scope.cancel()
    return _figures(sizes, fixed, again, found)


@dataclass(frozen=True, slots=True)
class Adapted:
    """What became of a width that finds itself.

    Attributes:
        seconds: That the search took.
        searching: Tokens a second meanwhile.
        resting: Whether it ended by itself.
        width: What it found.
        rate: Tokens a second from then on.
        known: Tokens a second by width, as the search measured them.
    """

    seconds: float
    searching: float
    resting: bool
    width: int
    rate: float
    known: dict[int, float]


class _Widths:
    """One limit for clients that never stop.

    Args:
        limiter: The limit.
        clients: Those who call.
        sizes: How much is measured.
    """

    def __init__(self, limiter: AdaptiveLimiter, clients: Clients, sizes: Sizes) -> None:
        self._limiter = limiter
        self._clients = clients
        self._sizes = sizes

    async def fixed(self, width: int) -> float:
        """Tokens a second where so many calls run."""
        self._limiter.resize(width)
        # Calls that run go on, also where they are more than the new limit.
        await _wait_until(lambda: self._limiter.statistics().running <= width)
        await anyio.sleep(self._sizes.settle)
        return await self._rate()

    async def adaptive(self) -> Adapted:
        """Lets the limit find itself, and measures it there while it goes on to adapt."""
        limiter, clients = self._limiter, self._clients
        limiter.resize(limiter.controller.width)
        before, start = await clients.generated(), anyio.current_time()
        async with anyio.create_task_group() as group:
            group.start_soon(limiter.adapt)
            with anyio.move_on_after(self._sizes.search):
                await _wait_until(lambda: limiter.controller.statistics().resting)
            seconds = anyio.current_time() - start
            searching = (await clients.generated() - before) / seconds
            found = limiter.controller.statistics()
            rate = await self._rate()
            group.cancel_scope.cancel()
        return Adapted(seconds, searching, found.resting, found.width, rate, found.rates)

    async def _rate(self) -> float:
        rate = await self._clients.rate(self._sizes.window)
        require(rate > 0, "the engine generated nothing while tokens were counted")
        return rate


async def _wait_until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 -- nobody would tell
        await anyio.sleep(_LOOK)


def _by_text(rates: dict[int, float]) -> dict[str, float]:
    """As JSON has it."""
    return {str(width): rate for width, rate in rates.items()}


def _figures(sizes: Sizes, fixed: dict[int, float], again: float, found: Adapted) -> list[Figure]:
    width = max(fixed, key=fixed.__getitem__)
    best = (fixed[width] + again) / 2
    beside = f"the best fixed width, {width} of {', '.join(map(str, fixed))}"
    data = {
        "fixed": _by_text(fixed),
        "best_again": again,
        "adaptive": found.rate,
        "searching": found.searching,
        "search_seconds": found.seconds,
        "resting": found.resting,
        "width": found.width,
        "known": _by_text(found.known),
    }
    ended = f"at {found.width}, found after" if found.resting else "still looking for a width after"
    rates = "; ".join(f"{width}: {rate:,.0f}" for width, rate in fixed.items())
    return [
        Figure(
            what=f"{sizes.clients} clients, adaptive width",
            beside=beside,
            value=found.rate / best,
            goal=GOAL,
            detail=f"{found.rate:,.0f} {ended} {found.seconds:.0f} s, beside {best:,.0f} tokens/s ({rates})",
            data=data,
        ),
        Figure(
            what=f"{sizes.clients} clients, adaptive width while it is looked for",
            beside=beside,
            value=found.searching / best,
            detail=f"{found.searching:,.0f} beside {best:,.0f} tokens/s, for {found.seconds:.0f} s",
            data=data,
        ),
    ]
