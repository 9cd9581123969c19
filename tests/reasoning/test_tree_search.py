from __future__ import annotations

import anyio
import pytest

from engines import Choice, Context, FakeEngine, Sampling, UsageError, converse
from reasoning import thread_data
from reasoning.scoring.check import Check
from reasoning.scoring.confidence_scorer import ConfidenceScorer
from reasoning.scoring.scorer import Scores
from reasoning.searching.guided_steps import GuidedSteps
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree import ROOT, Frontier, Place
from reasoning.searching.tree_search import TreeSearch
from tests.reasoning.confident_replies import sure
from tests.reasoning.searches import (
    SCORER,
    Chain,
    answering_at,
    begun,
    branches_of,
    engine_that,
    search,
    solved,
)

pytestmark = pytest.mark.anyio

A, B = "[0.9] \\boxed{a}", "[0.3] \\boxed{b}"


async def test_it_expands_scores_and_selects_until_all_have_answered() -> None:
    engine = engine_that(
        {
            (0,): "[0.9] good\n\n",
            (1,): "[0.1] bad\n\n",
            **{(0, n): A if n < 2 else B for n in range(4)},
        }
    )
    answer = await solved(search(width=2), engine)
    # The better of two got both children of the next wave.
    assert begun(engine) == [(0,), (1,), (0, 0), (0, 1)]
    assert (answer.value, answer.text) == ("a", "[0.9] good\n\n[0.9] \\boxed{a}")
    assert (answer.truncated, answer.remark) == (False, "")
    branches = branches_of(answer)
    assert {place: (b.status, b.score) for place, b in branches.items()} == {
        (0,): ("ok", 0.9),
        (1,): ("cancelled", 0.1),
        (0, 0): ("ok", 0.9),
        (0, 1): ("ok", 0.9),
    }
    assert branches[1,].reason == "passed over"


async def test_a_step_goes_on_from_the_thought_before_it_by_its_ids() -> None:
    engine = engine_that(answering_at(3))
    answer = await solved(search(width=1), engine)
    first, _, last = (call.context for call in engine.calls)
    said = await engine.decode(last.token_ids[len(first.token_ids) :])
    assert said == "[0.5] (0,)\n\n[0.5] (0, 0)\n\n"
    assert await engine.decode(answer.token_ids) == answer.text == said + "[0.5] \\boxed{7}"
    assert answer.context is not None
    assert answer.context.token_ids == first.token_ids + answer.token_ids


async def test_what_has_come_to_an_end_takes_one_off_the_width() -> None:
    engine = engine_that({(0,): A, (1,): "[0.5] on\n\n", (2,): B, (3,): "[0.5] on\n\n"})
    await solved(search(max_depth=3, rule=Chain()), engine)
    assert begun(engine)[4:] == [(1, 0), (3, 0), (1, 0, 0), (3, 0, 0)]


async def test_thoughts_are_no_longer_than_allowed() -> None:
    answer = await solved(search(width=1, max_depth=3), engine_that({}))
    assert [b.status for b in branches_of(answer).values()] == ["ok", "ok", "truncated"]
    assert answer.truncated
    assert answer.remark == "no thought came to an answer in 3 steps: this is the best text"
    steps = ModelSteps(step_tokens=10)
    engine = FakeEngine("[0.5]" + "x" * 50)
    answer = await solved(search(width=1, max_tokens=25, stepper=steps), engine)
    assert [call.sampling.max_tokens for call in engine.calls] == [10, 10, 5]
    assert len(answer.token_ids) == 25


async def test_a_thought_that_fills_the_window_goes_no_further() -> None:
    engine = engine_that(lambda place: "[0.5]" + "x" * 200, window=400)
    answer = await solved(search(width=2, stepper=ModelSteps(step_tokens=100)), engine)
    assert answer.truncated
    assert answer.context is not None
    assert len(answer.context.token_ids) == 400
    # None was begun in vain.
    assert "lost" not in answer.remark


async def test_one_thread_generates_all_one_after_another() -> None:
    answer = await solved(search(width=1), engine_that(answering_at(6)))
    assert answer.critical_path == answer.usage.generated_tokens
    assert answer.usage.generated_tokens == len(answer.text) - 5 * len("\n\n")


async def test_the_critical_path_is_the_longest_chain_of_steps_and_scores() -> None:
    """A wave ends with its longest step, and its scores wait for all of them."""
    lengths = {(0,): 50, (1,): 20, (0, 0): 20, (0, 1): 30, (1, 0): 90, (1, 1): 40}

    def tell(place: Place) -> str:
        said = "[0.5] \\boxed{7}" if len(place) == 2 else "[0.5]"
        return said + "x" * (lengths[place] - len(said)) + ("" if len(place) == 2 else "\n\n")

    class Asking:
        async def score(self, candidates, context, engine):  # type: ignore[no-untyped-def]
            prompt = await converse(engine, [("assistant", "")], after=context)
            verdict = await engine.generate(prompt, ModelSteps().sampling)
            return Scores(
                values=(0.5,) * len(candidates), critical_path=verdict.usage.generated_tokens
            )

    def script(place: Place) -> str:
        return "y" * 7 if place == ROOT else tell(place)

    engine = engine_that(script)
    answer = await solved(search(width=2, scorer=Asking(), rule=Chain()), engine)
    assert answer.critical_path == 50 + 7 + max(20, 90) + 7
    assert answer.usage.generated_tokens == 50 + 20 + 20 + 90 + 2 * 7


