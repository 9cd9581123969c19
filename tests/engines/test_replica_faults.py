"""Random faults on a virtual clock: as long as one replica works, every call is answered once and nothing is left."""

from __future__ import annotations

import math
import random

import anyio
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    STREAMED,
    WHOLE,
    Context,
    EngineDead,
    EngineOverloaded,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
)
from engines.replicas import ReplicaPool
from tests.backends import run_virtually
from tests.engines.replica_fakes import check_nothing_is_left, question

SAMPLING = Sampling(max_tokens=60)
FAULTS = ["answers", "answers late", "refuses", "dies", "is busy", "is silent"]


class Faulty(FakeEngine):
    """Does one of its faults with each call."""

    def __init__(self, faults: list[str], seed: int) -> None:
        super().__init__(self._misbehave, seconds_per_token=0.01)
        self._faults = faults
        self._random = random.Random(seed)

    async def _misbehave(self, context: Context, sampling: Sampling) -> str | ForkjoinError:
        fault = self._random.choice(self._faults)
        errors: dict[str, ForkjoinError] = {
            "refuses": EngineUnavailable("503"),
            "dies": EngineDead("gone"),
            "is busy": EngineOverloaded("429", retry_after=self._random.choice([None, 0.5, 30])),
        }
        if fault in errors:
            return errors[fault]
        seconds = {"answers": 1.0, "answers late": 25.0, "is silent": math.inf}[fault]
        await anyio.sleep(seconds)
        return f"answer to {context.path} "[:60].ljust(40, ".")


@given(
    faults=st.lists(st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4), max_size=3),
    calls=st.lists(st.tuples(st.floats(0, 60), st.booleans(), st.booleans()), max_size=25),
    seed=st.integers(0, 1000),
)
def test_every_call_is_answered_once(
    faults: list[list[str]], calls: list[tuple[float, bool, bool]], seed: int
) -> None:
    engines = [Faulty(some, seed + n) for n, some in enumerate([["answers"], *faults])]
    answers: dict[str, list[str]] = {}

    async def one(pool: ReplicaPool, number: int, at: float, whole: bool, leaves: bool) -> None:
        await anyio.sleep(at)
        delivery = WHOLE if whole else STREAMED
        context = question(f"call-{number}")
        with anyio.move_on_after(2 if leaves else math.inf) as scope:
            completion = await pool.generate(context, SAMPLING, delivery)
            answers.setdefault(context.path, []).append(completion.text)
        assert leaves or not scope.cancelled_caught

    async def main() -> None:
        async with ReplicaPool(engines, stall_seconds=10) as pool:
            # A pool learns from answers how long they take, and only the first replica is sure to give one.
            for number in range(1, len(engines)):
                pool.drain(number)
            await pool.generate(question("first"), SAMPLING)
            for number in range(1, len(engines)):
                pool.undrain(number)
            with anyio.fail_after(100_000):
                async with anyio.create_task_group() as group:
                    for number, (at, whole, leaves) in enumerate(calls):
                        group.start_soon(one, pool, number, at, whole, leaves)
            check_nothing_is_left(pool, engines)

    run_virtually(main)
    for number, (_, _, leaves) in enumerate(calls):
        texts = answers.get(f"call-{number}", [])
        assert len(texts) == 1 or (leaves and not texts)
        assert all(text.startswith(f"answer to call-{number} ") for text in texts)
