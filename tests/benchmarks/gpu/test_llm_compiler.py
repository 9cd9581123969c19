"""LLMCompiler's part of the headline table, on a fake engine of a known pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.measured import MeasuredEngine
from benchmarks.gpu.pace import EnginePace, lengths, median_pace, pace_of
from benchmarks.gpu.part import Engines, Setting
from benchmarks.gpu.parts import llm_compiler
from benchmarks.planners.canned import FASTEST, SLOWEST, CannedTools, Question
from benchmarks.planners.scenarios import searching
from engines import Engine, FakeEngine, Segment
from orchestrator import Agent
from tests.backends import run_virtually

LATENCY, TOKEN = 0.05, 0.002
ENDLESS = "x" * 10_000


def paced(text: str = ENDLESS, chunk_tokens: int = 2) -> FakeEngine:
    return FakeEngine(text, latency=LATENCY, seconds_per_token=TOKEN, chunk_tokens=chunk_tokens)


def measured(engine: Callable[[], Engine] = paced) -> Sequence[Figure]:
    @asynccontextmanager
    async def opened(model: str | None, **options: object) -> AsyncIterator[Engine]:
        yield engine()

    async def main() -> Sequence[Figure]:
        async with Engines(opened, None, {}) as engines:
            return await llm_compiler.measure(Setting(engines=engines, model="", small=True))

    return run_virtually(main)


def test_a_plan_reaches_its_bound_and_tools_start_while_it_is_written() -> None:
    gain, share, first, *films = measured()
    [question] = gain.data["questions"]
    [serial], [planned] = question["react"], question["plan"]
    assert gain.value == serial["seconds"] / planned["seconds"]
    # A step begins with its last bracket, and not with the end of the line.
    assert 0.97 < share.value <= 1.01
    # The first of four lines; the others, of calculations, are longer.
    assert 0.1 < first.value < 0.5
    assert [figure.reached for figure in films] == [True, True, True]


def test_one_tool_after_another_misses_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_compiler, "Agent", partial(Agent, concurrency=1))
    *_, gain, share, _ = measured()
    assert gain.reached is False
    assert share.reached is False


def test_an_engine_that_stops_early_is_noticed() -> None:
    with pytest.raises(Mismeasured, match="tokens"):
        measured(lambda: paced("x" * 30))


def test_the_pace_is_the_engines_whatever_a_chunk_holds() -> None:
    async def main() -> tuple[EnginePace, dict[str, int]]:
        engine = paced(chunk_tokens=1000)
        paces = [await pace_of(engine, 100, name) for name in "abc"]
        return median_pace(paces), await lengths(engine, ["four"])

    pace, counted = run_virtually(main)
    assert pace.writing(1) == pytest.approx(LATENCY + TOKEN)
    assert pace.writing(counted["four"]) == pytest.approx(LATENCY + 4 * TOKEN)


def test_an_engine_that_writes_in_no_time_has_no_pace() -> None:
    with pytest.raises(Mismeasured, match="1 token took"):
        run_virtually(lambda: pace_of(FakeEngine(ENDLESS), 100, "a"))


def test_no_prompt_begins_as_that_of_another_run() -> None:
    async def main() -> list[Segment]:
        engine = FakeEngine()
        runs = [MeasuredEngine(engine, f"a long name that differs in its end-{n}") for n in "123"]
        return [await run.encode("Which?", role="system") for run in runs]

    beginnings = {(segment.token_ids or ())[:16] for segment in run_virtually(main)}
    assert len(beginnings) == 3


def test_tools_take_as_long_for_everybody_and_are_to_be_called_once() -> None:
    scenario = searching("Which?", ["Ada", "Brenn"], "Ada", calculates=True)
    question = Question("pairs", scenario)
    seconds = [canned.seconds for canned in question.canned.values()]
    assert seconds == [canned.seconds for canned in Question("pairs", scenario).canned.values()]
    assert all(FASTEST <= one <= SLOWEST for one in seconds)
    assert sorted(question.calls.values()) == ["1", "2", "3", "4"]
    assert "steps were called" in CannedTools(question).mistake("Ada")
