from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from engines import FakeEngine, Sampling, Usage, UsageError, converse
from engines.settings import configured
from reasoning import Answer, NoCandidates
from reasoning.best_of_n import BestOfN
from reasoning.catalogue import choices
from reasoning.reducing.best import Best
from reasoning.reducing.weighted import WeightedMajority
from reasoning.scoring.aggregation import Aggregation, aggregate
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.reward_model import RewardModel
from tests.engines.reward_like import RewardLike, pooling, steps
from tests.engines.servers import serving
from tests.reasoning.keeping import Deciding
from tests.reasoning.verdicts import question, thread


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_candidates_are_judged_as_conversations_and_cost_the_engine_nothing() -> None:
    server = RewardLike()
    engine = FakeEngine()
    root = await converse(engine, [("system", "Be brief."), ("user", "2 + 2?")], name="root")
    with serving(server.app) as url:
        scores = await RewardModel(url=url).score(
            [thread("four", ended=True), thread("5")], root, engine
        )
    assert scores.values == (4.0, 1.0)
    assert (scores.usage, scores.critical_path, scores.remark) == (Usage(), 0, "")
    assert {json.dumps(body["messages"]) for body in server.bodies} == {
        json.dumps(
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "2 + 2?"},
                {"role": "assistant", "content": text},
            ]
        )
        for text in ("four", "5")
    }
    assert engine.calls == []


@pytest.mark.anyio
async def test_steps_are_tagged_and_their_rewards_told() -> None:
    server = RewardLike(steps)
    engine = FakeEngine()
    root = await question(engine)
    candidates = [thread("one<extra_0>\n\n\n\n three "), thread("abc")]
    with serving(server.app) as url:
        model = RewardModel(url=url, step_tag="<extra_0>", aggregation="min")
        outcomes = await model.step_rewards(candidates, root, engine)
        scores = await model.score(candidates, root, engine)
    assert server.bodies[0]["messages"][-1]["content"] in (
        "one<extra_0>three<extra_0>",
        "abc<extra_0>",
    )
    assert [outcome.value for outcome in outcomes] == [(1 / 4, 1 / 6), (1 / 4,)]
    assert scores.values == (1 / 6, 1 / 4)


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["", "\n\n", "\n\n\n\n ", "<extra_0>\n\n"])
async def test_a_thought_that_is_about_to_take_its_next_step_has_no_empty_one(end: str) -> None:
    server = RewardLike(steps)
    engine = FakeEngine()
    root = await question(engine)
    with serving(server.app) as url:
        model = RewardModel(url=url, step_tag="<extra_0>")
        scores = await model.score([thread(f"a\n\nthree{end}")], root, engine)
    assert server.bodies[-1]["messages"][-1]["content"] == "a<extra_0>three<extra_0>"
    assert scores.values == (1 / 6,)


@pytest.mark.anyio
async def test_a_thought_of_nothing_has_no_step_and_loses_only_itself() -> None:
    server = RewardLike(steps)
    engine = FakeEngine()
    root = await question(engine)
    with serving(server.app) as url:
        model = RewardModel(url=url, step_tag="<extra_0>")
        scores = await model.score([thread("\n\n"), thread("a\n\n")], root, engine)
    assert scores.values == (-math.inf, 1 / 2)
    assert "1 of 2 rewards were lost" in scores.remark


@pytest.mark.parametrize(
    ("how", "score"), [("last", 0.5), ("min", 0.25), ("prod", 0.125), ("mean", 1.75 / 3)]
)
def test_one_score_is_made_of_the_steps(how: Aggregation, score: float) -> None:
    assert aggregate((0.25, 1.0, 0.5), how) == score


def test_a_mean_of_finite_rewards_is_finite() -> None:
    assert aggregate((1.7e308, 1.7e308, -1.7e308), "mean") == pytest.approx(1.7e308 / 3)
    assert aggregate((-math.inf, 1.0), "mean") == -math.inf
    assert math.isnan(aggregate((-math.inf, math.inf), "mean"))


