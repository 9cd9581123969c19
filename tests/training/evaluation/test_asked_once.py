from __future__ import annotations

import pytest

from engines import Completion, Context, Engine, EngineError, FakeEngine, Sampling, converse
from training.evaluation.asked_once import AskedOnce

SEEDED = Sampling(seed=1, max_tokens=5)

pytestmark = pytest.mark.anyio


async def said(engine: Engine, question: str, sampling: Sampling) -> Completion:
    context = await converse(engine, [("user", question), ("assistant", "")], name="a")
    return await engine.generate(context, sampling)


async def test_the_same_is_asked_once_and_costs_what_it_cost() -> None:
    inner = FakeEngine("12")
    engine = AskedOnce(inner)
    first = await said(engine, "4 * 3", SEEDED)
    again = await said(engine, "4 * 3", SEEDED)
    assert (again.text, again.token_ids, again.usage) == (first.text, first.token_ids, first.usage)
    assert first.usage.generated_tokens > 0
    assert len(inner.calls) == 1


@pytest.mark.parametrize(
    ("question", "sampling"),
    [("4 * 4", SEEDED), ("4 * 3", Sampling(seed=2, max_tokens=5)), ("4 * 3", Sampling(seed=1))],
)
async def test_another_question_or_sampling_is_asked(question: str, sampling: Sampling) -> None:
    inner = FakeEngine("12")
    engine = AskedOnce(inner)
    await said(engine, "4 * 3", SEEDED)
    await said(engine, question, sampling)
    assert len(inner.calls) == 2


@pytest.mark.parametrize(("temperature", "calls"), [(0.0, 1), (1.0, 2)])
async def test_what_is_left_to_chance_is_asked_again(temperature: float, calls: int) -> None:
    inner = FakeEngine("12")
    engine = AskedOnce(inner)
    for _ in range(2):
        await said(engine, "4 * 3", Sampling(temperature=temperature))
    assert len(inner.calls) == calls


async def test_what_failed_is_asked_again() -> None:
    tries: list[int] = []

    def script(context: Context, sampling: Sampling) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise EngineError("out of memory")
        return "12"

    engine = AskedOnce(FakeEngine(script))
    with pytest.raises(EngineError):
        await said(engine, "4 * 3", SEEDED)
    assert (await said(engine, "4 * 3", SEEDED)).text == "12"
