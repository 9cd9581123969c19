"""The engine that says what was recorded; what it shares with all engines is in the contract."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    CapabilityMissing,
    Choice,
    Context,
    Engine,
    MeteredEngine,
    ReplayEngine,
    RequestRejected,
    Sampling,
    Segment,
    UsageError,
    converse,
)
from engines.replay.recording import Recorded, Recording
from engines.replay.reply import reply_of
from orchestrator.commands.engine_option import check_engine, open_engine
from reasoning import ChainOfThought, SelfConsistency
from tests import backends
from tests.backends import run_virtually

anyio_backend = backends.virtual_backend

QUESTION = "What is 2 + 2?"
TEXTS = ["First,\n\nit is \\boxed{4}.", "First,\n\nit is \\boxed{5}.", "Well: \\boxed{4}"]
LONG = Sampling(max_tokens=1000)


def replay(*texts: str, **options: float) -> ReplayEngine:
    samples = tuple(map(Recorded, texts or TEXTS))
    return ReplayEngine(Recording("sums", {QUESTION: samples}), **options)  # type: ignore[arg-type]  # ints are floats


async def asked(engine: Engine, name: str | None = "root") -> Context:
    return await converse(engine, [("user", QUESTION), ("assistant", "")], name=name)


@pytest.mark.anyio
async def test_samples_of_a_problem_are_those_recorded_each_once_in_their_order() -> None:
    engine, method = replay(), ChainOfThought(sampling=LONG)
    texts = []
    for number in range(3):
        # As an evaluation puts it: TASK/PROBLEM/SAMPLE.
        root = await converse(engine, [("user", f"Solve: {QUESTION}")], name=f"sums/s-7/{number}")
        texts.append((await method.solve(root, engine)).text)
    assert texts == TEXTS


@pytest.mark.anyio
async def test_a_sample_that_was_not_recorded_is_no_other_one_again() -> None:
    engine, method = replay(), ChainOfThought(sampling=LONG)
    root = await converse(engine, [("user", QUESTION)], name="sums/s-7/3")
    with pytest.raises(RequestRejected) as caught:
        await method.solve(root, engine)
    assert str(caught.value) == (
        "replay:sums: question 'What is 2 + 2?' has 3 recorded samples, and sample 4 was asked for: "
        "ask for -k 3 at most"
    )
    vote = SelfConsistency(samples=5, method=method)
    answer = await vote.solve(root, engine)
    assert {branch.answer.text for branch in answer.branches if branch.answer} == set(TEXTS)


@pytest.mark.anyio
async def test_a_vote_has_every_sample_and_a_seed_picks_where_nothing_else_does() -> None:
    engine = replay()
    root = await converse(engine, [("user", QUESTION)], name="root")
    vote = SelfConsistency(samples=3, method=ChainOfThought(sampling=LONG))
    answer = await vote.solve(root, engine)
    assert [branch.answer.text for branch in answer.branches if branch.answer] == TEXTS
    assert answer.value == "4"
    context = await asked(engine)
    seeded = [await engine.generate(context, Sampling(seed=seed)) for seed in (1, 2, 4)]
    assert [completion.text for completion in seeded] == [TEXTS[1], TEXTS[2], TEXTS[1]]


@pytest.mark.anyio
async def test_a_question_that_was_not_recorded_is_rejected_in_a_line() -> None:
    engine = replay()
    context = await converse(engine, [("user", "What is 3 + 3?"), ("assistant", "")])
    with pytest.raises(RequestRejected) as caught:
        await engine.generate(context, LONG)
    assert str(caught.value) == (
        "replay:sums has no recorded question in 'What is 3 + 3?': "
        "ask one of its 1 questions as it was recorded"
    )


@pytest.mark.anyio
async def test_steps_go_on_with_what_was_recorded_stop_texts_included() -> None:
    engine = replay()
    step = Sampling(stop=("\n\n",))
    first = await engine.generate((await asked(engine)).fork("step-1"), step)
    assert (first.text, first.stop_reason) == ("First,", "\n\n")
    assert await engine.decode(first.token_ids) == "First,\n\n"
    second = await engine.generate(first.context, step)
    assert (second.text, second.stop_reason) == ("it is \\boxed{5}.", None)
    # Other thoughts may become any of the samples that begin so, and not the one that does not.
    forks = [first.context.fork(f"step-{i}") for i in range(2)]
    others = {(await engine.generate(fork, step)).text for fork in forks}
    assert others == {"it is \\boxed{4}.", "it is \\boxed{5}."}


@pytest.mark.anyio
async def test_words_that_are_not_the_recordings_cannot_be_gone_on_from() -> None:
    engine = replay()
    begun = await converse(engine, [("user", QUESTION), ("assistant", "Wait")], name="root")
    with pytest.raises(RequestRejected, match=r"cannot go on with 'Wait': none of 3 recorded"):
        await engine.generate(begun, LONG)


@pytest.mark.anyio
async def test_what_a_limit_had_cut_is_cut_again() -> None:
    engine = ReplayEngine(Recording("sums", {QUESTION: (Recorded("so f", cut=True),)}))
    assert (await engine.generate(await asked(engine), LONG)).finish_reason == "length"
    stopped = await engine.generate(await asked(engine), Sampling(stop=(" f",)))
    assert (stopped.text, stopped.finish_reason) == ("so", "stop")


@pytest.mark.anyio
async def test_it_enforces_nothing_and_has_no_cache_to_share() -> None:
    engine = replay()
    sampling = Sampling(constraint=Choice(options=("4", "5")))
    with pytest.raises(CapabilityMissing):
        await engine.generate(await asked(engine), sampling)
    asking = LONG.model_copy(update={"logprobs": 1})
    assert (await engine.generate(await asked(engine), asking)).logprobs == ()


@pytest.mark.anyio
async def test_an_empty_sample_is_an_empty_completion() -> None:
    engine = replay("")
    completion = await engine.generate(await asked(engine), LONG)
    assert (completion.text, completion.token_ids, completion.finish_reason) == ("", (), "stop")


@pytest.mark.anyio
async def test_a_prefix_is_cached_and_blocks_are_counted() -> None:
    engine = replay("So " * 100)
    meter = MeteredEngine(engine)
    context = await asked(engine)
    first = await meter.generate(context, LONG)
    assert first.usage.cached_tokens == 0
    segment = await engine.encode("Again.", role="user", after=first.context)
    again = await meter.generate(first.context.extend(segment), LONG)
    assert first.usage.generated_tokens == 75
    assert again.usage.cached_tokens == 80
    assert meter.use is not None
    assert meter.use.peak > 0


@given(
    st.text("ab\n€", max_size=40),
    st.lists(st.text("ab\n€", min_size=1, max_size=3), max_size=2),
    st.integers(1, 20),
    st.integers(1, 5),
)
def test_parts_add_up_to_a_reply_that_ends_where_it_should(
    text: str, stops: list[str], room: int, size: int
) -> None:
    reply = reply_of(text, Sampling(stop=tuple(stops)), room, cut=False)
    parts = list(reply.parts(size))
    assert "".join(part.text for part in parts) == reply.text
    assert sum((part.token_ids for part in parts), ()) == reply.token_ids
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(reply.token_ids) <= room
    assert text.startswith(reply.text)
    if reply.stop_reason is not None:
        assert text.startswith(f"{reply.text}{reply.stop_reason}")
    elif reply.finish_reason == "stop":
        assert reply.text == text
        assert not any(stop in text for stop in stops)


@pytest.mark.anyio
async def test_a_token_that_is_a_stop_is_one_wherever_its_text_stands() -> None:
    engine = replay("abcdefgh<e>ij")
    (tag,) = (
        await engine.encode("<e>", role="assistant", after=await asked(engine))
    ).token_ids or ()
    completion = await engine.generate(await asked(engine), Sampling(stop_token_ids=(tag,)))
    assert (completion.text, completion.stop_reason) == ("abcdefgh", tag)
    assert completion.token_ids[-1] == tag


def test_a_fingerprint_stands_for_what_is_recorded() -> None:
    assert replay("4").fingerprint == replay("4").fingerprint != replay("5").fingerprint


def test_ids_of_another_kind_of_engine_are_asked_for() -> None:
    engine = replay()
    context = Context(Segment("user", QUESTION))

    async def ask() -> None:
        await engine.generate(context, LONG)

    with pytest.raises(Exception, match="has text only"):
        run_virtually(ask)


def test_the_option_opens_a_file_and_says_which_one_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_text(json.dumps({"problem": QUESTION, "samples": TEXTS}))
    name = f"replay:{tmp_path / 'sums.jsonl'}"
    check_engine(name)
    arguments = argparse.Namespace(engine=name, model=None)

    async def main() -> str:
        async with open_engine(arguments, lambda notice: None) as engine:
            return (await engine.generate(await asked(engine), LONG)).text

    assert run_virtually(main) == TEXTS[0]
    # It has the form of MODULE:NAME too.
    with pytest.raises(UsageError, match=r"--engine replay:nothing: there is no such file or"):
        check_engine("replay:nothing")
