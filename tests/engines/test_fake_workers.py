from __future__ import annotations

import anyio
import pytest

from engines import (
    CapabilityMissing,
    Chunk,
    Collaboration,
    Context,
    ContextTooLong,
    Delivery,
    EngineDead,
    EngineUnavailable,
    FakeEngine,
    RequestRejected,
    Sampling,
    Scripted,
    Segment,
)
from engines.delivery import WHOLE
from engines.fake_workers import ScriptedWorkers
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend


def prompt(text: str = "question") -> Context:
    return Context(Segment("user", text, tuple(map(ord, text))), name="root")


def team(workers: int = 2, *, max_tokens: int = 100, **options: object) -> Sampling:
    names = tuple("ABCDEFGH"[:workers])
    plain = {"header": "{name}{number}:", "answer_tokens": 4, "closing": "So \\boxed{"}
    collaboration = Collaboration.model_validate({"workers": names, **plain, **options})
    return Sampling(max_tokens=max_tokens, collaboration=collaboration)


async def chunks_of(
    engine: FakeEngine, sampling: Sampling, delivery: Delivery | None = None
) -> list[Chunk]:
    async with engine.stream(prompt(), sampling, delivery or Delivery()) as chunks:
        return [chunk async for chunk in chunks]


@pytest.mark.anyio
async def test_each_worker_writes_its_text_until_one_has_the_answer() -> None:
    engine = FakeEngine(ScriptedWorkers(("Odd.\n\nNo.\n\n", "It is \\boxed{4}.\n\n")))
    completion = await engine.generate(prompt(), team())
    assert completion.text == "A1:Odd.\n\nA2:No.\n\nB1:It is \\boxed{4}.\n\nA3:Odd.\n\n\n"
    assert completion.finish_reason == "stop"
    assert await engine.decode(completion.token_ids) == completion.text


@pytest.mark.anyio
@pytest.mark.parametrize("layout", ["combined", "contiguous", "interleaved"])
@pytest.mark.parametrize("header", ["", "N", "{name}"])
async def test_a_character_is_never_lost_between_two_steps(layout: str, header: str) -> None:
    text = "N1.\n\nNo.\n\nA2.\n\n"
    sampling = team(1, max_tokens=34, layout=layout, header=header, answer_tokens=0, pause="")
    completion = await FakeEngine(text).generate(prompt(), sampling)
    head = header.format(name="A")
    steps = ("N1.\n\n", "No.\n\n", "A2.\n\n", "N1.\n\n", "No.\n\n", "A2.\n\n", "N1.\n")
    assert completion.text == "".join(head + step for step in steps)


@pytest.mark.anyio
async def test_a_plain_text_is_what_every_worker_writes_over_and_over() -> None:
    for script in ("ab", Scripted("ab")):
        completion = await FakeEngine(script).generate(prompt(), team(max_tokens=10))
        assert completion.text == "A1:aba\n\nB1:aba\n\nSo \\boxed{}"
        assert completion.finish_reason == "length"


@pytest.mark.anyio
async def test_the_closing_is_scripted_too() -> None:
    engine = FakeEngine(ScriptedWorkers(("a",), closing="42}."))
    completion = await engine.generate(prompt(), team(1, max_tokens=6))
    assert completion.text == "A1:aa\n\nSo \\boxed{42}"


@pytest.mark.anyio
async def test_a_whole_call_has_its_passages_and_no_drafts() -> None:
    for text in ("It is \\boxed{4}.\n\n", "a" * 90):
        engine = FakeEngine(text)
        (whole,) = await chunks_of(engine, team(), WHOLE)
        assert whole.passages
        assert whole.drafts == ()
        streamed = await chunks_of(engine, team())
        assert any(chunk.drafts for chunk in streamed)
        assert whole.passages == tuple(p for chunk in streamed for p in chunk.passages)
        assert whole.text == "".join(chunk.text for chunk in streamed)