@pytest.mark.anyio
async def test_what_cannot_be_judged_scores_least_and_is_told() -> None:
    engine = FakeEngine()
    root = await question(engine)
    server = RewardLike(window=5)
    with serving(server.app) as url:
        scores = await RewardModel(url=url).score([thread("x" * 9), thread("y")], root, engine)
    assert scores.values == (-math.inf, 1.0)
    assert scores.remark.startswith("1 of 2 rewards were lost, the first: the context has 9 tokens")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "found no step to judge: set step_tag"),
        ([math.nan], r"a reward that is no number \(nan\)"),
    ],
)
async def test_when_nothing_can_be_judged_the_reason_is_told(
    data: list[float], message: str
) -> None:
    engine = FakeEngine()
    server = RewardLike(lambda text: [None if math.isnan(x) else x for x in data])
    root = await question(engine)
    with serving(server.app) as url, pytest.raises(NoCandidates, match=f"all 2 rewards.*{message}"):
        await RewardModel(url=url).score([thread("a"), thread("b")], root, engine)


@pytest.mark.anyio
async def test_a_class_that_the_model_lacks_is_a_mistake_and_no_low_score() -> None:
    engine = FakeEngine()
    root = await question(engine)
    with (
        serving(RewardLike(lambda text: [0.1, 0.9]).app) as url,
        pytest.raises(UsageError, match=r"^label=2: the reward model has 2 classes, from 0 on"),
    ):
        await RewardModel(url=url, label=2).score([thread("a"), thread("b")], root, engine)


@pytest.mark.anyio
async def test_a_run_that_is_resumed_keeps_its_rewards() -> None:
    engine = Deciding(FakeEngine())
    root = await question(engine.inner)
    server = RewardLike(answers=[JSONResponse(pooling([0.25]))])
    with serving(server.app) as url:
        model = RewardModel(url=url)
        first = await model.score([thread("a")], root, engine)
    assert first.values == (0.25,)
    assert await model.score([thread("a")], root, engine) == first
    assert list(engine.decided) == ["root#rewards"]


@pytest.mark.anyio
async def test_nothing_is_asked_of_nobody() -> None:
    engine = FakeEngine()
    root = await question(engine)
    assert (await RewardModel(url="http://127.0.0.1:9").score([], root, engine)).values == ()
    with pytest.raises(UsageError, match="set url"):
        await RewardModel().score([Answer(text="a")], root, engine)


@pytest.mark.parametrize("make", [BestOfN, Best, WeightedMajority, Remembered])
def test_what_would_ask_a_reward_model_without_an_address_is_refused(
    make: Callable[..., object],
) -> None:
    with pytest.raises(UsageError, match=r"needs the address of its server: set url .*scorer\.url"):
        make(scorer=RewardModel())
    make(scorer=RewardModel(url="http://127.0.0.1:8001/v1"))


def test_a_reward_model_is_chosen_with_its_address_or_not_at_all() -> None:
    chosen = {"scorer": "reward-model"}
    named = choices(Sampling())
    method = configured(BestOfN(), {**chosen, "scorer.url": "http://a:1"}, named=named)
    assert method.scorer == RewardModel(url="http://a:1")
    with pytest.raises(UsageError, match=r"^scorer=reward-model: a reward model needs"):
        configured(BestOfN(), chosen, named=named)


@pytest.mark.anyio
async def test_a_server_of_another_model_is_told_from_one_at_another_address() -> None:
    engine = FakeEngine()
    root = await question(engine)
    with (
        serving(Starlette()) as url,
        pytest.raises(NoCandidates, match=r"serve a reward model.*--runner pooling") as caught,
    ):
        await RewardModel(url=f"{url}/v1").score([thread("a")], root, engine)
    assert "usually ends in" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"step_separator": ""}, {"in_flight": 0}, {"url": "ftp://x"}, {"url": "http://"}]
)
def test_a_reward_model_that_asks_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        RewardModel(**wrong)  # type: ignore[arg-type]  # of several types
