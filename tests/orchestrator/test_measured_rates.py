from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engines import CallLimiter, FakeEngine, Sampling, Usage, UsageError
from orchestrator import (
    Agent,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunStarted,
    tool,
)
from orchestrator.execution.critical_path import ExpectedSeconds
from orchestrator.forecasting.rates import Rates, with_given_rates
from orchestrator.forecasting.simulation import simulate
from orchestrator.runs.measured_rates import measured_rates
from orchestrator.runs.measurements import Measurements
from orchestrator.runs.run_search import run_folders
from planners import Call, GivenPlanner, Node, Plan, Reduce, Think
from reasoning import SelfConsistency
from tests.backends import run_virtually

SECONDS_PER_TOKEN = 0.25


@tool
async def search(query: str) -> str:
    """Takes its time."""
    await anyio.sleep(3)
    return query


PLAN = Plan(
    nodes=(
        Call(id="1", tool="search", arguments={"query": "x"}),
        Think(id="2", method="self-consistency"),
        Think(id="3", method="chain-of-thought"),
        Reduce(id="4", inputs=("1", "2", "3"), reducer="synthesise"),
        Reduce(id="5", inputs=("2", "4"), reducer="majority"),
    )
)


async def run(out: Path | None, plan: Plan = PLAN) -> float:
    agent = Agent(
        FakeEngine("y" * 24, seconds_per_token=SECONDS_PER_TOKEN),
        tools=[search],
        planner=GivenPlanner(given=plan),
        sampling=Sampling(max_tokens=64),
        limiter=CallLimiter(100),
        runs=out,
    )
    return (await agent.run("Why?")).seconds


def test_what_runs_on_an_engine_took_foretells_the_next_one(tmp_path: Path) -> None:
    for _ in range(2):
        run_virtually(lambda: run(tmp_path))
    rates = measured_rates(run_folders(tmp_path))
    assert rates.source == "measured in 2 earlier runs on fake"
    assert rates.tools == {"search": 3}
    assert rates.tokens == {
        "self-consistency": 24,
        "chain-of-thought": 24,
        "synthesise": 24,
        "majority": 0,
    }
    assert rates.threads["self-consistency"] == SelfConsistency().samples
    assert set(rates.pace.values()) == {SECONDS_PER_TOKEN}
    expected = ExpectedSeconds(
        think_tokens=64,
        reduce_tokens=64,
        seconds_per_token=rates.seconds_per_token(1),
        tools=rates.tools,
        tokens=rates.tokens,
    )
    other = Plan(
        nodes=(*PLAN.nodes, Think(id="6", prompt="So?", after="5", method="chain-of-thought"))
    )
    found = simulate(
        other,
        expected,
        threads=lambda node: rates.threads.get(expected.name_of(node), 1),
        pace=rates.seconds_per_token,
    )
    assert found.seconds == run_virtually(lambda: run(None, other)) == 3 * 24 * SECONDS_PER_TOKEN


# From events


def generation(call: int, start: float, end: float, tokens: int, **more: Any) -> list[Event]:
    usage = Usage(generated_tokens=tokens)
    fields = {"node": "1", "call": call, "path": f"c{call}"}
    finished = {"usage": usage, "finish_reason": "stop", "seconds": end - start, **more}
    return [
        GenerationStarted.model_validate({**fields, "time": start}),
        GenerationFinished.model_validate({**fields, "time": end, **finished}),
    ]


def measured(*events: Event, method: str = "") -> Rates:
    measurements = Measurements()
    measurements.begin_run(method=method)
    for event in sorted(events, key=lambda event: event.time):
        measurements.apply(event)
    return measurements.rates("measured")


def node(planned: Node, start: float, end: float, status: str = "ok") -> list[Event]:
    return [
        NodePlanned(node=planned),
        NodeStarted(node=planned.id, time=start),
        NodeFinished.model_validate({"node": planned.id, "time": end, "status": status}),
    ]


def test_the_pace_is_told_apart_by_how_many_calls_were_open_meanwhile() -> None:
    alone = generation(1, 0, 2, 10)
    pair = [event for call in (2, 3) for event in generation(call, 10, 14, 10)]
    assert measured(*alone, *pair).pace == {1: 0.2, 2: 0.4}


def test_a_call_that_hung_once_says_nothing_of_the_others() -> None:
    events = [event for n in range(9) for event in generation(n, 10 * n, 10 * n + 1, 10)]
    assert measured(*events, *generation(9, 100, 1000, 10)).pace == {1: 0.1}


@pytest.mark.parametrize(
    "more", [{"replayed": True}, {"finish_reason": "aborted"}, {"finish_reason": "failed"}]
)
def test_calls_that_did_not_run_to_their_end_are_left_out(more: dict[str, Any]) -> None:
    assert measured(*generation(1, 0, 5, 10, **more)).pace == Rates().pace


def test_a_thread_of_many_calls_is_as_long_as_they_are_together() -> None:
    one_after_another = [*generation(1, 1, 2, 10), *generation(2, 2.5, 3, 20)]
    rates = measured(*node(Think(id="1"), 0, 4), *one_after_another, method="search")
    assert (rates.tokens, rates.threads) == ({"search": 30}, {"search": 1})
    side_by_side = [*generation(1, 1, 2, 10), *generation(2, 1.5, 3, 20)]
    rates = measured(*node(Think(id="1", method="fork"), 0, 4), *side_by_side)
    assert (rates.tokens, rates.threads) == ({"fork": 15}, {"fork": 2})


