"""ParaThinker on a model that was trained for it: its own tokens open and end threads and summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engines import (
    Context,
    Engine,
    EngineStatistics,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    UsageError,
    converse,
)
from reasoning import Answer, ChainOfThought, SelfConsistency, Synthesise
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.parathinking.thought_tags import ThoughtTags
from reasoning.reducing.vote_first import VoteFirst
from tests import backends
from tests.reasoning.trained_engine import END_OF_TURN, TrainedEngine

pytestmark = pytest.mark.anyio

THREADS = 3
TAGS = [
    "<think>",
    *(f"<think{i}>" for i in range(1, THREADS + 1)),
    *(f"</think{i}>" for i in range(1, THREADS + 1)),
    "<summary>",
    "</summary>",
]
TRAINED = ParaThinker(threads=THREADS)


def says(context: Context) -> str:
    """As it was trained to: whatever comes after a closing tag is never generated."""
    if context.path.endswith("synthesise"):
        return "all say \\boxed{4}</summary> and more"
    number = int(context.path[-1]) + 1
    return f"thought {number}</think{number}> and more"


def trained(
    script: Callable[[Context], str | ForkjoinError] = says, **options: Any
) -> TrainedEngine:
    return TrainedEngine(script, TAGS, **options)


async def question(engine: Engine) -> Context:
    return await converse(engine, [("user", "What is 2 + 2?")], name="root")


async def said(engine: TrainedEngine, path: str) -> str:
    """What the model's turn holds before it goes on at this path."""
    (call,) = [call for call in engine.fake.calls if call.context.path == path]
    text = await engine.decode(call.context.token_ids)
    return text.rpartition("<|assistant|>")[2]


async def solve(engine: TrainedEngine, method: ParaThinker = TRAINED) -> Answer:
    return await method.solve(await question(engine), engine)


async def test_threads_open_with_their_token_and_stop_at_a_closing_one() -> None:
    engine = trained()
    answer = await solve(engine)
    for number in range(THREADS):
        path = f"root/thread-{number}"
        assert await said(engine, path) == f"<think><think{number + 1}>"
    assert [candidate.text for candidate in answer.candidates] == [
        f"thought {number}" for number in (1, 2, 3)
    ]
    stops = engine.fake.calls[0].sampling.stop
    assert {*stops} == {chr(engine.id_of(tag)) for tag in TAGS[1:]}


async def test_the_summary_opens_after_all_threads_and_ends_at_its_token() -> None:
    engine = trained()
    answer = await solve(engine)
    assert await said(engine, "root/synthesise") == (
        "<think><think1>thought 1</think1><think2>thought 2</think2><think3>thought 3</think3><summary>"
    )
    assert (answer.text, answer.value) == ("all say \\boxed{4}", "4")
    assert len(engine.fake.calls) == THREADS + 1


async def test_each_tag_is_put_in_as_its_token() -> None:
    engine = trained()
    await solve(engine)
    ids = engine.fake.calls[-1].context.token_ids
    assert [ids.count(engine.id_of(tag)) for tag in TAGS] == [1] * (len(TAGS) - 1) + [0]


async def test_the_first_thread_is_found_in_the_cache_by_the_summary() -> None:
    engine = trained(
        lambda context: f"{'x' * 300}</think1>" if context.path.endswith("0") else says(context),
        block_size=16,
    )
    answer = await solve(engine)
    first = answer.candidates[0].context
    assert first is not None
    own = answer.usage.cached_tokens or 0
    for candidate in answer.candidates:
        own -= candidate.usage.cached_tokens or 0
    # Without the closing token, of which there is no KV yet.
    assert own >= (len(first.token_ids) - 2) // 16 * 16


@pytest.mark.parametrize("end", ["", "</think2>", "<summary>", "<think1>"])
async def test_however_a_thread_ends_its_own_token_closes_it(end: str) -> None:
    def script(context: Context) -> str:
        return f"so{end}" if context.path.endswith("0") else says(context)

    engine = trained(script)
    await solve(engine)
    assert "<think1>so</think1><think2>" in await said(engine, "root/synthesise")
    assert END_OF_TURN not in engine.fake.calls[-1].context.token_ids


async def test_a_template_that_opens_the_thinking_is_not_told_to_do_it_twice() -> None:
    engine = TrainedEngine(says, TAGS, opens="<think>\n")
    await solve(engine)
    assert await said(engine, "root/thread-0") == "<think>\n<think1>"


async def test_hints_are_put_into_the_threads_mouth_and_stay_in_the_summary() -> None:
    engine = trained()
    await solve(engine, replace(TRAINED, hints=("Guess: ",)))
    assert await said(engine, "root/thread-1") == "<think><think2>Guess: "
    assert "<think2>Guess: thought 2</think2>" in await said(engine, "root/synthesise")


