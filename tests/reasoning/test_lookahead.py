from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from engines import (
    Context,
    Engine,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Scripted,
    UsageError,
    converse,
)
from reasoning import Answer, NoCandidates
from reasoning.scoring.confidence_scorer import ConfidenceScorer
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.reward_model import RewardModel
from reasoning.scoring.scorer import Scores
from reasoning.scoring.verifier import Verifier
from reasoning.searching.lookahead import Lookahead
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch
from reasoning.voting.confidence import TOP_LOGPROBS, Confidence
from tests.reasoning.confident_replies import sure
from tests.reasoning.verdicts import question, thread


@dataclass(frozen=True, kw_only=True)
class ByLength:
    """Scores by length, and remembers what it was asked."""

    batches: list[tuple[str, list[Answer]]] = field(default_factory=list)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        self.batches.append((context.path, list(candidates)))
        return Scores(values=tuple(float(len(said.text)) for said in candidates))


def letters(context: Context, sampling: Sampling) -> str:
    """A step of one letter, by how many lines were said."""
    said = "".join(turn.text for turn in context.turns if turn.role == "assistant")
    return f"{chr(ord('a') + said.count(chr(10)))}\n\n"


async def begun(root: Context, engine: Engine, text: str, name: str) -> Answer:
    """A thought of one step, as a search has it."""
    prompt = await converse(engine, [("user", "!"), ("assistant", "")], after=root)
    fork = prompt.fork(name)
    opened = fork.extend(await engine.encode(text, role="assistant", after=fork))
    ids = tuple(map(ord, text)) if engine.capabilities.token_ids else ()
    return Answer(text=text, token_ids=ids, context=opened)


@pytest.mark.anyio
async def test_what_is_scored_is_the_thought_with_so_many_steps_more_taken_greedily() -> None:
    engine = FakeEngine(letters)
    root = await question(engine)
    candidates = [await begun(root, engine, text, text) for text in ("X\n\n", "YY\n\n")]
    scorer = ByLength()
    ahead = Lookahead(scorer=scorer, stepper=ModelSteps(sampling=Sampling(seed=5)), steps=2)
    scores = await ahead.score(candidates, root.fork("wave-0"), engine)
    ((path, rolled),) = scorer.batches
    assert path == "root/wave-0/ahead"
    assert [said.text for said in rolled] == ["X\n\nc\n\ne\n\n", "YY\n\nc\n\ne\n\n"]
    assert [said.token_ids for said in rolled] == [tuple(map(ord, said.text)) for said in rolled]
    assert scores.values == (9.0, 10.0)
    assert {call.sampling.temperature for call in engine.calls} == {0.0}
    assert len({call.context.path for call in engine.calls}) == 4
    assert all(call.context.path.startswith("root/wave-0/ahead-") for call in engine.calls)


@pytest.mark.anyio
async def test_it_goes_on_from_the_thought_s_own_ids_and_counts_what_it_takes() -> None:
    engine = FakeEngine(letters, block_size=1)
    root = await question(engine)
    candidate = await begun(root, engine, "X\n\n", "x")
    assert candidate.context is not None
    scores = await Lookahead(scorer=Verifier(), steps=3).score(
        [candidate], root.fork("w"), _yes(engine)
    )
    ids = candidate.context.token_ids
    assert all(call.context.token_ids[: len(ids)] == ids for call in engine.calls)
    found = await engine.statistics()
    assert scores.usage.prompt_tokens == found.prompt_tokens
    assert scores.usage.generated_tokens == found.generated_tokens == scores.critical_path
    assert found.running == 0


def _yes(engine: FakeEngine) -> FakeEngine:
    """The same engine, which says yes where it is asked for a verdict."""
    engine._script = lambda context, sampling: (
        "Yes" if sampling.constraint else letters(context, sampling)
    )
    return engine


