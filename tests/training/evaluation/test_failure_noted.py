from __future__ import annotations

import pytest

from engines import Context, ContextTooLong, EngineError, FakeEngine, Sampling, converse
from training.evaluation.failure_noted import FailureNoted

pytestmark = pytest.mark.anyio


async def test_the_first_failure_is_noted_and_passed_on() -> None:
    errors = [EngineError("out of memory"), EngineError("and again")]
    left = [*errors]

    def script(context: Context, sampling: Sampling) -> str:
        if left:
            raise left.pop(0)
        return "12"

    engine = FailureNoted(FakeEngine(script))
    context = await converse(engine, [("user", "4 * 3"), ("assistant", "")])
    engine.check()
    for expected in errors:
        with pytest.raises(EngineError) as error:
            await engine.generate(context, Sampling())
        assert error.value is expected
    assert (await engine.generate(context, Sampling())).text == "12"
    with pytest.raises(EngineError, match="out of memory"):
        engine.check()


async def test_a_text_that_is_too_long_is_no_failure_of_the_engine() -> None:
    engine = FailureNoted(FakeEngine("12", window=4))
    context = await converse(engine, [("user", "4 * 3 * 5 * 6"), ("assistant", "")])
    with pytest.raises(ContextTooLong):
        await engine.generate(context, Sampling())
    engine.check()
