from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from engines import FakeEngine, Usage, UsageError, converse
from reasoning import Answer, NoCandidates
from reasoning.best_of_n import BestOfN
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.step_logits import StepLogits, _share
from tests.engines.next_token_like import Logprobs, NextTokenLike
from tests.engines.servers import serving
from tests.reasoning.keeping import Deciding
from tests.reasoning.verdicts import question, thread

THOUGHTS = [thread("so\n\nthen\n\n"), thread("four")]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_the_newest_step_is_judged_after_its_tag_in_one_call_of_one_token() -> None:
    like = NextTokenLike()
    engine = FakeEngine()
    root = await question(engine)
    with serving(like.app) as url:
        scores = await StepLogits(url=url, model="prm").score(THOUGHTS, root, engine)
    assert scores.values == pytest.approx((1 / 4, 1 / 4))
    assert (scores.usage, scores.critical_path, scores.remark) == (Usage(), 0, "")
    assert sorted(like.prompts) == [
        "What is 2 + 2? four ки",
        "What is 2 + 2? so ки\nthen ки",
    ]
    assert all(body["model"] == "prm" for body in like.bodies)
    # The words are named once for all candidates.
    assert sorted(like.asked) == ["/tokenize"] * 2 + ["/v1/completions"] * 2
    assert engine.calls == []


@pytest.mark.anyio
async def test_each_step_is_judged_where_each_counts() -> None:
    like = NextTokenLike()
    engine = FakeEngine()
    root = await question(engine)
    with serving(like.app) as url:
        model = StepLogits(url=url, aggregation="prod")
        outcomes = await model.step_rewards(THOUGHTS, root.fork("a"), engine)
        scores = await model.score(THOUGHTS, root.fork("b"), engine)
    assert [outcome.value for outcome in outcomes] == [
        pytest.approx((1 / 2, 1 / 4)),
        pytest.approx((1 / 4,)),
    ]
    assert scores.values == pytest.approx((1 / 8, 1 / 4))
    # What comes first is a prefix of what comes next, and so in the server's cache.
    first, second, other = sorted(like.prompts[:3], key=lambda prompt: ("four" in prompt, prompt))
    assert second.startswith(first)
    assert "four" in other


@pytest.mark.anyio
async def test_in_a_conversation_each_step_is_a_turn_that_was_found_good() -> None:
    like = NextTokenLike(lambda prompt: {"+": math.log(0.75), "-": math.log(0.25)})
    engine = FakeEngine()
    root = await converse(engine, [("system", "Be brief."), ("user", "2 + 2?")], name="root")
    with serving(like.app) as url:
        model = StepLogits(url=url, layout="conversation", aggregation="min")
        scores = await model.score(THOUGHTS[:1], root, engine)
    assert scores.values == pytest.approx((0.75,))
    assert sorted(like.prompts) == [
        "<system>Be brief.<user>2 + 2? so<assistant>",
        "<system>Be brief.<user>2 + 2? so<assistant>+<user>then<assistant>",
    ]


@pytest.mark.anyio
async def test_words_tags_and_borders_of_other_models_are_taken() -> None:
    def judge(prompt: str) -> Logprobs:
        assert prompt.endswith("two</step>")
        return {"Y": math.log(0.6), "N": math.log(0.2)}

    like = NextTokenLike(judge)
    engine = FakeEngine()
    root = await question(engine)
    with serving(like.app) as url:
        model = StepLogits(url=url, good="Y", bad="N", tag="</step>", step_separator="##")
        scores = await model.score([thread("one## two ##")], root, engine)
    assert scores.values == pytest.approx((0.75,))
    assert {tuple(body["logprob_token_ids"]) for body in like.bodies} == {(ord("Y"), ord("N"))}