@pytest.mark.anyio
async def test_what_came_to_its_end_is_scored_as_it_is() -> None:
    engine = FakeEngine(letters)
    root = await question(engine)
    ended = thread("so \\boxed{4}", "4")
    cut = Answer(text="no more", truncated=True, limited_by="tokens")
    scorer = ByLength()
    candidates = [ended, await begun(root, engine, "X\n\n", "x"), cut]
    await Lookahead(scorer=scorer).score(candidates, root.fork("w"), engine)
    ((_, rolled),) = scorer.batches
    assert (rolled[0], rolled[2]) == (ended, cut)
    assert rolled[1].text == "X\n\nc\n\n"
    await Lookahead(scorer=scorer).score([ended], root.fork("v"), engine)
    assert len(engine.calls) == 1


@pytest.mark.anyio
async def test_a_rollout_ends_with_an_answer_or_its_tokens() -> None:
    replies = {"X": "so \\boxed{4}", "Y": "y" * 50}
    engine = FakeEngine(lambda context, sampling: replies[context.turns[-1].text[0]])
    root = await question(engine)
    candidates = [await begun(root, engine, f"{text}\n\n", text) for text in "XY"]
    scorer = ByLength()
    ahead = Lookahead(scorer=scorer, steps=9, max_tokens=30, stepper=ModelSteps(step_tokens=14))
    await ahead.score(candidates, root.fork("w"), engine)
    ((_, (one, other)),) = scorer.batches
    assert (one.text, one.value) == ("X\n\nso \\boxed{4}", "4")
    assert other.text == "Y\n\n" + "y" * 30
    assert len(engine.calls) == 4


@pytest.mark.anyio
async def test_a_rollout_that_fails_is_scored_with_what_there_is_of_it() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        said = context.turns[-1].text
        fails = (said.startswith("N") and "c" in said) or said.startswith("M")
        return EngineUnavailable("busy") if fails else "c\n\n"

    engine = FakeEngine(script)
    root = await question(engine)
    candidates = [await begun(root, engine, f"{text}\n\n", text) for text in "XNM"]
    scorer = ByLength()
    scores = await Lookahead(scorer=scorer, steps=2).score(candidates, root.fork("w"), engine)
    ((_, rolled),) = scorer.batches
    assert [said.text for said in rolled] == ["X\n\nc\n\nc\n\n", "N\n\nc\n\n", "M\n\n"]
    assert scores.remark == "2 of 3 rollouts were lost, the first: busy"
    found = await engine.statistics()
    assert scores.usage.generated_tokens == found.generated_tokens


@pytest.mark.anyio
async def test_a_scorer_that_fails_fails() -> None:
    engine = FakeEngine(
        lambda context, sampling: EngineUnavailable("busy") if sampling.constraint else "c\n\n"
    )
    root = await question(engine)
    with pytest.raises(NoCandidates, match=r"^1 verdict failed: busy"):
        await Lookahead().score([thread("X\n\n")], root.fork("w"), engine)
    assert (await Lookahead().score([], root.fork("v"), engine)).values == ()


@pytest.mark.anyio
async def test_it_looks_ahead_of_what_is_known_as_text_only() -> None:
    engine = FakeEngine(lambda context, sampling: "a step", text_only=True)
    root = await question(engine)
    scorer = ByLength()
    candidate = await begun(root, engine, "X", "x")
    await Lookahead(scorer=scorer).score([candidate], root.fork("w"), engine)
    ((_, (rolled,)),) = scorer.batches
    assert rolled.text == "Xa step\n\n"
    assert engine.calls[0].context.turns[0].text == "What is 2 + 2?!"


@pytest.mark.anyio
async def test_lookahead_in_lookahead_has_names_of_its_own() -> None:
    engine = FakeEngine(letters)
    root = await question(engine)
    scorer = ByLength()
    ahead = Lookahead(scorer=Lookahead(scorer=scorer))
    await ahead.score([await begun(root, engine, "X\n\n", "x")], root.fork("w"), engine)
    ((_, (rolled,)),) = scorer.batches
    assert rolled.text == "X\n\nc\n\ne\n\n"
    assert len({call.context.path for call in engine.calls}) == 2


