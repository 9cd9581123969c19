from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    Engine,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    UsageError,
    converse,
)
from reasoning import Answer, ChainOfThought, First, Majority, NoCandidates, SelfConsistency
from reasoning.prompt_ensemble import PromptEnsemble
from reasoning.think_budget import ThinkBudget
from tests.backends import run_virtually

pytestmark = pytest.mark.anyio

STORY = "Tom has 3 pens. Ann has 4 pens. How many have both?"
SEEDED = Sampling(seed=1)
METHOD = ChainOfThought(sampling=SEEDED)
Said = Callable[[str], str | ForkjoinError]


async def question(engine: Engine, text: str = STORY) -> Context:
    root = await converse(engine, [("system", "Be brief."), ("user", text)], name="root")
    # A turn of several segments, two of them forks with names.
    return (await converse(engine, [("user", " Tell.")], after=root, name="1")).fork("sample-0")


def engine_that(
    reword: Said = lambda request: "Tom: 3, Ann: 4, total?", **options: object
) -> FakeEngine:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        if context.path.endswith("/reword"):
            return reword(context.turns[-2].text)
        return f"The answer is {context.path.rpartition('-')[2]}"

    return FakeEngine(script, **options)  # type: ignore[arg-type]


async def solved(engine: FakeEngine, **options: object) -> Answer:
    method = PromptEnsemble(**{"method": METHOD, "sampling": SEEDED, **options})  # type: ignore[arg-type]
    return await method.solve(await question(engine), engine)


def prompts(engine: FakeEngine) -> dict[str, str]:
    """What the user says in each call that solves."""
    return {
        call.context.path: next(t.text for t in call.context.turns if t.role == "user")
        for call in engine.calls
        if not call.context.path.endswith("reword")
    }


async def test_each_transform_says_the_question_in_its_own_way() -> None:
    engine = engine_that()
    await solved(engine, prompts=5)
    step_by_step = METHOD.instruction
    told = prompts(engine)
    whole = f"{STORY} Tell."
    root = "root/1/sample-0"
    assert sorted(told) == [f"{root}/prompt-{i}" for i in range(5)]
    assert told[f"{root}/prompt-0"] == whole + step_by_step
    assert told[f"{root}/prompt-1"] == f"Tom: 3, Ann: 4, total?{step_by_step}"
    assert told[f"{root}/prompt-2"].endswith(f"every step.\n\n{whole}{step_by_step}")
    assert told[f"{root}/prompt-3"].startswith("How many have both? Ann has 4 pens.")
    assert told[f"{root}/prompt-4"].startswith("Tom: 3, Ann: 4, total?\n\nThink in Spanish.")
    requests = sorted(
        call.context.turns[-2].text for call in engine.calls if call.context.path.endswith("reword")
    )
    assert [whole in request for request in requests] == [True, True]
    assert "Rewrite the question above in other words" in requests[0]
    assert "Translate the question above into Spanish" in requests[1]


async def test_all_of_the_users_turn_is_replaced_and_what_is_before_it_shared() -> None:
    engine = engine_that()
    root = await question(engine)
    await PromptEnsemble(prompts=1, transforms=("persona",)).solve(root, engine)
    (call,) = engine.calls
    assert [turn.role for turn in call.context.turns] == ["system", "user", "assistant"]
    assert call.context.lineage[0].segment == root.lineage[0].segment
    system = "<|system|>Be brief."
    said = "".join(map(chr, call.context.token_ids))
    assert said.startswith(f"{system}<|user|>You are a patient teacher")
    assert said.count(STORY) == said.count("<|user|>") == 1


async def test_the_history_before_the_question_stays() -> None:
    engine = engine_that()
    before = await converse(engine, [("user", "Hi."), ("assistant", "Hello.")], name="root")
    asked = await converse(engine, [("user", STORY)], after=before)
    await PromptEnsemble(prompts=1, transforms=("persona",)).solve(asked, engine)
    (call,) = engine.calls
    assert before in call.context.lineage
    assert call.context.path == "root/prompt-0"


async def test_a_question_without_anything_before_it_keeps_its_path() -> None:
    engine = engine_that()
    asked = await converse(engine, [("user", STORY)], name="root")
    await PromptEnsemble(prompts=1, transforms=("persona",)).solve(asked, engine)
    assert [call.context.path for call in engine.calls] == ["root/prompt-0"]


@pytest.mark.parametrize(
    ("reworded", "reason"),
    [
        ("", "it is empty"),
        ("Tom has 3 pens.", "its numbers are others"),
        ("3 4 " + "x" * 400, "it has 404 characters, and the question 57"),
        ("x" * 2000, "it was cut"),
        (EngineUnavailable("busy"), "busy"),
    ],
)
async def test_a_rewording_of_no_use_gives_the_question_as_it_was(
    reworded: str | ForkjoinError, reason: str
) -> None:
    engine = engine_that(lambda request: reworded)
    answer = await solved(engine, prompts=2, transforms=("paraphrase", "language"))
    assert set(prompts(engine).values()) == {f"{STORY} Tell.{METHOD.instruction}"}
    assert answer.remark == (
        "2 of 2 prompts are the question as it was, since the rewording was of no use, "
        f"the first: {reason}"
    )
    counted = await engine.statistics()
    assert answer.usage.generated_tokens == counted.generated_tokens
    assert answer.usage.prompt_tokens == counted.prompt_tokens