@pytest.mark.anyio
async def test_a_whole_call_of_one_chunk_has_no_drafts() -> None:
    engine = FakeEngine("Is \\boxed{4}.\n\n", chunk_tokens=1000)
    (whole,) = await chunks_of(engine, team(), WHOLE)
    assert whole.passages
    assert whole.drafts == ()


@pytest.mark.anyio
async def test_a_chunk_has_the_rounds_that_it_is_told() -> None:
    engine = FakeEngine("abcdef", chunk_tokens=3)
    first, *_ = await chunks_of(engine, team())
    assert [draft.text for draft in first.drafts] == ["A1:abc", "B1:abc"]
    assert first.usage.generated_tokens == 6


@pytest.mark.anyio
async def test_statistics_are_the_usage_also_of_a_call_that_was_left() -> None:
    engine = FakeEngine("ab", seconds_per_token=0)
    completion = await engine.generate(prompt(), team())
    async with engine.stream(prompt(), team()) as chunks:
        left = await anext(aiter(chunks))
    statistics = await engine.statistics()
    assert engine.aborted == 1
    assert statistics.running == 0
    told = completion.usage + left.usage
    assert statistics.prompt_tokens == told.prompt_tokens
    assert statistics.generated_tokens == told.generated_tokens > 0
    assert [call.sampling for call in engine.calls] == [team(), team()]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_many_workers_take_as_long_as_one(workers: int) -> None:
    async def main() -> float:
        engine = FakeEngine("a" * 1000, latency=1, seconds_per_token=0.5)
        sampling = team(workers, max_tokens=20 * workers, answer_tokens=0)
        await engine.generate(prompt(), sampling)
        return anyio.current_time()

    assert run_virtually(main) == pytest.approx(1 + 20 * 0.5)


def test_a_chunk_comes_when_its_rounds_have_passed() -> None:
    async def main() -> tuple[float, int]:
        engine = FakeEngine("a" * 1000, seconds_per_token=1, chunk_tokens=4)
        async with engine.stream(prompt(), team()) as chunks:
            async for chunk in chunks:
                return anyio.current_time(), chunk.usage.generated_tokens
        raise AssertionError("no chunk")

    assert run_virtually(main) == (4, 8)


@pytest.mark.anyio
async def test_errors_windows_and_closing_are_as_for_other_calls() -> None:
    engine = FakeEngine([EngineUnavailable("busy"), "a", "a"], window=60)
    with pytest.raises(EngineUnavailable, match="busy"):
        await engine.generate(prompt(), team())
    completion = await engine.generate(prompt(), team(1, max_tokens=1000))
    assert completion.truncated
    assert len(prompt().token_ids) + len(completion.token_ids) <= 60
    with pytest.raises(ContextTooLong):
        await engine.generate(prompt("q" * 60), team())
    async with engine.stream(prompt(), team()) as chunks:
        await engine.aclose()
        with pytest.raises(EngineDead):
            await anext(aiter(chunks))
    assert engine.aborted == 0


@pytest.mark.anyio
async def test_engines_without_ids_and_calls_with_stops_are_refused() -> None:
    with pytest.raises(CapabilityMissing, match=r"--engine hogwild$"):
        await FakeEngine("a", text_only=True).generate(prompt(), team())
    stops = team().model_copy(update={"stop": ("END",)})
    with pytest.raises(RequestRejected, match="END"):
        await FakeEngine("a").generate(prompt(), stops)


@pytest.mark.anyio
async def test_a_script_of_other_workers_is_a_mistake() -> None:
    engine = FakeEngine(ScriptedWorkers(("a", "b")))
    with pytest.raises(AssertionError, match="2 workers, and this call has 3"):
        await engine.generate(prompt(), team(3))
    with pytest.raises(AssertionError, match="no collaboration"):
        await engine.generate(prompt(), Sampling())
    with pytest.raises(ValueError, match="something to write"):
        ScriptedWorkers(("a", ""))