@pytest.mark.anyio
async def test_a_search_that_looks_ahead_throws_away_what_it_saw_and_counts_it() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        said = context.turns[-1].text
        if sampling.temperature == 0:
            return "seen ahead\n\n"
        return "so \\boxed{4}" if said else f"{context.path[-1]} first\n\n"

    engine = FakeEngine(script)
    scorer = ByLength()
    search = TreeSearch(rule=Rebase(), scorer=Lookahead(scorer=scorer), width=3)
    answer = await search.solve(await question(engine), engine)
    assert answer.value == "4"
    assert "seen ahead" not in answer.text
    assert any("seen ahead" in said.text for _, batch in scorer.batches for said in batch)
    found = await engine.statistics()
    assert answer.usage.prompt_tokens == found.prompt_tokens
    assert answer.usage.generated_tokens == found.generated_tokens
    assert answer.critical_path <= answer.usage.generated_tokens
    paths = [call.context.path for call in engine.calls]
    assert len(paths) == len(set(paths))
    assert math.isfinite(max(branch.score or 0 for branch in answer.branches))


def sure_by_place(context: Context, sampling: Sampling) -> Scripted | ForkjoinError:
    """What is sampled is sure by 8, the first step of a rollout by 3, the second by 5; X's fails at its second step."""
    if sampling.temperature:
        return sure("so \\boxed{4}" if context.turns[-1].text else "on\n\n", 8.0)
    if not context.path.endswith("step-1"):
        return sure("a\n\n", 3.0)
    return EngineUnavailable("busy") if "X" in context.turns[-1].text else sure("b\n\n", 5.0)


@pytest.mark.parametrize(("steps", "confidence"), [(1, 3.0), (2, 5.0)])
@pytest.mark.anyio
async def test_by_confidence_a_thought_is_as_good_as_the_last_step_of_what_it_leads_to(
    steps: int, confidence: float
) -> None:
    engine = FakeEngine(sure_by_place)
    scorer = Lookahead(scorer=ConfidenceScorer(), steps=steps)
    answer = await TreeSearch(scorer=scorer, width=1).solve(await question(engine), engine)
    (first,) = answer.branches
    assert first.answer is not None
    assert [first.score, first.answer.branches[0].score] == pytest.approx([confidence, 8.0])
    assert answer.remark == ""


@pytest.mark.anyio
async def test_by_confidence_what_is_lost_of_a_rollout_leaves_the_confidence_before_it() -> None:
    engine = FakeEngine(sure_by_place)
    root = await question(engine)
    known = Confidence(mean=7.0, tail=7.0, bottom=7.0, lowest=7.0)
    candidate = replace(await begun(root, engine, "X\n\n", "x"), confidence=known)
    scorer = Lookahead(scorer=ConfidenceScorer(), steps=2)
    scores = await scorer.score([candidate], root.fork("w"), engine)
    assert scores.values == (7.0,)
    assert scores.remark == "1 of 1 rollouts were lost, the first: busy"


@pytest.mark.anyio
async def test_rollouts_tell_logprobs_only_where_something_reads_them() -> None:
    engine = FakeEngine(sure_by_place)
    root = await question(engine)
    candidate = await begun(root, engine, "Y\n\n", "y")
    for scorer in (ByLength(), Remembered(scorer=ConfidenceScorer())):
        await Lookahead(scorer=scorer).score([candidate], root.fork(type(scorer).__name__), engine)
    assert [call.sampling.logprobs for call in engine.calls] == [None, TOP_LOGPROBS]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"max_tokens": 0}])
def test_to_look_nowhere_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"^lookahead with .*=0: at least 1 is needed"):
        Lookahead(**wrong)  # type: ignore[arg-type]  # a part is no number
    with pytest.raises(UsageError, match="set url"):
        Lookahead(scorer=RewardModel())