async def test_what_a_thinking_model_thinks_of_the_rewording_is_left_out() -> None:
    engine = engine_that(lambda request: "<think>3 or 7?</think>\n Tom: 3, Ann: 4?\n")
    await solved(engine, prompts=1, transforms=("paraphrase",))
    assert [told.split("\n")[0] for told in prompts(engine).values()] == ["Tom: 3, Ann: 4?"]


async def test_without_weights_the_reducer_has_all_answers() -> None:
    answer = await solved(engine_that(), prompts=4, reducer=First())
    assert answer.value == "0"
    assert [candidate.value for candidate in answer.candidates] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("weights", "winner"),
    [((1.0, 1.0), "a"), ((1.0, 5.0), "b"), ((5.0, 1.0), "a"), ((0.0, 0.1), "b"), ((0.2, 0.3), "b")],
)
async def test_votes_weigh_what_their_transform_does(
    weights: tuple[float, ...], winner: str
) -> None:
    def script(context: Context, sampling: Sampling) -> str:
        persona = context.turns[1].text.startswith("You are")
        return f"The answer is {'b' if persona else 'a'}"

    engine = FakeEngine(script)
    transforms = ("plain", "persona")
    answer = await solved(engine, prompts=2, transforms=transforms, weights=weights)
    assert answer.value == winner


async def test_a_heavy_vote_without_an_answer_counts_only_where_there_is_none() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        persona = context.turns[1].text.startswith("You are")
        return "no idea" if persona else "The answer is 4"

    options = {"prompts": 2, "transforms": ("plain", "persona"), "weights": (1.0, 9.0)}
    assert (await solved(FakeEngine(script), **options)).value == "4"
    none = await solved(FakeEngine("no idea"), **options)
    assert (none.value, none.final) == (None, "no idea")
    assert none.remark == "none of 2 prompts had a final answer"


async def test_a_failed_prompt_leaves_the_others_and_all_failed_have_a_reason() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        return EngineUnavailable("busy") if "prompt-0" in context.path else "The answer is 4"

    answer = await solved(FakeEngine(script), prompts=2, transforms=("plain", "persona"))
    assert (answer.value, answer.remark) == ("4", "1 of 2 prompts were lost, the first: busy")
    with pytest.raises(NoCandidates, match=r"^1 prompt failed: busy"):
        await solved(FakeEngine(script), prompts=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": 0}, "an ensemble of 0 prompts"),
        ({"transforms": ()}, r"transforms \(\): choose from plain"),
        ({"transforms": ("plain", "poem")}, "plain, poem"),
        ({"transforms": ("plain", "plain")}, "each is there once"),
        ({"weights": (1.0,)}, "1 weights for 5"),
        ({"transforms": ("plain",), "weights": (-1.0,)}, "0 or more"),
        ({"transforms": ("plain",), "weights": (0.0,)}, "more than 0 of one"),
        ({"transforms": ("plain",), "weights": (float("nan"),)}, "0 or more"),
        ({"transforms": ("plain",), "weights": (1.0,), "reducer": First()}, "not both"),
    ],
)
def test_what_gives_no_vote_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PromptEnsemble(**options)  # type: ignore[arg-type]


def test_rewordings_and_prompts_run_side_by_side_each_after_its_own() -> None:
    async def main() -> float:
        engine = engine_that(latency=60)
        await solved(engine, prompts=12)
        return anyio.current_time()

    assert run_virtually(main) == 120


@given(st.lists(st.integers(0, 60), min_size=12, max_size=12), st.integers(1, 6))
def test_usage_is_the_engines_and_the_path_that_of_the_longest(
    lengths: list[int], count: int
) -> None:
    async def main() -> None:
        def script(context: Context, sampling: Sampling) -> str:
            number = int(context.path.split("prompt-")[1][0])
            if context.path.endswith("/reword"):
                return "3 4 " + "y" * lengths[number]
            return "x" * lengths[6 + number]

        engine = FakeEngine(script)
        answer = await solved(engine, prompts=count, reducer=Majority())
        counted = await engine.statistics()
        assert answer.usage.prompt_tokens == counted.prompt_tokens
        assert answer.usage.generated_tokens == counted.generated_tokens
        asked = {i: 4 + lengths[i] if i in (1, 4, 5) else 0 for i in range(count)}
        assert answer.critical_path == max(asked[i] + lengths[6 + i] for i in range(count))
        assert len({call.context.path for call in engine.calls}) == len(engine.calls)

    run_virtually(main)


async def test_any_method_nests_in_it_and_it_in_any_method() -> None:
    engine = engine_that(lambda request: "3 4?")
    inner = PromptEnsemble(
        prompts=3, method=SelfConsistency(samples=2, method=ThinkBudget(sampling=SEEDED))
    )
    method = SelfConsistency(samples=2, method=inner)
    answer = await method.solve(await question(engine), engine)
    paths = [call.context.path for call in engine.calls]
    assert len(set(paths)) == len(paths) == 2 * (3 * 2 + 1)
    assert len({call.sampling.seed for call in engine.calls if call.sampling.seed}) == 2 * 3 * 2
    assert answer.usage.generated_tokens == (await engine.statistics()).generated_tokens


async def test_it_works_on_a_text_only_engine() -> None:
    engine = engine_that(text_only=True)
    answer = await solved(engine, prompts=5)
    assert len(set(prompts(engine).values())) == 5
    assert len(answer.candidates) == 5