@pytest.mark.anyio
async def test_what_cannot_be_judged_scores_least_and_is_told() -> None:
    like = NextTokenLike(window=30)
    engine = FakeEngine()
    root = await question(engine)
    candidates = [thread("x" * 40), thread("ab"), thread(" \n\n")]
    with serving(like.app) as url:
        scores = await StepLogits(url=url).score(candidates, root, engine)
    assert scores.values == pytest.approx((-math.inf, 1 / 2, -math.inf))
    assert scores.remark.startswith("2 of 3 rewards were lost, the first: the context has 58 tok")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("app", "options", "message"),
    [
        (Starlette(), {}, "is no vLLM server of a model that generates, as it has no /tokenize"),
        (NextTokenLike(lambda _: {}).app, {}, r"finds tokens \[43, 45\] impossible"),
        (NextTokenLike(lambda _: {"+": None}).app, {}, "logprobs that are no numbers"),
    ],
)
async def test_where_nothing_can_be_judged_the_reason_is_told_once(
    app: Starlette, options: dict[str, Any], message: str
) -> None:
    engine = FakeEngine()
    root = await question(engine)
    with (
        serving(app) as url,
        pytest.raises(NoCandidates, match=f"all 2 rewards failed, the first: .*{message}"),
    ):
        await StepLogits(url=url, **options).score([thread("a"), thread("b")], root, engine)


@pytest.mark.anyio
async def test_a_word_that_is_no_token_of_the_model_is_a_mistake_and_no_low_score() -> None:
    engine = FakeEngine()
    root = await question(engine)
    with (
        serving(NextTokenLike().app) as url,
        pytest.raises(UsageError, match=r"^'--' is 2 tokens of the model"),
    ):
        await StepLogits(url=url, bad="--").score([thread("a"), thread("b")], root, engine)


@pytest.mark.parametrize("words", [{"good": ""}, {"bad": ""}, {"good": "-"}])
def test_words_that_tell_nothing_are_refused(words: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"give two different words, a token each$"):
        StepLogits(**words)  # type: ignore[arg-type]  # others are no texts
    with pytest.raises(UsageError, match="step_separator is empty"):
        StepLogits(step_separator="")


@pytest.mark.anyio
async def test_no_more_steps_are_judged_at_once_than_allowed() -> None:
    like = NextTokenLike()
    engine = FakeEngine()
    root = await question(engine)
    candidates = [thread("\n\n".join("abcd"[: n % 4 + 1])) for n in range(12)]
    with serving(like.app) as url:
        model = StepLogits(url=url, aggregation="mean", in_flight=3)
        await model.score(candidates, root, engine)
    assert len(like.prompts) == 30
    assert like.peak <= 3


@pytest.mark.anyio
async def test_a_run_that_is_resumed_keeps_its_rewards() -> None:
    engine = Deciding(FakeEngine())
    root = await question(engine.inner)
    like = NextTokenLike(window=30)
    candidates = [thread("x" * 40), thread("ab")]
    with serving(like.app) as url:
        model = StepLogits(url=url)
        first = await model.score(candidates, root, engine)
    assert first.values == pytest.approx((-math.inf, 0.5))
    assert await model.score(candidates, root, engine) == first
    assert list(engine.decided) == ["root#rewards"]


@pytest.mark.anyio
async def test_nothing_is_asked_of_nobody() -> None:
    engine = FakeEngine()
    root = await question(engine)
    assert (await StepLogits(url="http://127.0.0.1:9").score([], root, engine)).values == ()
    with pytest.raises(UsageError, match="set url"):
        await StepLogits().score([Answer(text="a")], root, engine)
    for make in (BestOfN, Remembered):
        with pytest.raises(UsageError, match=r"needs the address of its server: set url"):
            make(scorer=StepLogits())


@given(
    st.floats(max_value=0, allow_nan=False, min_value=-9000) | st.just(-math.inf),
    st.floats(max_value=0, allow_nan=False, min_value=-9000),
)
def test_a_share_is_a_probability_and_the_rest_is_the_other_s(one: float, other: float) -> None:
    assert 0 <= _share(one, other) <= 1
    assert _share(one, other) + _share(other, one) == pytest.approx(1)
    assert (_share(one, other) >= 0.5) == (one >= other) or one == pytest.approx(other)
