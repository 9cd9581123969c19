from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engines import FakeEngine, Sampling
from orchestrator import Agent, Prices, RunResult
from orchestrator.execution.critical_path import ExpectedSeconds
from orchestrator.forecasting.forecast import Forecast, Forecaster, with_configurations
from orchestrator.forecasting.method_shape import Shape, shape_of
from orchestrator.forecasting.rates import Rates
from orchestrator.forecasting.token_estimate import TokenEstimate, estimate_tokens
from orchestrator.runs.measured_rates import measured_rates
from orchestrator.runs.run_search import run_folders
from planners import Call, Conclude, Plan, Reduce, Reference, Template, Think
from reasoning import (
    REDUCERS,
    BestOfN,
    ChainOfThought,
    ConfidenceScorer,
    DeepConf,
    GuidedSteps,
    Hogwild,
    Majority,
    Method,
    ModelSteps,
    ParaThinker,
    PromptEnsemble,
    SelfConsistency,
    Synthesise,
    ThinkBudget,
    TreeSearch,
)
from tests.backends import run_virtually

QUESTION = "How many apples are in the sack that Bob bought on the market of the town?"
EXPECTED = ExpectedSeconds(think_tokens=100, reduce_tokens=50, tokens={"majority": 0})


def estimated(*nodes: Think | Call | Reduce | Conclude, threads: int = 1) -> list[TokenEstimate]:
    plan = Plan(question=QUESTION, nodes=nodes)
    return list(estimate_tokens(plan, EXPECTED, threads=lambda node: threads).values())


