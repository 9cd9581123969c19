"""A request that names no method is one call of the engine, or as many as answers are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from engines import (
    BudgetExhausted,
    CallLimiter,
    CallTimedOut,
    CapabilityMissing,
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    HedgePolicy,
    JsonSchema,
    ReplayEngine,
    RetryPolicy,
    Sampling,
)
from orchestrator import Budget, CallPolicy
from orchestrator.gateway.answering.answering import Answering
from orchestrator.gateway.answering.client_turns import ClientTurns
from orchestrator.openai_api.pieces import Ended, Said
from tests import backends
from tests.backends import run_virtually
from tests.orchestrator.gateway.asking import answered, assert_counts_agree, request

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

TURNS = (("system", "Be brief."), ("user", "Hi."), ("assistant", "Yes?"), ("user", "2 + 2?"))


@pytest.mark.parametrize("stream", [True, False])
async def test_the_engine_gets_the_turns_and_nothing_else(stream: bool) -> None:
    engine = FakeEngine("It is four.", chunk_tokens=4)
    sampling = {"max_tokens": 40, "temperature": 0.0}
    asked = request(turns=TURNS, sampling=sampling, stream=stream)
    done = await answered(Answering(engine), asked)
    (call,) = engine.calls
    assert [(turn.role, turn.text) for turn in call.context.turns] == [*TURNS, ("assistant", "")]
    assert call.sampling == Sampling(max_tokens=40, temperature=0.0)
    assert call.delivery.whole != stream
    assert done.text() == "It is four."
    assert sum(isinstance(piece, Said) for piece in done.pieces) == (3 if stream else 1)
    assert done.reasons == {0: "stop"}
    assert done.ended == Ended(usage=done.ended.usage)
    await assert_counts_agree(engine, done.ended.usage)


def test_text_is_passed_on_when_it_is_there() -> None:
    async def main() -> list[float]:
        answering = Answering(FakeEngine("It is four.", chunk_tokens=4, latency=1))
        times = []
        async with answering.answer(request(stream=True), owner="") as pieces:
            times.append(anyio.current_time())
            async for _ in pieces:
                times.append(anyio.current_time())
        return times

    assert run_virtually(main) == [1, 1, 1, 1, 1, 1]


async def test_a_limit_that_cuts_is_the_reason() -> None:
    done = await answered(Answering(FakeEngine("x" * 99)), request(sampling={"max_tokens": 5}))
    assert done.text() == "xxxxx"
    assert done.reasons == {0: "length"}


async def test_what_a_server_samples_with_is_for_requests_that_do_not_say() -> None:
    engine = FakeEngine()
    answering = Answering(engine, sampling=Sampling(max_tokens=70, seed=1))
    await answered(answering, request(sampling={"seed": 2}))
    assert engine.calls[0].sampling == Sampling(max_tokens=70, seed=2)


async def test_a_format_is_the_calls_constraint() -> None:
    constraint = JsonSchema(definition={"type": "object"})
    engine = FakeEngine("{}")
    await answered(Answering(engine), request(sampling={"constraint": constraint}))
    assert engine.calls[0].sampling.constraint == constraint
    text_only = Answering(FakeEngine("{}", text_only=True))
    with pytest.raises(CapabilityMissing):
        await answered(text_only, request(sampling={"constraint": constraint}))


async def test_what_completions_ask_is_gone_on_with_as_it_stands() -> None:
    engine = FakeEngine(" time.")
    asked = request(question="Once upon a", endpoint="completions")
    done = await answered(Answering(engine), asked)
    (call,) = engine.calls
    assert await engine.decode(call.context.token_ids) == "Once upon a"
    assert done.text() == " time."
    assert done.ended.usage.prompt_tokens == len("Once upon a")


async def test_an_engine_of_turns_gets_what_completions_ask_as_the_users() -> None:
    engine = FakeEngine(" time.", text_only=True)
    await answered(Answering(engine), request(question="Once upon a", endpoint="completions"))
    turns = [(turn.role, turn.text) for turn in engine.calls[0].context.turns]
    assert turns == [("user", "Once upon a"), ("assistant", "")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("text_only", [True, False])
async def test_several_answers_share_a_prompt_and_have_seeds_of_their_own(
    stream: bool, text_only: bool
) -> None:
    def said(context: Context, sampling: Sampling) -> str:
        return f"{context.path} {sampling.seed}"

    engine = FakeEngine(said, chunk_tokens=4, text_only=text_only)
    asked = request(choices=3, stream=stream, sampling={"seed": 7})
    done = await answered(Answering(engine), asked)
    texts = [done.text(choice) for choice in range(3)]
    assert [text.split()[0] for text in texts] == [f"answer/choice-{i}" for i in range(3)]
    assert len({text.split()[1] for text in texts}) == 3
    assert done.reasons == {0: "stop", 1: "stop", 2: "stop"}
    usage, counted = done.ended.usage, await engine.statistics()
    # As OpenAI counts: what all share is paid for once.
    assert 3 * usage.prompt_tokens == counted.prompt_tokens
    assert usage.generated_tokens == counted.generated_tokens == sum(map(len, texts))
    again = await answered(Answering(engine), asked)
    assert [again.text(choice) for choice in range(3)] == texts


def test_several_answers_run_side_by_side() -> None:
    async def main() -> float:
        await answered(Answering(FakeEngine(latency=5)), request(choices=8))
        return anyio.current_time()

    assert run_virtually(main) == 5


@pytest.mark.parametrize("choices", [1, 3])
async def test_who_leaves_early_leaves_nothing_in_the_engine(choices: int) -> None:
    engine = FakeEngine("word " * 200, chunk_tokens=1, seconds_per_token=0.001)
    answering = Answering(engine)
    async with answering.answer(request(stream=True, choices=choices), owner="") as pieces:
        async for _ in pieces:
            break
        assert (await engine.statistics()).running == choices
    assert (await engine.statistics()).running == 0
    assert engine.aborted == choices


@pytest.mark.parametrize("choices", [1, 3])
def test_who_is_cancelled_while_it_waits_leaves_nothing_in_the_engine(choices: int) -> None:
    async def main() -> tuple[int, int]:
        engine = FakeEngine(latency=50)
        with anyio.move_on_after(1):
            await answered(Answering(engine), request(choices=choices))
        return (await engine.statistics()).running, engine.aborted

    assert run_virtually(main) == (0, choices)


async def test_a_slow_reader_holds_up_its_own_answers_only() -> None:
    engine = FakeEngine("x" * 500, chunk_tokens=1)
    async with Answering(engine).answer(request(stream=True, choices=2), owner="") as pieces:
        await anext(pieces)
        await anyio.wait_all_tasks_blocked()
        # What nobody reads is not generated without end.
        assert (await engine.statistics()).running == 2
        rest = [piece async for piece in pieces]
    assert isinstance(rest[-1], Ended)
    assert rest[-1].usage.generated_tokens == 1000


def failing(*errors: ForkjoinError) -> FakeEngine:
    return FakeEngine([*errors, "ok", "ok"])


@pytest.mark.parametrize("stream", [True, False])
def test_what_may_succeed_later_is_tried_again(stream: bool) -> None:
    async def main() -> str:
        engine = failing(EngineUnavailable("busy"), EngineUnavailable("busy"))
        return (await answered(Answering(engine), request(stream=stream))).text()

    assert run_virtually(main) == "ok"


@pytest.mark.parametrize("choices", [1, 2])
async def test_what_fails_is_raised_to_who_asked(choices: int) -> None:
    engine = FakeEngine(lambda context, sampling: EngineUnavailable("gone"))
    answering = Answering(engine, calls=CallPolicy(retry=RetryPolicy(attempts=1)))
    with pytest.raises(EngineUnavailable, match="gone"):
        await answered(answering, request(choices=choices))


def test_calls_that_hang_are_ended() -> None:
    async def main() -> float:
        policy = CallPolicy(retry=RetryPolicy(attempts=1), seconds=3)
        with pytest.raises(CallTimedOut):
            await answered(Answering(FakeEngine(latency=99), calls=policy), request())
        return anyio.current_time()

    assert run_virtually(main) == 3


def test_calls_that_straggle_are_tried_twice() -> None:
    async def script(context: Context, sampling: Sampling) -> str:
        await anyio.sleep(1000 if len(engine.calls) == 41 else 1)
        return "ok"

    engine = FakeEngine(script)

    async def main() -> float:
        answering = Answering(engine, calls=CallPolicy(hedge=HedgePolicy()))
        for _ in range(41):
            await answered(answering, request())
        return anyio.current_time()

    assert run_virtually(main) < 100


def test_owners_take_turns() -> None:
    order: list[str] = []

    def script(context: Context, sampling: Sampling) -> str:
        order.append(context.turns[0].text)
        return "ok"

    async def main() -> None:
        limiter = CallLimiter(1, ClientTurns())
        answering = Answering(FakeEngine(script, latency=1), limiter=limiter)
        async with anyio.create_task_group() as group:
            for owner, way in (
                *[("busy", "")] * 3,
                *[("busy", "@self-consistency")] * 3,
                ("rare", ""),
            ):
                asked = request(way, question=owner)
                group.start_soon(answered, answering, asked, owner)
                await anyio.wait_all_tasks_blocked()

    run_virtually(main)
    assert order.index("rare") <= 2


def test_a_short_call_does_not_wait_for_long_ones_that_came_later() -> None:
    order: list[int] = []

    def script(context: Context, sampling: Sampling) -> str:
        order.append(sampling.max_tokens)
        return "ok"

    async def main() -> None:
        answering = Answering(FakeEngine(script, latency=1), limiter=CallLimiter(1, ClientTurns()))
        async with anyio.create_task_group() as group:
            for length in (50, 10, 60, 70):
                group.start_soon(answered, answering, request(sampling={"max_tokens": length}))
                await anyio.wait_all_tasks_blocked()

    run_virtually(main)
    assert order == [50, 10, 60, 70]


BUDGETS: Sequence[tuple[Budget, dict[str, Any]]] = [
    (Budget(tokens=60), {}),
    (Budget(), {"tokens": 60}),
    (Budget(tokens=60), {"tokens": 6000}),
]


@pytest.mark.parametrize(("budget", "asked"), BUDGETS)
async def test_a_budget_cuts_a_call(budget: Budget, asked: dict[str, Any]) -> None:
    engine = FakeEngine("x" * 500)
    answering = Answering(engine, budget=budget)
    done = await answered(answering, request(forkjoin={"budget": asked} if asked else {}))
    assert done.reasons == {0: "length"}
    usage = done.ended.usage
    assert usage.prompt_tokens + usage.generated_tokens == 60


def test_a_budget_of_time_cuts_calls_and_ends_waiting() -> None:
    async def main() -> tuple[str, float]:
        engine = FakeEngine("x" * 500, seconds_per_token=1, chunk_tokens=1)
        answering = Answering(engine, budget=Budget(seconds=10), limiter=CallLimiter(1))
        async with answering.answer(request(stream=True), owner="") as pieces:
            with pytest.raises(BudgetExhausted, match="10 of 10 seconds used, and 'answer'"):
                await answered(answering, request())
            cut = [piece async for piece in pieces]
        assert (await engine.statistics()).running == 0
        return cut[-2].reason, anyio.current_time()  # type: ignore[union-attr]

    assert run_virtually(main) == ("length", 12)


async def test_recorded_samples_answer_too(tmp_path: Any) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"problem": "2 + 2?", "text": "four"}\n')
    async with ReplayEngine(file) as engine:
        assert (await answered(Answering(engine), request())).text() == "four"


@pytest.mark.parametrize("model", ["", "@self-consistency:n=3"])
def test_what_calls_took_is_counted_though_their_client_left(model: str) -> None:
    async def main() -> tuple[int, int, int]:
        engine = FakeEngine("x" * 99, seconds_per_token=0.1, chunk_tokens=1)
        answering = Answering(engine)
        with anyio.move_on_after(2.05):
            await answered(answering, request(model, stream=True))
        return answering.spent.generated_tokens, answering.spent.prompt_tokens, engine.aborted

    generated, prompt, calls = run_virtually(main)
    assert (generated, calls) == (20 * calls, 3 if model else 1)
    assert prompt > 0
