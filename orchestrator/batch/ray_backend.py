"""Rows answered by actors on a Ray cluster that runs already, one engine each.

    rows ─> handing out ─┬─> actor on a GPU ─┐
                         ├─> actor on a GPU ─┼─> finished
                         └─> actor on a GPU ─┘
                  ^              │ dies
                  └──────────────┘ its rows are given to others, and another actor takes its place

The driver has only as many rows as keep the actors busy. What an actor does with a row is what a backend in one
process does with it. It does not know how Ray is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import anyio

from engines import EngineDead, RunError, UsageError, single_error

from ..commands.call_options import budget_of
from .batch_settings import BatchSettings
from .handing_out import HandingOut
from .output_lines import error_line
from .ray_actors import Ended, Needs, Supply, connected
from .row import Finished, Row

_DEATHS_IN_A_ROW = 5
"""So many actors may die one after another in one place without a finished row."""
_TELLING_SECONDS = 30.0
_PATIENCE_SECONDS = 600.0
"""How long a batch waits for a place for an actor while it has none at all."""


class Actor(Protocol):
    """An actor as the backend uses it. Its end is data, whatever ends it."""

    async def begin(self) -> Ended | None:
        """Waits until it has a place, where its engine opens."""
        ...

    async def opened(self) -> int | Ended:
        """Waits until its engine is open, and says how many rows keep it busy."""
        ...

    async def exchange(self, rows: list[Row]) -> list[Finished] | Ended:
        """Gives it rows, and waits until some of those that it has are finished."""
        ...


class Cluster(Protocol):
    """Where actors run."""

    async def supply(self) -> Supply:
        """What it has."""
        ...

    def actor(self, settings: BatchSettings, needs: Needs) -> AbstractAsyncContextManager[Actor]:
        """An actor, for as long as the block."""
        ...


def _tell_nobody(line: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Slots:
    """The actors of a batch.

    Attributes:
        count: How many.
        needs: What each takes one of.
    """

    count: int
    needs: Needs

    @classmethod
    def on(cls, supply: Supply, engine: str, actors: int | None) -> Slots:
        """One for each GPU, or processor where there are no GPUs; for a server's clients, one for each machine."""
        remote = engine.startswith(("http://", "https://"))
        needs: Needs = "GPU" if supply.total["GPU"] and not remote else "CPU"
        return cls(
            count=actors or (supply.machines if remote else supply.total[needs]) or 1, needs=needs
        )


class RayBackend:
    """Answers rows on a Ray cluster; see `Backend`.

    A budget is split evenly over the actors. An actor that has used up its part leaves the rows to those that have not;
    when none has any left, no more rows are begun.
    One that takes the place of a dead one has the whole part again; seconds count from when an actor's engine is open.

    Args:
        settings: How rows are answered.
        actors: How many engines; None takes as many as the cluster has GPUs, or processors if it has none.
        opened: Called when the first engine is there.
        say: Hears in a line what somebody who waits should know.
        connect: Gives the cluster.
    """

    def __init__(
        self,
        settings: BatchSettings,
        *,
        actors: int | None = None,
        opened: Callable[[], object] = lambda: None,
        say: Callable[[str], object] = _tell_nobody,
        connect: Callable[[], AbstractAsyncContextManager[Cluster]] = connected,
    ) -> None:
        self._settings = settings
        self._actors = actors
        self._opened = opened
        self._say = say
        self._connect = connect

    async def run(self, rows: Iterator[Row], finished: Callable[[Finished], None]) -> None:
        """Answers all rows; see `Backend`.

        Raises:
            UsageError: There is no cluster, or no engine can be opened with these settings.
            RunError: No actor gets a place, or actors die one after another.
        """
        async with self._connect() as cluster:
            engine = self._settings.options["engine"]
            slots = Slots.on(await cluster.supply(), engine, self._actors)
            settings = share_of(self._settings, slots.count)
            told = (finished, self._opened, self._say)
            self._say(f"starting {slots.count:,} engine{'s' * (slots.count > 1)} on Ray")
            await _Pool(cluster, slots, settings, HandingOut(rows), *told).run()


