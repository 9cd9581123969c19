"""The verifier of steps, and what all verifiers share: where a candidate is put to be asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engines import Context, Engine, FakeEngine, Sampling, Scripted, Segment, converse
from reasoning import Answer
from reasoning.chain_of_thought import ChainOfThought
from reasoning.scoring.placing import placed
from reasoning.scoring.step_verifier import StepVerifier
from reasoning.scoring.verifier import Verifier
from reasoning.searching.stepping import ModelSteps
from tests.reasoning.verdicts import END, prompt_text, question, thread, yes_with

INSTRUCTION = "\n\nThink in steps."


def judging(context: Context, sampling: Sampling) -> Scripted | str:
    """Steps where no verdict is asked for; good thoughts are those that say so."""
    if sampling.constraint is None:
        return f"step {len(context.path)}\n\nno more"
    return yes_with(0.9 if "good" in context.turns[1].text else 0.2)


async def thought(root: Context, engine: Engine, steps: int = 2, name: str = "thought") -> Answer:
    """A thought as a search has it: an instruction after the question, and steps in forks of each other."""
    prompt = await converse(engine, [("user", INSTRUCTION), ("assistant", "")], after=root)
    said = Answer(text="", context=prompt.fork(name))
    for number in range(steps):
        assert said.context is not None
        fork = said.context.fork(f"step-{number}")
        step = await ModelSteps().step(fork, engine, thought=said.text, room=100)
        said = said.then(step.said)
    return said


@pytest.mark.anyio
async def test_a_score_is_the_probability_of_yes_after_all_steps_so_far() -> None:
    engine = FakeEngine(judging)
    root = await question(engine)
    candidates = [thread("good\n\nso\n\n"), thread("bad\n\n"), thread("good: 4", "4", ended=True)]
    scores = await StepVerifier().score(candidates, root.fork("wave-0"), engine)
    assert scores.values == pytest.approx((0.9, 0.2, 0.9))
    assert len(engine.calls) == 3
    assert {call.context.path for call in engine.calls} == {
        f"root/wave-0/verify-{number}-0" for number in range(3)
    }
    statistics = await engine.statistics()
    assert scores.usage.prompt_tokens == statistics.prompt_tokens
    assert scores.usage.generated_tokens == statistics.generated_tokens == 9
    assert scores.critical_path == 3


@pytest.mark.anyio
async def test_it_asks_about_steps_and_a_verifier_about_an_answer() -> None:
    engine = FakeEngine(yes_with(0.5))
    root = await question(engine)
    await StepVerifier().score([thread("so\n\n")], root, engine)
    await Verifier().score([thread("so\n\n")], root.fork("other"), engine)
    steps, answer = prompt_text(engine, 0), prompt_text(engine, 1)
    assert "which may not be finished" in steps
    assert "Are all steps so far correct, and do they lead to the answer? Say Yes or No" in steps
    assert "so far" not in answer
    assert "Is it correct? Say Yes or No" in answer


@pytest.mark.anyio
@pytest.mark.parametrize("verifier", [Verifier(), StepVerifier()])
async def test_a_thought_is_read_from_the_cache_that_it_was_written_into(
    verifier: Verifier,
) -> None:
    engine = FakeEngine(judging, block_size=1)
    root = await question(engine)
    candidate = await thought(root, engine)
    assert candidate.context is not None
    written = candidate.context.token_ids
    scores = await verifier.score([candidate], root.fork("wave-0"), engine)
    call = engine.calls[-1]
    assert call.context.token_ids[: len(written)] == written
    # The last token that is sampled has no KV yet, and the fake's stop text was never sampled.
    assert scores.usage.cached_tokens == len(written) - len("\n\n") - 1
    assert call.context.path == "root/wave-0/verify-0-0"
    assert [turn.role for turn in call.context.turns] == ["user", "assistant", "user", "assistant"]


@pytest.mark.anyio
async def test_the_answer_of_a_method_is_read_from_its_cache_too() -> None:
    engine = FakeEngine(judging, block_size=1)
    root = await question(engine)
    answer = await ChainOfThought().solve(root.fork("sample-0"), engine)
    scores = await Verifier().score([answer], root.fork("judge"), engine)
    assert answer.context is not None
    assert scores.usage.cached_tokens == len(answer.context.token_ids) - 1


@pytest.mark.anyio
async def test_two_who_score_the_same_thought_ask_under_names_of_their_own() -> None:
    engine = FakeEngine(judging)
    root = await question(engine)
    candidate = await thought(root, engine)
    await StepVerifier().score([candidate], root.fork("a"), engine)
    await StepVerifier().score([candidate], root.fork("b"), engine)
    first, second = engine.calls[-2:]
    assert first.context.path != second.context.path
    assert first.context.token_ids == second.context.token_ids


@pytest.mark.anyio
async def test_a_candidate_that_is_not_all_that_was_said_stands_alone_after_the_question() -> None:
    engine = FakeEngine(judging)
    root = await question(engine)
    whole = await thought(root, engine)
    assert whole.context is not None
    alone = f"What is 2 + 2?<|assistant|>{whole.text}"
    other = await question(engine, "What is 3 + 3?")
    more = whole.context.extend(Segment("assistant", "more", tuple(map(ord, "more"))))
    for candidate, fork in (
        (replace(whole, context=more), root.fork("a")),
        (replace(whole, context=None), root.fork("b")),
        (whole, other.fork("c")),
        (whole, root.fork("d", Segment("user", "!", (ord("!"),)))),
    ):
        context = await placed(candidate, fork, engine)
        said = "".join(map(chr, context.token_ids))
        assert INSTRUCTION not in said
        assert said.endswith(alone.partition("?")[2])
        assert context.path == fork.path


@pytest.mark.anyio
async def test_the_model_s_own_end_is_kept_and_not_repeated() -> None:
    engine = FakeEngine(yes_with(0.5))
    root = await question(engine)
    await StepVerifier().score([thread("Four.", ended=True)], root, engine)
    assert engine.calls[0].context.token_ids.count(END) == 1


@pytest.mark.anyio
async def test_on_a_text_only_engine_the_steps_stay_turns_of_their_own() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        return "Yes" if "Say Yes" in context.turns[-2].text else "a step\n\n"

    engine = FakeEngine(script, text_only=True)
    root = await question(engine)
    candidate = await thought(root, engine)
    scores = await StepVerifier().score([candidate], root.fork("wave-0"), engine)
    assert scores.values == (1.0,)
    roles = [turn.role for turn in engine.calls[-1].context.turns]
    assert roles == ["user", "assistant"] * 3
    assert "a step" in engine.calls[-1].context.turns[1].text


@pytest.mark.anyio
async def test_a_thought_too_long_for_the_window_is_cut_to_its_tail() -> None:
    engine = FakeEngine(yes_with(0.5), window=500)
    candidate = thread("x" * 600 + "so it is 4\n\n")
    scores = await StepVerifier().score([candidate], await question(engine), engine)
    assert scores.values == pytest.approx((0.5,))
    assert scores.remark == "1 of 1 verdicts saw the end of an answer only"
    assert "xso it is 4\n\n<|user|>" in prompt_text(engine)
