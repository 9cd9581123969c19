"""The actors of a batch, on a cluster without Ray, in virtual time: who gets rows, who follows whom, what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import RunError, UsageError
from orchestrator.batch.batch_settings import BatchSettings
from orchestrator.batch.ray_actors import Ended, Needs, Supply
from orchestrator.batch.ray_backend import RayBackend, Slots, share_of
from orchestrator.batch.row import Finished, Row
from orchestrator.openai_api.model_request import ModelRequest
from tests.backends import run_virtually

DEAD = Ended("its process is gone")


def settings(**options: object) -> BatchSettings:
    return BatchSettings({"engine": "mine:engine", "budget": None, "prices": None, **options})


def supply(*, cpus: int = 2, gpus: int = 0, machines: int = 1, free: int = 0) -> Supply:
    return Supply(
        machines=machines,
        total={"CPU": cpus, "GPU": gpus},
        free={"CPU": free, "GPU": free},
    )


def rows(count: int) -> list[Row]:
    asked = ModelRequest(turns=(), sampling={})
    return [Row(line=line, id=line, kind="plain", request=asked) for line in range(1, count + 1)]


@dataclass
class Cluster:
    """Actors that answer a row a millisecond each.

    Attributes:
        places: How many actors have a place at the same time.
        busy: How many rows keep an actor busy; or why none opens.
        deadly: The lines whose rows kill actors.
        deaths: Of an actor, by its number, at its so many'th row.
        budgets: How many rows an actor can pay for, by its number; others can pay for all.
        open: How many actors there are.
        made: How many there have been.
        placed: How many have a place.
        most: The most rows that any actor had.
        by: The number of the actor that answered a line.
    """

    places: int = 2
    busy: int | Ended = 4
    deadly: Sequence[int] = ()
    deaths: dict[int, int] = field(default_factory=dict)
    budgets: dict[int, int] = field(default_factory=dict)
    open: int = 0
    placed: int = 0
    made: int = 0
    most: int = 0
    by: dict[int, int] = field(default_factory=dict)

    async def supply(self) -> Supply:
        return supply()

    @asynccontextmanager
    async def actor(self, settings: BatchSettings, needs: Needs) -> AsyncIterator[FakeActor]:
        self.open += 1
        self.made += 1
        actor = FakeActor(self, self.made)
        try:
            yield actor
        finally:
            self.open -= 1
            self.placed -= actor.placed

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Cluster]:
        yield self
        assert self.open == 0


class FakeActor:
    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.rows: list[Row] = []
        self.answered = 0
        self.placed = False

    async def begin(self) -> Ended | None:
        if self.cluster.placed == self.cluster.places:
            await anyio.sleep_forever()
        self.placed = True
        self.cluster.placed += 1
        return None

    async def opened(self) -> int | Ended:
        return self.cluster.busy

    async def exchange(self, rows: list[Row]) -> list[Finished] | Ended:
        self.rows += rows
        self.cluster.most = max(self.cluster.most, len(self.rows))
        await anyio.sleep(0.001)
        if any(row.line in self.cluster.deadly for row in self.rows):
            return DEAD
        if self.answered == self.cluster.deaths.get(self.number):
            return DEAD
        row = self.rows.pop(0)
        if self.answered == self.cluster.budgets.get(self.number):
            return [Finished(line=row.line, end="unavailable", text="", out_of="calls")]
        self.answered += 1
        self.cluster.by[row.line] = self.number
        return [Finished(line=row.line, end="answered", text=f"{row.line}")]


@dataclass
class Batch:
    """A batch of so many rows, and what it came to."""

    cluster: Cluster
    actors: int | None = None
    finished: dict[int, Finished] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def keep(self, row: Finished) -> None:
        assert row.line not in self.finished
        if not row.out_of:
            self.finished[row.line] = row

    async def run(self, asked: int | Iterator[Row]) -> None:
        backend = RayBackend(
            settings(), actors=self.actors, say=self.told.append, connect=self.cluster.connected
        )
        await backend.run(iter(rows(asked)) if isinstance(asked, int) else asked, self.keep)

    def lines(self, end: str) -> list[int]:
        return sorted(line for line, row in self.finished.items() if row.end == end)


@pytest.mark.anyio
async def test_all_rows_are_answered_by_all_actors_with_few_at_once() -> None:
    batch = Batch(Cluster())
    await batch.run(20)
    assert batch.lines("answered") == list(range(1, 21))
    assert set(batch.cluster.by.values()) == {1, 2}
    assert batch.cluster.most == 4


@pytest.mark.anyio
async def test_another_actor_takes_the_place_of_one_that_died() -> None:
    batch = Batch(Cluster(deaths={1: 3}))
    await batch.run(20)
    assert batch.lines("answered") == list(range(1, 21))
    assert batch.cluster.made == 3
    assert batch.told[1:] == [
        "an actor died, and its 4 rows are given out again: its process is gone"
    ]


@pytest.mark.anyio
async def test_a_row_that_kills_its_actors_becomes_an_error_and_the_others_are_answered() -> None:
    batch = Batch(Cluster(deadly=[7]))
    await batch.run(20)
    assert batch.lines("failed") == [7]
    assert "every actor that had this row alone died" in batch.finished[7].text
    assert batch.lines("answered") == [line for line in range(1, 21) if line != 7]


@pytest.mark.anyio
async def test_an_actor_whose_part_of_the_budget_is_used_up_leaves_rows_to_the_others() -> None:
    batch = Batch(Cluster(budgets={1: 3}))
    await batch.run(40)
    assert batch.lines("answered") == list(range(1, 41))
    assert list(batch.cluster.by.values()).count(1) == 3


@pytest.mark.anyio
async def test_rows_that_no_actor_can_pay_for_are_left_once_all_parts_are_used_up() -> None:
    batch = Batch(Cluster(budgets={1: 3, 2: 9}))
    left = iter(rows(40))
    await batch.run(left)
    assert len(batch.lines("answered")) == len(batch.finished) == 12
    # No more were begun than actors had.
    assert len(list(left)) >= 40 - 12 - 8


@pytest.mark.anyio
async def test_it_says_how_many_engines_start() -> None:
    batch = Batch(Cluster(), actors=2)
    await batch.run(3)
    assert batch.told[0] == "starting 2 engines on Ray"


@given(
    st.dictionaries(st.integers(1, 8), st.integers(0, 6)),
    st.dictionaries(st.integers(1, 4), st.integers(0, 6)),
    st.sets(st.integers(1, 30), max_size=2),
    st.integers(1, 3),
)
def test_every_row_ends_once_whoever_dies_and_whoever_is_poor(
    budgets: dict[int, int], deaths: dict[int, int], deadly: set[int], places: int
) -> None:
    batch = Batch(Cluster(places, budgets=budgets, deaths=deaths, deadly=sorted(deadly)), actors=3)
    with suppress(RunError):
        run_virtually(lambda: batch.run(30))
        ended = sorted(batch.finished)
        assert ended == list(range(1, 31)) if not budgets else len(set(ended)) == len(ended)


@pytest.mark.anyio
async def test_actors_that_die_one_after_another_end_the_batch() -> None:
    batch = Batch(Cluster(places=1, deaths=dict.fromkeys(range(1, 9), 0)), actors=1)
    with pytest.raises(RunError, match=r"5 actors died one after another .* its process is gone"):
        await batch.run(9)
    assert batch.cluster.made == 5


@pytest.mark.anyio
@pytest.mark.parametrize(("code", "kind"), [(1, RunError), (2, UsageError)])
async def test_an_engine_that_cannot_be_opened_ends_the_batch(
    code: int, kind: type[Exception]
) -> None:
    batch = Batch(Cluster(busy=Ended("there is no such model", code, replaceable=False)))
    with pytest.raises(kind, match=r"^there is no such model$"):
        await batch.run(9)


@pytest.mark.anyio
async def test_actors_without_a_place_do_not_hold_up_those_that_have_one() -> None:
    batch = Batch(Cluster(places=2), actors=5)
    await batch.run(10)
    assert batch.lines("answered") == list(range(1, 11))


def test_a_batch_without_a_place_says_what_it_waits_for_and_gives_up() -> None:
    batch = Batch(Cluster(places=0))
    with pytest.raises(RunError, match="given up after 600 s: 0 of 2 actors have a place"):
        run_virtually(lambda: batch.run(1))
    assert set(batch.told[1:]) == {
        "0 of 2 actors have a place, the others wait for a CPU each: 0 of 2 are free on the Ray cluster"
    }
    assert len(batch.told) == 20


@pytest.mark.parametrize(
    ("cluster", "engine", "actors", "expected"),
    [
        (supply(cpus=16, gpus=8), "local", None, Slots(count=8, needs="GPU")),
        (supply(cpus=16), "local", None, Slots(count=16, needs="CPU")),
        (supply(cpus=16, gpus=8), "local", 3, Slots(count=3, needs="GPU")),
        (supply(cpus=16, gpus=8, machines=2), "http://a/v1", None, Slots(count=2, needs="CPU")),
        (supply(cpus=0), "local", None, Slots(count=1, needs="CPU")),
    ],
)
def test_actors_by_what_the_cluster_has(
    cluster: Supply, engine: str, actors: int | None, expected: Slots
) -> None:
    assert Slots.on(cluster, engine, actors) == expected


def test_a_budget_is_split_evenly() -> None:
    whole = settings(budget="tokens=1001,calls=7,seconds=60,money=3", prices="prompt=1,generated=2")
    assert share_of(whole, 2).options["budget"] == "tokens=500,calls=3,seconds=60.0,money=1.5"
    assert share_of(settings(), 2) == settings()
    with pytest.raises(UsageError, match="--budget calls=7: it is split evenly over 8 actors"):
        share_of(settings(budget="calls=7"), 8)