class _Pool:
    """The actors of one batch, each in a slot, where another one follows it when it dies."""

    def __init__(
        self,
        cluster: Cluster,
        slots: Slots,
        settings: BatchSettings,
        rows: HandingOut,
        finished: Callable[[Finished], None],
        opened: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self._cluster = cluster
        self._slots = slots
        self._settings = settings
        self._rows = rows
        self._finished = finished
        self._opened = opened
        self._say = say
        self._deaths = [0] * slots.count
        self._placed: set[int] = set()
        self._poor: set[int] = set()
        self._any_opened = False
        self._changed = anyio.Event()

    async def run(self) -> None:
        with single_error():
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch_places)
                for slot in range(self._slots.count):
                    group.start_soon(self._serve, slot)
                while not self._rows.ended:
                    await self._changed.wait()
                group.cancel_scope.cancel()

    async def _serve(self, slot: int) -> None:
        """Has one actor after another in a slot."""
        while True:
            async with self._cluster.actor(self._settings, self._slots.needs) as actor:
                ended = await self._use(slot, actor)
            self._placed.discard(slot)
            self._poor.discard(slot)
            if not ended.replaceable:
                raise (UsageError if ended.exit_code == UsageError.exit_code else RunError)(
                    ended.reason
                )
            self._bury(slot, ended)

    async def _use(self, slot: int, actor: Actor) -> Ended:
        """Has an actor answer rows until it ends."""
        if ended := await actor.begin():
            return ended
        self._placed.add(slot)
        busy = await actor.opened()
        if isinstance(busy, Ended):
            return busy
        if not self._any_opened:
            self._any_opened = True
            self._opened()
        while True:
            if slot in self._poor and self._others_can_pay():
                self._rows.pause(slot)
                rows = []
            else:
                rows = self._rows.take(slot, busy)
            if not self._rows.count(slot):
                await self._wait_for_change()
                continue
            back = await actor.exchange(rows)
            if isinstance(back, Ended):
                return back
            self._keep(slot, back)

    def _keep(self, slot: int, back: list[Finished]) -> None:
        """Rows have come back."""
        self._deaths[slot] = 0
        for row in back:
            if row.out_of:
                self._poor.add(slot)
                if self._others_can_pay():
                    self._rows.give_back(slot, row.line)
                    continue
                self._rows.stop()
            self._finished(row)
            self._rows.done(slot, row.line)
        self._announce()

    def _others_can_pay(self) -> bool:
        """Whether there are actors of whose part of the budget something is left."""
        return not self._placed <= self._poor

    def _bury(self, slot: int, ended: Ended) -> None:
        """An actor has died.

        Raises:
            RunError: It was one of many.
        """
        self._deaths[slot] += 1
        count = self._rows.count(slot)
        guilty = self._rows.lost(slot)
        if guilty is not None:
            error = EngineDead(
                f"every actor that had this row alone died, the last: {ended.reason}"
            )
            text = error_line(guilty.line, guilty.id, guilty.kind, error)
            self._finished(Finished(line=guilty.line, end="failed", text=text))
        if self._deaths[slot] == _DEATHS_IN_A_ROW:
            raise RunError(
                f"{_DEATHS_IN_A_ROW} actors died one after another before they finished a row, the last: {ended.reason}"
            )
        self._say(f"an actor died, and its {count:,} rows are given out again: {ended.reason}")
        self._announce()

    async def _watch_places(self) -> None:
        """Says what actors wait for.

        Raises:
            RunError: For too long, there has been no place for any.
        """
        needs, waited, told = self._slots.needs, 0.0, False
        while True:
            await anyio.sleep(_TELLING_SECONDS)
            waited = 0.0 if self._placed else waited + _TELLING_SECONDS
            if len(self._placed) == self._slots.count or (self._placed and told):
                continue
            told = True
            supply = await self._cluster.supply()
            line = (
                f"{len(self._placed)} of {self._slots.count} actors have a place, the others wait for a {needs} "
                f"each: {supply.free[needs]} of {supply.total[needs]} are free on the Ray cluster"
            )
            if waited >= _PATIENCE_SECONDS:
                raise RunError(f"given up after {waited:.0f} s: {line}")
            self._say(line)

    async def _wait_for_change(self) -> None:
        """Waits until rows have come back, or none ever will."""
        if self._rows.ended:
            self._announce()
        await self._changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def share_of(settings: BatchSettings, actors: int) -> BatchSettings:
    """The settings of one of so many actors, with its part of the budget.

    Raises:
        UsageError: There is too little of it to be split.
    """
    budget = budget_of(settings.arguments)
    parts = {
        name: limit
        for name, limit in (
            ("tokens", budget.tokens and budget.tokens // actors),
            ("calls", budget.calls and budget.calls // actors),
            ("seconds", budget.seconds),
            ("money", budget.money and budget.money / actors),
        )
        if limit is not None
    }
    if 0 in parts.values():
        raise UsageError(
            f"--budget {settings.options['budget']}: it is split evenly over {actors} actors: too little for that"
        )
    text = ",".join(f"{name}={limit}" for name, limit in parts.items()) or None
    return replace(settings, options={**settings.options, "budget": text})
