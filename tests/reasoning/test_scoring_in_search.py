"""Process scorers at work in a tree search: what they are asked for, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette

from engines import Context, Engine, FakeEngine, Sampling, Scripted
from reasoning import Answer, NoCandidates
from reasoning.answer import Branch
from reasoning.scoring.noisy import Noisy
from reasoning.scoring.remembered import Remembered
from reasoning.scoring.reward_model import RewardModel
from reasoning.scoring.scorer import Scorer, Scores
from reasoning.scoring.step_logits import StepLogits
from reasoning.scoring.step_verifier import StepVerifier
from reasoning.searching.tree_search import TreeSearch
from tests.engines.next_token_like import NextTokenLike
from tests.engines.reward_like import RewardLike, steps
from tests.engines.servers import serving
from tests.reasoning.keeping import Deciding
from tests.reasoning.verdicts import question, yes_with


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def stepping(context: Context, sampling: Sampling) -> str | Scripted:
    """Siblings 0 and 1 say the same; the third step answers."""
    if sampling.constraint is not None:
        return yes_with(0.6)
    said = context.turns[-1].text
    if said.count("\n\n") == 2:
        return "so \\boxed{4}"
    return "same\n\n" if context.path[-1] in "01" else f"other {context.path[-1]}\n\n"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Finds all the same, and remembers which thoughts it was asked for."""

    texts: list[str] = field(default_factory=list)

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        self.texts.extend(candidate.text for candidate in candidates)
        return Scores(values=(0.5,) * len(candidates))


def search(scorer: Scorer) -> TreeSearch:
    return TreeSearch(scorer=scorer, width=4)


def nodes(branches: Sequence[Branch]) -> list[Branch]:
    return [node for branch in branches if branch.answer for node in _below(branch)]


def _below(branch: Branch) -> list[Branch]:
    return [branch, *nodes(branch.answer.branches if branch.answer else ())]


@pytest.mark.anyio
async def test_a_pooling_reward_model_gives_the_reward_of_the_newest_step() -> None:
    engine = FakeEngine(stepping)
    server = RewardLike(steps)
    with serving(server.app) as url:
        scorer = RewardModel(url=url, step_tag="<extra_0>")
        answer = await search(scorer).solve(await question(engine), engine)
    contents = [body["messages"][-1]["content"] for body in server.bodies]
    assert {content.count("<extra_0>") for content in contents} == {1, 2, 3}
    assert not any("\n" in content or "<extra_0><extra_0>" in content for content in contents)
    assert "same<extra_0>same<extra_0>so \\boxed{4}<extra_0>" in contents
    scores = {
        node.answer.text.strip(): node.score for node in nodes(answer.branches) if node.answer
    }
    assert scores["same"] == pytest.approx(1 / 5)
    assert scores["other 2"] == pytest.approx(1 / 8)
    assert answer.value == "4"


@pytest.mark.anyio
async def test_no_thought_is_scored_twice_however_it_grows() -> None:
    engine = FakeEngine(stepping)
    asked, memory = Asked(), Asked()
    root = await question(engine)
    plain = await search(asked).solve(root.fork("plain"), engine)
    remembering = Remembered(scorer=memory)
    answer = await search(remembering).solve(root.fork("remembering"), engine)
    assert (answer.text, answer.value) == (plain.text, plain.value)
    assert max(Counter(asked.texts).values()) > 1
    assert max(Counter(memory.texts).values()) == 1
    assert set(memory.texts) == set(asked.texts)
    # Another search for the same question, such as one with another rule, asks for nothing more.
    again = await search(remembering).solve(root.fork("again"), engine)
    assert max(Counter(memory.texts).values()) == 1
    assert [node.score for node in nodes(again.branches)] == [
        node.score for node in nodes(answer.branches)
    ]


@pytest.mark.anyio
async def test_what_is_remembered_costs_once_and_is_counted_once() -> None:
    engine = FakeEngine(stepping)
    root = await question(engine)
    answer = await search(Remembered(scorer=StepVerifier())).solve(root, engine)
    verdicts = [call for call in engine.calls if call.sampling.constraint is not None]
    thoughts = {call.context.turns[1].text for call in verdicts}
    assert len(verdicts) == len(thoughts)
    assert all(call.context.turns[0].text.startswith("What is 2 + 2?") for call in verdicts)
    found = await engine.statistics()
    assert answer.usage.prompt_tokens == found.prompt_tokens
    assert answer.usage.generated_tokens == found.generated_tokens
    assert answer.critical_path <= answer.usage.generated_tokens
    assert found.running == 0


@pytest.mark.anyio
async def test_a_growing_thought_is_one_call_of_a_token_a_step() -> None:
    engine = FakeEngine(stepping)
    like = NextTokenLike()
    with serving(like.app) as url:
        scorer = Remembered(scorer=StepLogits(url=url))
        answer = await search(scorer).solve(await question(engine), engine)
    assert answer.value == "4"
    assert len(like.prompts) == len(set(like.prompts))
    # Each goes on where another one ended, so that the server has all but the newest step in its cache.
    for prompt in like.prompts:
        before = prompt.removeprefix("What is 2 + 2? ").split("\n")[:-1]
        assert not before or f"What is 2 + 2? {chr(10).join(before)}" in like.prompts


@pytest.mark.anyio
async def test_a_run_that_is_resumed_asks_the_server_for_nothing() -> None:
    engine = Deciding(FakeEngine(stepping))
    like = NextTokenLike()
    root = await question(engine)
    with serving(like.app) as url:
        scorer = StepLogits(url=url)
        first = await search(Remembered(scorer=scorer)).solve(root, engine)
    asked = len(like.asked)
    resumed = await search(Remembered(scorer=scorer)).solve(root, engine)
    assert len(like.asked) == asked
    assert (resumed.text, resumed.value) == (first.text, first.value)
    assert [node.score for node in nodes(resumed.branches)] == [
        node.score for node in nodes(first.branches)
    ]


@pytest.mark.anyio
async def test_a_server_of_something_else_ends_the_search_in_its_first_wave() -> None:
    engine = FakeEngine(stepping)
    with (
        serving(Starlette()) as url,
        pytest.raises(NoCandidates, match=r"^all 4 rewards failed, the first: "),
    ):
        await search(StepLogits(url=url)).solve(await question(engine), engine)
    assert len(engine.calls) == 4


@pytest.mark.anyio
async def test_a_noisy_search_repeats_itself_and_another_seed_is_another_one() -> None:
    engine = FakeEngine(stepping)
    root = await question(engine)
    found = [
        await search(Noisy(scorer=Asked(), seed=seed)).solve(root.fork(name), engine)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    scores = [[node.score for node in nodes(answer.branches)] for answer in found]
    assert scores[0] == scores[1] != scores[2]