def test_what_nodes_took_that_failed_or_that_a_resumed_run_had_already_is_left_out() -> None:
    call = Call(id="1", tool="search")
    assert measured(*node(call, 0, 3, "failed")).tools == {}
    resumed = RunStarted(question="?", model="fake", resumed=True)
    assert measured(resumed, *node(call, 0, 0)).tools == {}
    assert measured(*node(call, 1, 3)).tools == {"search": 2}


def test_a_tool_that_was_not_seen_is_taken_for_a_usual_one() -> None:
    calls = [Call(id=str(n), tool=f"t{n}") for n in (1, 2, 3)]
    events = [event for n, call in enumerate(calls) for event in node(call, 0, (n + 1) ** 2)]
    assert measured(*events).tool == 4


# From folders


def folder(out: Path, name: str, events: Iterable[Event | str], model: str = "fake") -> None:
    (out / name).mkdir(parents=True)
    first = RunStarted(question="?", model=model).model_dump_json()
    lines = [one if isinstance(one, str) else one.model_dump_json() for one in events]
    (out / name / "events.jsonl").write_text("\n".join([first, *lines, ""]))
    (out / name / "config.yaml").write_text(f"started: {name}\n")


def test_the_newest_runs_on_one_model_count(tmp_path: Path) -> None:
    folder(tmp_path, "2024-01-01T00:00:00+00:00", generation(1, 0, 9, 1))
    folder(tmp_path, "2024-01-03T00:00:00+00:00", generation(1, 0, 2, 1), "other")
    for day in range(4, 25):
        folder(tmp_path, f"2024-01-{day:02}T00:00:00+00:00", generation(1, 0, day, 1))
    rates = measured_rates(run_folders(tmp_path))
    assert rates.source == "measured in 20 earlier runs on fake"
    assert rates.pace == {1: 14.5}
    assert measured_rates(run_folders(tmp_path), "other").pace == {1: 2}


def test_runs_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    folder(tmp_path, "2024-01-02T00:00:00+00:00", ["{torn", *generation(1, 0, 2, 1)])
    folder(tmp_path, "2024-01-03T00:00:00+00:00", [])
    (tmp_path / "2024-01-03T00:00:00+00:00" / "config.yaml").write_text("[")
    for name, line in (("empty", ""), ("newer", json.dumps({"kind": "x", "schema_version": 99}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.jsonl").write_text(line + "\n")
    assert measured_rates(run_folders(tmp_path)).pace == {1: 2}


def test_without_runs_all_is_guessed_and_said_to_be(tmp_path: Path) -> None:
    assert measured_rates(run_folders(tmp_path / "nowhere")) == Rates()
    assert Rates().source == "guesses"


# From a person


def test_rates_that_a_person_gives_take_the_place_of_others() -> None:
    known = Rates(tools={"search": 1, "other": 2}, source="measured")
    rates = with_given_rates(
        known, "seconds_per_token=0.5, tool.search=0.25,tool=9,tokens.beam=900,threads.beam=4"
    )
    assert rates == Rates(
        pace={1: 0.5},
        tools={"search": 0.25, "other": 2},
        tool=9,
        tokens={"beam": 900},
        threads={"beam": 4},
        source="given, else measured",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "speed=1",
        "tool.x",
        "tool.x=fast",
        "tool.x=-1",
        "tool=nan",
        "tool=inf",
        "seconds_per_token.x=1",
        "tokens=5",
        "threads.x=1.5",
        "threads.x=0",
        "tool=1,,tool.y=2",
    ],
)
def test_rates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--rates .* does not fit: write seconds_per_token=S"):
        with_given_rates(Rates(), text)


def test_the_pace_between_two_numbers_of_threads_is_between_theirs() -> None:
    rates = Rates(pace={2: 0.1, 8: 0.3})
    assert [rates.seconds_per_token(n) for n in (1, 2, 8, 100)] == [0.1, 0.1, 0.3, 0.3]
    assert rates.seconds_per_token(4) == pytest.approx(0.2)
    assert rates.most_threads == 8


def test_a_call_that_a_budget_cut_is_not_as_long_as_one_gets() -> None:
    cut = generation(1, 0, 1, 7, finish_reason="length", limited_by="tokens")
    rates = measured(*node(Think(id="1"), 0, 2, "truncated"), *cut, method="hogwild")
    assert (rates.tokens, rates.threads) == ({}, {})


def test_workers_of_one_call_are_threads_with_a_share_of_it() -> None:
    begun, ended = generation(1, 0, 6, 120)
    begun = begun.model_copy(update={"workers": 4})
    rates = measured(*node(Think(id="1"), 0, 7), begun, ended, method="hogwild")
    assert (rates.tokens, rates.threads) == ({"hogwild": 30}, {"hogwild": 4})
    assert rates.pace == {4: 0.2}


def test_a_thread_alone_is_no_slower_than_beside_others() -> None:
    first = generation(1, 0, 9, 10)
    pair = [event for call in (2, 3) for event in generation(call, 10, 14, 10)]
    assert measured(*first, *pair).pace == {1: 0.4, 2: 0.4}


def test_runs_with_another_limit_tell_of_the_pace_only(tmp_path: Path) -> None:
    run_virtually(lambda: run(tmp_path))
    (folder,) = tmp_path.glob("*/config.yaml")
    folder.write_text(folder.read_text() + "command: {max_tokens: 64}\n")
    same, other = (measured_rates(run_folders(tmp_path), max_tokens=n) for n in (64, 512))
    assert same.tokens["chain-of-thought"] == 24
    assert (other.tokens, other.threads, other.pace) == ({}, {}, same.pace)