async def test_a_thread_that_is_lost_leaves_the_others_their_tokens() -> None:
    def script(context: Context) -> str | ForkjoinError:
        return EngineUnavailable("busy") if context.path.endswith("1") else says(context)

    engine = trained(script)
    answer = await solve(engine)
    assert await said(engine, "root/synthesise") == (
        "<think><think1>thought 1</think1><think3>thought 3</think3><summary>"
    )
    assert answer.remark == "1 of 3 threads were lost, the first: busy"


def test_a_thread_that_was_cut_is_closed() -> None:
    def script(context: Context) -> str:
        return "y" * 160 if context.path.endswith("1") else says(context)

    async def main() -> tuple[Answer, str]:
        engine = trained(script, seconds_per_token=1, chunk_tokens=4)
        answer = await solve(engine, replace(TRAINED, wait=2))
        return answer, await said(engine, "root/synthesise")

    answer, prompt = backends.run_virtually(main)
    assert answer.branches[1].status == "cancelled"
    assert f"</think1><think2>{'y' * 8}</think2><think3>" in prompt


async def test_the_longest_thread_can_come_first_and_each_be_bounded() -> None:
    def script(context: Context) -> str:
        return f"{'y' * 40}</think2>" if context.path.endswith("1") else says(context)

    engine = trained(script)
    reducer = Synthesise(order="longest first", tail_tokens=20)
    await solve(engine, replace(TRAINED, reducer=reducer))
    assert await said(engine, "root/synthesise") == (
        f"<think><think2>{'y' * 20}</think2><think1>thought 1</think1><think3>thought 3</think3><summary>"
    )


async def test_threads_that_do_not_fit_are_read_from_later_on() -> None:
    def script(context: Context) -> str:
        own = context.path.endswith("synthesise")
        return says(context) if own else "y" * 1000

    engine = trained(script, window=500)
    answer = await solve(engine)
    assert [branch.status for branch in answer.branches] == ["truncated"] * THREADS
    assert "only the last" in answer.remark
    assert answer.value == "4"


async def test_a_vote_comes_first_where_that_is_asked() -> None:
    async def same_text(first: str, second: str) -> bool:
        return first == second

    def script(context: Context) -> str:
        if context.path.endswith("synthesise"):
            return says(context)
        return "\\boxed{7}" if agreed else f"\\boxed{{{context.path[-1]}}}"

    reducer = VoteFirst(equality=same_text)
    agreed = True
    assert (await solve(trained(script), replace(TRAINED, reducer=reducer))).value == "7"
    agreed = False
    engine = trained(script)
    assert (await solve(engine, replace(TRAINED, reducer=reducer))).value == "4"
    assert "<think3>\\boxed{2}</think3><summary>" in await said(engine, "root/synthesise")


def test_the_account_is_the_engines_own() -> None:
    async def main() -> tuple[Answer, EngineStatistics]:
        engine = trained(seconds_per_token=1)
        answer = await solve(engine, replace(TRAINED, wait="first"))
        return answer, await engine.statistics()

    answer, statistics = backends.run_virtually(main)
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.critical_path <= answer.usage.generated_tokens
    assert statistics.running == 0


# Whether the model was trained for it


@pytest.mark.parametrize("missing", TAGS[1:])
async def test_a_model_that_lacks_a_token_thinks_as_any_model_does(missing: str) -> None:
    engine = TrainedEngine(lambda context: "so", [tag for tag in TAGS if tag != missing])
    await solve(engine)
    assert "1. so\n2. so\n3. so\n" in engine.fake.calls[-1].context.turns[0].text
    with pytest.raises(UsageError, match=f"fake has no token {missing}: use a model"):
        await solve(engine, replace(TRAINED, tuned="yes"))


async def test_a_server_without_ids_has_no_tokens() -> None:
    engine = FakeEngine("so", text_only=True)
    with pytest.raises(UsageError, match="fake has no token <think1>"):
        await ParaThinker(tuned="yes").solve(await question(engine), engine)


async def test_the_tokens_are_left_alone_where_that_is_asked_or_another_method_thinks() -> None:
    for method in (
        replace(TRAINED, tuned="no"),
        replace(TRAINED, method=SelfConsistency(samples=2)),
    ):
        engine = trained(lambda context: "so")
        await solve(engine, method)
        assert "1. so\n2. so\n3. so\n" in engine.fake.calls[-1].context.turns[0].text


def test_a_models_own_threads_cannot_think_by_another_method() -> None:
    with pytest.raises(UsageError, match="cannot think by SelfConsistency"):
        ParaThinker(tuned="yes", method=SelfConsistency())
    ParaThinker(tuned="yes", method=ChainOfThought())


async def test_the_tags_are_asked_of_the_tokenizer() -> None:
    engine = trained()
    tags = await ThoughtTags.of(engine, 2, await question(engine))
    assert [tag.token_id for tag in tags.openings] == [
        engine.id_of("<think1>"),
        engine.id_of("<think2>"),
    ]
    assert (tags.summary.text, tags.summary.token_id) == ("<summary>", engine.id_of("<summary>"))