async def test_scorers_get_a_wave_in_one_batch_with_the_question_as_it_was() -> None:
    batches = []

    class Noting:
        async def score(self, candidates, context, engine):  # type: ignore[no-untyped-def]
            batches.append((context.path, context.turns[-1].text, [c.text for c in candidates]))
            return await SCORER.score(candidates, context, engine)

    await solved(search(width=2, scorer=Noting(), rule=Chain()), engine_that(answering_at(2)))
    assert [(path, question) for path, question, _ in batches] == [
        ("root/wave-0", "Why?"),
        ("root/wave-1", "Why?"),
    ]
    assert batches[1][2] == [f"[0.5] ({n},)\n\n[0.5] \\boxed{{7}}" for n in range(2)]


@pytest.mark.parametrize(
    ("aggregation", "scores"),
    [("last", [0.8, 0.5]), ("min", [0.8, 0.4]), ("prod", [0.8, 0.2]), ("mean", [0.8, 0.6])],
)
async def test_the_score_of_a_thought_is_made_of_the_rewards_of_its_steps(
    aggregation: str, scores: list[float]
) -> None:
    rewards = {"[0.8] a\n\n": 0.8, "[0.5] \\boxed{7}": {"prod": 0.25, "mean": 0.4, "min": 0.4}}
    second = rewards["[0.5] \\boxed{7}"].get(aggregation, 0.5)  # type: ignore[attr-defined]
    engine = engine_that({(0,): "[0.8] a\n\n", (0, 0): f"[{second}] \\boxed{{7}}"})
    answer = await solved(search(width=1, aggregation=aggregation), engine)
    assert [b.score for b in branches_of(answer).values()] == pytest.approx(scores)


async def test_a_rule_may_come_back_to_a_node_whose_children_get_new_numbers() -> None:
    class Returning:
        def select(self, frontier: Frontier, width: int) -> Allocation:
            return Allocation({ROOT: 1} if len(frontier.tree) < 4 else {})

    engine = engine_that({})
    answer = await solved(search(rule=Returning()), engine)
    assert begun(engine) == [(0,), (1,), (2,)]
    assert answer.truncated


async def test_the_tree_is_told_with_its_scores() -> None:
    answer = await solved(search(width=1), engine_that(answering_at(2)))
    (first,) = thread_data(answer)
    assert (first["score"], first["threads"][0]["score"]) == (0.5, 0.5)


async def test_the_confidence_of_steps_can_score_them() -> None:
    engine = FakeEngine([sure("one\n\n", 8.0), sure("\\boxed{7}", 4.0, 2.0)])
    answer = await solved(search(width=1, scorer=ConfidenceScorer()), engine)
    assert all(call.sampling.logprobs for call in engine.calls)
    scores = [branch.score for branch in branches_of(answer).values()]
    assert scores == pytest.approx([8.0, 28 / 9])


def one_or_two(thought: str) -> Choice | None:
    """Counts to 3 in steps of 1 or 2; a thought that is there has come to its end."""
    left = 3 - sum(map(int, thought.split()))
    return Choice(options=tuple(f"{n}\n" for n in (1, 2) if n <= left)) if left > 0 else None


async def test_a_program_may_say_what_steps_look_like_and_where_thoughts_end() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        assert isinstance(sampling.constraint, Choice)
        return sampling.constraint.options[sampling.seed % len(sampling.constraint.options)]  # type: ignore[operator]

    steps = GuidedSteps(
        constraint=one_or_two,
        steps=ModelSteps(sampling=Sampling(seed=3)),
        answer=lambda thought: "+".join(thought.split()),
    )
    fewest = Check(check=lambda answer: 1 / len(answer.text.split()))
    answer = await solved(search(width=16, stepper=steps, scorer=fewest), FakeEngine(script))
    assert answer.value in ("1+2", "2+1")
    ends = [b.answer.value for b in branches_of(answer).values() if b.answer and b.answer.value]
    assert len(ends) == 16
    assert {sum(map(int, end.split("+"))) for end in ends} == {3}


async def test_cancelled_it_leaves_no_request() -> None:
    all_run = anyio.Event()

    def seconds(place: Place) -> float:
        if len(place) == 1:
            return 0
        if len(begun(engine)) == 4 + 4:
            all_run.set()
        return 1e6

    engine = engine_that({}, seconds)
    question = await converse(engine, [("user", "Why?")], name="root")
    async with anyio.create_task_group() as group:
        group.start_soon(search().solve, question, engine)
        await all_run.wait()
        group.cancel_scope.cancel()
    assert (await engine.statistics()).running == 0
    assert engine.aborted == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "a search with width=0: at least 1"),
        ({"width": 10_001}, "at most 10,000"),
        ({"max_depth": 0}, "max_depth=0: at least 1"),
        ({"max_depth": 201}, "max_depth=201: at most 200 steps fit into one answer"),
        ({"max_tokens": 0}, "max_tokens=0: at least 1"),
        ({"fraction": 0}, "a share of 0"),
        ({"fraction": 1.5}, "a share of 1.5"),
        ({"deadline": 0.0}, "a deadline of 0 s"),
    ],
)
def test_a_search_without_width_depth_or_time_is_refused(
    options: dict[str, float], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        search(**options)


def test_parts_that_are_not_ready_are_refused_before_anything_is_paid() -> None:
    class Unready:
        problem = "set url"

    class Comparing(Chain):
        embedder = Unready()

    for options in ({"scorer": Unready()}, {"rule": Comparing()}):
        with pytest.raises(UsageError, match="set url"):
            TreeSearch(**options)