def test_threads_share_the_question_which_the_first_one_computes() -> None:
    first, second = estimated(Think(id="1", prompt="x" * 400), Think(id="2", prompt="x" * 400))
    question = -(-len(QUESTION) // 4) + 10
    assert first == TokenEstimate(prompt=question + 130, shared=0, generated=100)
    assert second == TokenEstimate(prompt=question + 130, shared=question, generated=100)


def test_the_threads_of_a_node_share_all_that_they_begin_with() -> None:
    (one,) = estimated(Think(id="1"))
    (four,) = estimated(Think(id="1"), threads=4)
    assert four == TokenEstimate(prompt=4 * one.prompt, shared=3 * one.prompt, generated=400)


def test_what_goes_on_with_a_thread_shares_the_whole_of_it() -> None:
    first, second = estimated(Think(id="1"), Think(id="2", after="1"))
    assert second.shared == first.prompt + first.generated
    assert second.prompt == second.shared + 30


def test_a_reduction_reads_what_the_threads_wrote_and_a_vote_nothing() -> None:
    thinks = (Think(id="1"), Think(id="2", max_tokens=40))
    *_, merged = estimated(*thinks, Reduce(id="3", inputs=("1", "2"), reducer="synthesise"))
    *_, voted = estimated(*thinks, Reduce(id="3", inputs=("1", "2"), reducer="majority"))
    assert merged.prompt - merged.shared == 30 + 100 + 40
    assert voted == TokenEstimate()


def test_calls_and_conclusions_send_nothing() -> None:
    text = Template(parts=("It is ", Reference(node="1")))
    assert estimated(Call(id="1", tool="f"), Conclude(id="2", text=text)) == [TokenEstimate()] * 2


def test_an_estimate_is_near_what_a_run_on_a_tokenizer_of_four_characters_sends() -> None:
    plan = Plan(
        nodes=(
            Think(id="1", prompt="Look for the sack. " * 20),
            Think(id="2", prompt="Look for the market. " * 20),
            Think(id="3", prompt="And then?", after="1"),
            Reduce(id="4", inputs=("2", "3"), reducer="synthesise"),
        )
    )
    engine = FakeEngine("x" * 400)
    agent = Agent(engine, planner=plan, sampling=Sampling(max_tokens=400))
    usage = run_virtually(lambda: agent.run(QUESTION)).usage
    expected = ExpectedSeconds(think_tokens=100, reduce_tokens=100)
    found = sum(estimate_tokens(plan, expected, question=QUESTION).values(), start=TokenEstimate())
    # Its tokens are characters.
    assert found.generated == usage.generated_tokens / 4
    assert found.prompt == pytest.approx(usage.prompt_tokens / 4, rel=0.15)
    assert usage.cached_tokens is not None
    assert found.shared == pytest.approx(usage.cached_tokens / 4, rel=0.15)


# Forecasts


def search(step_tokens: int = 256, **options: Any) -> TreeSearch:
    stepper = ModelSteps(step_tokens=step_tokens)
    return TreeSearch(stepper=stepper, scorer=ConfidenceScorer(), **options)


def test_a_forecast_tells_seconds_tokens_and_money() -> None:
    plan = Plan(
        question=QUESTION,
        nodes=(
            Call(id="1", tool="search"),
            Think(id="2", method="fork"),
            Think(id="3", prompt=Template(parts=("See ", Reference(node="1")))),
            Reduce(id="4", inputs=("2", "3"), reducer="majority"),
        ),
    )
    rates = Rates(
        pace={1: 0.5, 4: 1.0},
        tools={"search": 3},
        tokens={"fork": 20, "plain": 10, "majority": 0},
        threads={"fork": 3},
    )
    forecaster = Forecaster(
        rates=rates, method="plain", prices=Prices(prompt=1e6, cached=0, generated=0)
    )
    found = forecaster.of(plan)
    assert found.total.generated == 3 * 20 + 10
    assert found.simulation.peak_threads == 4
    assert found.simulation.critical_path == ("2", "4")
    assert found.critical_tokens == 20
    assert found.money == found.total.prompt - found.total.shared
    # Three threads at once take 0.896 s for a token: interpolated between one and four.
    assert found.simulation.seconds > found.simulation.critical_seconds == 10


@pytest.mark.parametrize(("reducer", "generated"), [(None, 512), ("majority", 0)])
def test_the_runs_reducer_takes_the_place_of_each_nodes_own(
    reducer: str | None, generated: int
) -> None:
    nodes = (Call(id="1", tool="f"), Reduce(id="2", inputs=("1",), reducer="synthesise"))
    forecaster = Forecaster(rates=Rates(tokens={"majority": 0}), reducer=reducer)
    assert forecaster.of(Plan(nodes=nodes)).total.generated == generated


def test_what_was_not_measured_is_taken_from_the_configurations() -> None:
    rates = with_configurations(
        Rates(tokens={"best": 7}, threads={"self-consistency": 5}),
        {"self-consistency": SelfConsistency(samples=16), "wide": SelfConsistency(samples=32)},
        {"majority": Majority(), "best": Majority(), "synthesise": Synthesise()},
    )
    threads: Mapping[str, int] = {"self-consistency": 5, "wide": 32}
    assert (rates.threads, rates.tokens) == (threads, {"majority": 0, "best": 7})


@pytest.mark.parametrize(
    ("method", "threads"),
    [
        (ChainOfThought(), 1),
        (ThinkBudget(), 1),
        (SelfConsistency(samples=3), 3),
        (BestOfN(samples=5), 5),
        (DeepConf(samples=9), 9),
        (PromptEnsemble(prompts=4), 4),
        (Hogwild(workers=6), 6),
        (SelfConsistency(samples=3, method=Hogwild(workers=2)), 6),
        (ParaThinker(threads=2, method=SelfConsistency(samples=3, method=BestOfN(samples=5))), 30),
    ],
)
def test_a_method_says_how_many_threads_it_has_those_inside_of_it_too(
    method: Method, threads: int
) -> None:
    assert shape_of(method) == Shape(threads=threads)


@pytest.mark.parametrize(
    ("search", "shape"),
    [
        (search(width=64, max_depth=20, step_tokens=32), Shape(threads=64, calls=20, tokens=640)),
        (
            search(max_depth=20, step_tokens=32, max_tokens=100),
            Shape(threads=16, calls=4, tokens=100),
        ),
        (
            TreeSearch(width=4, max_depth=3, stepper=GuidedSteps(constraint=lambda text: None)),
            Shape(threads=4, calls=3, tokens=768),
        ),
        (
            SelfConsistency(samples=3, method=search(width=4, max_depth=2, step_tokens=9)),
            Shape(threads=12, calls=2, tokens=18),
        ),
    ],
)
def test_a_search_is_as_wide_and_as_deep_as_its_options_allow(search: Method, shape: Shape) -> None:
    assert shape_of(search) == shape


def test_a_forecast_of_workers_is_what_they_take_where_none_has_the_answer() -> None:
    plan = Plan(question=QUESTION, nodes=(Think(id="1"),))
    # So few that no step ends, and nothing is asked for at the end.
    method = Hogwild(workers=3, answer_tokens=0, sampling=Sampling(max_tokens=40))
    agent = Agent(FakeEngine("x" * 100, seconds_per_token=0.02), planner=plan, method=method)
    found = run_virtually(lambda: agent.run(QUESTION))
    rates = with_configurations(Rates(), {"hogwild": method}, {})
    foretold = Forecaster(rates=rates, max_tokens=40, method="hogwild").of(plan)
    assert foretold.total.generated == found.usage.generated_tokens == 3 * 40
    assert foretold.critical_tokens == found.critical_path == 40
    assert foretold.simulation.seconds == pytest.approx(found.seconds)


def test_what_workers_took_foretells_what_they_take(tmp_path: Path) -> None:
    """All of them are one call, which is as many threads as they are."""
    plan = Plan(question=QUESTION, nodes=(Think(id="1"),))
    method = Hogwild(workers=3, answer_tokens=0, sampling=Sampling(max_tokens=40))
    engine = FakeEngine("x" * 100, seconds_per_token=0.02)
    agent = Agent(engine, planner=plan, method=method, runs=tmp_path)
    notes = {"command": {"method": "hogwild"}}
    found = run_virtually(lambda: agent.run(QUESTION, notes=notes))
    rates = measured_rates(run_folders(tmp_path))
    assert (rates.threads, rates.tokens) == ({"hogwild": 3}, {"hogwild": 40})
    # Powers of two are fine enough.
    assert rates.pace == {4: pytest.approx(0.02, rel=0.01)}
    foretold = Forecaster(rates=rates, max_tokens=512, method="hogwild").of(plan)
    assert foretold.simulation.seconds == pytest.approx(found.seconds, rel=0.01)
    assert foretold.simulation.critical_seconds <= foretold.simulation.seconds * 1.001


def test_a_forecast_of_a_search_is_what_one_takes_in_which_no_thought_ends() -> None:
    plan = Plan(question=QUESTION, nodes=(Think(id="1"),))

    def taken(depth: int) -> tuple[RunResult, Forecast]:
        method = search(width=4, max_depth=depth, step_tokens=30)
        engine = FakeEngine("x" * 1000, seconds_per_token=0.02)
        agent = Agent(engine, planner=plan, method=method)
        forecaster = Forecaster(
            rates=with_configurations(Rates(), {"beam": method}, {}),
            max_tokens=20,
            thread_tokens=shape_of(method).tokens,
            method="beam",
        )
        return run_virtually(lambda: agent.run(QUESTION)), forecaster.of(plan)

    (flat, foretold_flat), (deep, foretold) = taken(1), taken(5)
    assert foretold.total.generated == deep.usage.generated_tokens == 4 * 5 * 30
    assert foretold.simulation.seconds == pytest.approx(deep.seconds)
    assert foretold.critical_tokens == deep.critical_path == 5 * 30
    # What stands around a question is only guessed; what later steps send beside it is known.
    assert (
        foretold.total.prompt - 5 * foretold_flat.total.prompt
        == deep.usage.prompt_tokens - 5 * flat.usage.prompt_tokens
    )
    assert foretold.total.prompt - foretold.total.shared == 10 + 30 + -(-len(QUESTION) // 4)


def test_the_limit_of_a_search_is_not_that_of_other_methods() -> None:
    methods: Mapping[str, Method] = {
        "beam": search(max_tokens=900),
        "chain-of-thought": ChainOfThought(),
    }
    rates = with_configurations(Rates(), methods, {})
    forecaster = Forecaster(rates=rates, max_tokens=50, thread_tokens=900, method="beam")
    plan = Plan(nodes=(Think(id="1"), Think(id="2", method="chain-of-thought")))
    generated = [one.generated for one in forecaster.of(plan).tokens.values()]
    assert generated == [16 * 900, 50]


def test_only_reducers_that_write_the_answer_are_expected_to_generate() -> None:
    reducers = {name: make(Sampling()) for name, make in REDUCERS.items()}
    tokens = with_configurations(Rates(), {}, reducers).tokens
    assert set(reducers) - set(tokens) == {"synthesise"}
    assert set(tokens.values()) == {0}
