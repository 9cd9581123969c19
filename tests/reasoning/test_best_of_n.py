from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Scripted,
    Usage,
    UsageError,
)
from reasoning import Answer, ChainOfThought, NoCandidates, SelfConsistency
from reasoning.best_of_n import BestOfN
from reasoning.method import Method
from reasoning.parathinking.parathinker import ParaThinker
from reasoning.prompt_ensemble import PromptEnsemble
from reasoning.reducing.best import Best
from reasoning.reducing.majority import Majority
from reasoning.reducing.reducer import Reducer
from reasoning.reducing.vote_first import VoteFirst
from reasoning.reducing.weighted import WeightedMajority
from reasoning.scoring.check import Check
from reasoning.scoring.confidence_scorer import ConfidenceScorer
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.verifier import Verifier
from tests.backends import run_virtually
from tests.reasoning.confident_replies import sure
from tests.reasoning.verdicts import Known, question, thread, yes_with

SEEDED = ChainOfThought(sampling=Sampling(seed=1))
SCORES = st.lists(st.floats(), min_size=1, max_size=8)


def best(scores: list[float]) -> Answer:
    async def main() -> Answer:
        scorer = Known(scores={str(i): score for i, score in enumerate(scores)})
        answers = [thread(str(i), value=str(i)) for i in range(len(scores))]
        engine = FakeEngine()
        return await Best(scorer=scorer).reduce(answers, await question(engine), engine)

    return run_virtually(main)


@given(SCORES)
def test_the_best_has_the_highest_score_and_of_equals_came_first(scores: list[float]) -> None:
    known = [-math.inf if math.isnan(score) else score for score in scores]
    won = best(scores)
    assert won.value == str(known.index(max(known)))
    assert ("NaN" in won.remark) == (len(scores) > 1 and any(map(math.isnan, scores)))


@pytest.mark.anyio
async def test_the_choice_costs_what_scoring_costs() -> None:
    usage = Usage(prompt_tokens=9, generated_tokens=4)
    scorer = Known(scores={"a": 0.1, "b": 0.2}, usage=usage, critical_path=2)
    engine = FakeEngine()
    root = await question(engine)
    won = await Best(scorer=scorer).reduce([thread("a"), thread("b")], root, engine)
    assert (won.text, won.usage, won.critical_path, won.branches) == ("b", usage, 2, ())
    alone = await Best(scorer=scorer).reduce([thread("a")], root, engine)
    assert (alone.text, alone.usage, alone.critical_path) == ("a", Usage(), 0)


def sampled(context: Context) -> int:
    """The number of the sample that a context belongs to, or that is judged in it."""
    name = next(part for part in context.path.split("/") if part.startswith(("sample", "verify")))
    return int(name.split("-")[1])


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 2),
)
def test_the_usage_is_the_engine_s_own_and_the_best_of_what_is_left_wins(
    samples: list[tuple[int, bool]], votes: int
) -> None:
    def script(context: Context, sampling: Sampling) -> Scripted | str | ForkjoinError:
        if "verify" in context.path:
            return yes_with(len(context.turns[1].text) / 50)
        length, fails = samples[sampled(context)]
        return EngineUnavailable("busy") if fails else "x" * length

    async def main() -> tuple[Answer | None, Usage]:
        engine = FakeEngine(script)
        method = BestOfN(samples=len(samples), method=SEEDED, scorer=Verifier(votes=votes))
        try:
            answer = await method.solve(await question(engine), engine)
        except NoCandidates:
            return None, Usage()
        statistics = await engine.statistics()
        assert statistics.running == 0
        usage = Usage(
            prompt_tokens=statistics.prompt_tokens, generated_tokens=statistics.generated_tokens
        )
        return answer, usage

    answer, usage = run_virtually(main)
    lengths = [length for length, fails in samples if not fails]
    if answer is None:
        assert lengths == []
        return
    assert answer.usage.prompt_tokens == usage.prompt_tokens
    assert answer.usage.generated_tokens == usage.generated_tokens
    assert answer.text == "x" * max(lengths)
    scoring = 3 if len(lengths) > 1 else 0
    assert answer.critical_path == max(lengths) + scoring <= usage.generated_tokens
    assert len(answer.candidates) == len(lengths)
    lost = len(samples) - len(lengths)
    assert answer.remark == (
        f"{lost} of {len(samples)} samples were lost, the first: busy" if lost else ""
    )


