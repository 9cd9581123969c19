"""The part about replicas, on fakes that run a few calls at a time and keep what they have read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.parts import replicas
from benchmarks.gpu.parts.replicas import Questions, RoundRobinEngine, compare
from engines import (
    CallLimiter,
    Context,
    Engine,
    FakeEngine,
    LimitedEngine,
    Sampling,
    Segment,
    single_error,
)
from tests.backends import run_virtually

QUESTIONS = Questions(count=24, open=8, tokens=256, forks=4, rounds=2, own=16, generated=16)


def setting(say: Any = lambda _: None, *, small: bool = True) -> Setting:
    def opened(model: str | None, **options: Any) -> Any:
        raise AssertionError("no engine is needed")

    return Setting(engines=Engines(opened, None, {}), model="fake", small=small, say=say)


def replica(slots: int = 8, text: str = "x" * 100) -> Engine:
    return LimitedEngine(FakeEngine(text, seconds_per_token=0.01), CallLimiter(slots))


def compared(first: Engine, second: Engine, questions: Questions = QUESTIONS) -> list[Figure]:
    async def main() -> list[Figure]:
        with single_error():
            return await compare(setting(), [first, second], questions)

    return run_virtually(main)


def test_two_that_are_alike_are_twice_as_fast_and_compute_a_question_once() -> None:
    faster, robin, lost = compared(replica(), replica())
    # On one, eight calls at a time, and never fewer.
    assert faster.data["seconds_beside"] == pytest.approx([24 * 4 * 2 / 8 * 0.16])
    assert 1.8 <= faster.value <= 2
    assert faster.reached
    assert robin.goal is None
    # Of eight calls one computes the question.
    assert lost.data["cached_percent, one replica"] == pytest.approx([100 * 7 / 8 * 256 / 272])
    assert lost.value < 3
    assert lost.reached


def test_in_turns_a_question_is_computed_on_each_of_two() -> None:
    # One question at a time: of several, all calls of one may by chance come to the same replica.
    _, _, lost = compared(replica(), replica(), replace(QUESTIONS, open=1))
    assert lost.data["cached_percent, round robin"] == pytest.approx([100 * 6 / 8 * 256 / 272])


def test_a_second_replica_that_is_slow_misses_the_goal() -> None:
    faster, _, _ = compared(replica(), replica(slots=2))
    assert faster.value < 1.5
    assert faster.reached is False


def test_answers_that_end_early_are_no_figure() -> None:
    with pytest.raises(Mismeasured, match="tokens came back instead of 16"):
        compared(replica(text="short"), replica())


def test_round_robin_takes_turns() -> None:
    first, second = FakeEngine(), FakeEngine()

    async def main() -> None:
        engine = RoundRobinEngine([first, second])
        for i in range(5):
            await engine.generate(Context(Segment("user", "", (i,))), Sampling())

    run_virtually(main)
    assert [call.context.token_ids for call in first.calls] == [(0,), (2,), (4,)]
    assert len(second.calls) == 2


@pytest.mark.parametrize(("small", "gpus"), [(False, 1), (False, 0), (True, 1)])
def test_with_fewer_than_two_gpus_nothing_is_measured(
    small: bool, gpus: int, monkeypatch: pytest.MonkeyPatch, one_torch_thread: None
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    said: list[str] = []
    assert run_virtually(lambda: replicas.measure(setting(said.append, small=small))) == []
    assert said == ["replicas: two GPUs are needed, and there are fewer: no figures"]


def test_each_replica_has_a_gpu_of_those_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, one_torch_thread: None
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [place["CUDA_VISIBLE_DEVICES"] for place in replicas._places(setting())] == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,2,7")
    assert [place["CUDA_VISIBLE_DEVICES"] for place in replicas._places(setting())] == ["5", "2"]
