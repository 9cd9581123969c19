"""How a pool opens and closes, and which engines go together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Self

import anyio
import pytest

from engines import (
    Capabilities,
    Context,
    EngineDead,
    EngineUnavailable,
    FakeEngine,
    Sampling,
    Segment,
    UsageError,
    run_in_portal,
)
from engines.replicas import ReplicaPool
from tests import backends

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

SAMPLING = Sampling(max_tokens=100)


class Named(FakeEngine):
    """A fake whose model is not called `fake`."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    @property
    def model(self) -> str:
        return self._model


class Doors(FakeEngine):
    """Tells when it is opened and closed; opens only together with its neighbours."""

    def __init__(self, opening: list[Doors], together: int, error: Exception | None = None) -> None:
        super().__init__()
        self.opening = opening
        self.together = together
        self.error = error
        self.closed = 0

    async def __aenter__(self) -> Self:
        self.opening.append(self)
        if self.error:
            raise self.error
        with anyio.fail_after(60):
            while len(self.opening) < self.together:  # noqa: ASYNC110  # there is no event to wait for
                await anyio.sleep(0.01)
        return self

    async def aclose(self) -> None:
        await anyio.sleep(0.01)
        self.closed += 1
        await super().aclose()


def question(text: str = "?" * 100) -> Context:
    return Context(Segment("user", text, tuple(map(ord, text))), name="question")


async def test_it_opens_its_engines_at_the_same_time_and_closes_them() -> None:
    opening: list[Doors] = []
    engines = [Doors(opening, 3) for _ in range(3)]
    async with ReplicaPool(engines):
        assert len(opening) == 3
    assert [engine.closed for engine in engines] == [1, 1, 1]


async def test_where_one_does_not_open_all_are_closed() -> None:
    opening: list[Doors] = []
    down = EngineUnavailable("nothing answers")
    engines = [Doors(opening, 3), Doors(opening, 3, down), Doors(opening, 3)]
    with pytest.raises(EngineUnavailable, match="nothing answers"):
        async with ReplicaPool(engines):
            raise AssertionError
    assert [engine.closed for engine in engines] == [1, 1, 1]


async def test_cancelled_while_it_opens_it_closes_what_it_opened() -> None:
    opening: list[Doors] = []
    engines = [Doors(opening, 3), Doors([], 1)]

    async def enter() -> None:
        async with ReplicaPool(engines):
            raise AssertionError

    async with anyio.create_task_group() as group:
        group.start_soon(enter)
        while not (opening and engines[1].opening):  # noqa: ASYNC110  # there is no event to wait for
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert [engine.closed for engine in engines] == [1, 1]


def test_a_plain_with_opens_it_on_the_portal() -> None:
    engines = [FakeEngine("yes"), FakeEngine("yes")]
    with ReplicaPool(engines) as pool:
        call = partial(pool.generate, question(), SAMPLING)
        assert run_in_portal(call).text == "yes"
        assert [status.state for status in pool.replicas()] == ["serving", "serving"]
    with pytest.raises(EngineDead):
        run_in_portal(call)


async def test_a_pool_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no replicas"):
        ReplicaPool([])


async def test_replicas_of_different_models_are_refused_and_closed() -> None:
    with pytest.raises(UsageError, match=r"replica 0 serves 'a' and replica 2 'b': [^\n]*$"):
        async with ReplicaPool([Named("a"), Named("a"), Named("b")]):
            raise AssertionError


class WithoutWorkers(FakeEngine):
    """A fake on which workers cannot share a cache, as vLLM."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, collaboration=False)


async def test_replicas_on_ids_and_on_text_are_refused() -> None:
    with pytest.raises(UsageError, match="replica 0 works on token ids and replica 1 on text only"):
        async with ReplicaPool([FakeEngine(), FakeEngine(text_only=True)]):
            raise AssertionError


async def test_it_can_do_what_all_of_them_can() -> None:
    pool = ReplicaPool(
        [FakeEngine(window=500, block_size=16), FakeEngine(window=300, block_size=32)]
    )
    assert pool.model == pool.fingerprint == "fake"
    assert (pool.capabilities.window, pool.capabilities.block_size) == (300, 32)
    assert pool.capabilities.collaboration
    mixed = ReplicaPool([FakeEngine(), WithoutWorkers()])
    assert not mixed.capabilities.collaboration
    assert pool.capabilities.constraints == FakeEngine().capabilities.constraints