def test_a_program_finds_the_right_sample() -> None:
    async def main() -> Answer:
        engine = FakeEngine([f"the answer is {i}" for i in range(5)])
        method = BestOfN(
            samples=5, method=SEEDED, scorer=Check(check=lambda answer: answer.value == "3")
        )
        return await method.solve(await question(engine), engine)

    assert run_virtually(main).value == "3"


@pytest.mark.anyio
async def test_it_nests_and_holds_other_methods() -> None:
    def script(context: Context, sampling: Sampling) -> Scripted | str:
        return yes_with(0.5) if "verify" in context.path else "the answer is 4"

    engine = FakeEngine(script)
    vote = SelfConsistency(samples=2, method=SEEDED)
    inner = BestOfN(samples=2, method=vote)
    outer = BestOfN(samples=2, method=inner)
    answer = await outer.solve(await question(engine), engine)
    paths = [call.context.path for call in engine.calls]
    assert answer.value == "4"
    assert len(paths) == len(set(paths)) == 2 * (2 * 2 + 2) + 2
    assert answer.usage.generated_tokens == (await engine.statistics()).generated_tokens


def test_no_samples_are_a_wrong_usage() -> None:
    with pytest.raises(UsageError, match="best-of-n with 0 samples: at least 1"):
        BestOfN(samples=0)


CONFIDENCE = ConfidenceScorer()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "method",
    [
        BestOfN(samples=3, scorer=CONFIDENCE),
        BestOfN(samples=3, scorer=CONFIDENCE, method=SelfConsistency(samples=1)),
        SelfConsistency(samples=3, reducer=Best(scorer=CONFIDENCE)),
        SelfConsistency(samples=3, reducer=Best(scorer=CONFIDENCE), in_flight=1),
        SelfConsistency(samples=3, reducer=WeightedMajority(scorer=Remembered(scorer=CONFIDENCE))),
        SelfConsistency(samples=3, reducer=VoteFirst(otherwise=Best(scorer=CONFIDENCE))),
        ParaThinker(threads=3, reducer=Best(scorer=CONFIDENCE), hints=("",)),
        PromptEnsemble(prompts=3, transforms=("plain",), reducer=Best(scorer=CONFIDENCE)),
    ],
)
async def test_what_scores_by_confidence_has_logprobs_asked_for(method: Method) -> None:
    replies = [
        sure(rf"\boxed{{{value}}}", level) for value, level in ((1, 2.0), (2, 9.0), (3, 4.0))
    ]
    engine = FakeEngine(replies)
    answer = await method.solve(await question(engine), engine)
    assert {call.sampling.logprobs for call in engine.calls} == {20}
    assert (answer.value, answer.remark) == ("2", "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reducer", "asked", "given"),
    [
        (Majority(), None, None),
        (Best(scorer=Check(check=bool)), None, None),
        (Best(scorer=CONFIDENCE), 5, 5),
    ],
)
async def test_logprobs_are_asked_for_only_where_they_are_read_and_none_are_asked_for(
    reducer: Reducer, asked: int | None, given: int | None
) -> None:
    engine = FakeEngine("the answer is 4")
    thinking = ChainOfThought(sampling=Sampling(logprobs=asked))
    method = SelfConsistency(samples=2, method=thinking, reducer=reducer)
    await method.solve(await question(engine), engine)
    assert {call.sampling.logprobs for call in engine.calls} == {given}
