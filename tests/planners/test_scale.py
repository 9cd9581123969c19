from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio
import pytest

from engines import (
    BudgetExhausted,
    Choice,
    Context,
    Engine,
    EngineUnavailable,
    EngineWrapper,
    FakeEngine,
    Logprob,
    Sampling,
    TokenLogprobs,
    UsageError,
)
from engines.fake_engine import Scripted
from planners import PlanError, Think
from planners.scaling.difficulty import expected_digit
from planners.scaling.scale import SCALE
from tests import backends
from tests.backends import run_virtually
from tests.planners.outlines import (
    BAD,
    DIAMOND,
    VOCABULARY,
    Reply,
    outline,
    scale_script,
    version,
)
from tests.planners.tools import Recorder

anyio_backend = backends.virtual_backend
T = TypeVar("T")

TWO = SCALE(outlines=2, sampling=Sampling(seed=5, max_tokens=400))


async def planned(
    engine: Engine, planner: SCALE = TWO, tokens_left: int | None = None
) -> tuple[list[Think], Recorder, int]:
    sink = Recorder(tokens_left=tokens_left)
    path = await planner.plan("How many?", VOCABULARY, engine, sink)
    return [node for node in sink.nodes if isinstance(node, Think)], sink, path


def remarks(sink: Recorder) -> list[str]:
    return [line for line in sink.log if line.startswith("remark")]


def paths(engine: FakeEngine, start: str = "") -> list[str]:
    found = (call.context.path for call in engine.calls)
    return [path for path in found if path.startswith(start)]


@pytest.mark.anyio
async def test_each_step_is_a_thread_that_waits_for_what_it_needs() -> None:
    engine = FakeEngine(scale_script({"scale/score/step-2": "3"}))
    nodes, sink, _ = await planned(engine)
    assert [node.id for node in nodes] == ["1", "2", "3", "4"]
    assert [node.dependencies for node in nodes] == [(), ("1",), ("1",), ("2", "3")]
    hard, easy = "self-consistency", "chain-of-thought"
    assert [node.method for node in nodes] == [hard, easy, hard, hard]
    assert "How many?" in str(nodes[-1].prompt)
    assert nodes[-1].title == "How many?"
    assert "Step 2: difficulty 0.33, System 1" in "".join(sink.log)
    assert remarks(sink) == []


@pytest.mark.anyio
async def test_a_step_is_hard_above_the_threshold_and_not_at_it() -> None:
    at = {"scale/score/step-1": "5", "scale/score/step-2": "6", "scale/score/step-3": "4"}
    engine = FakeEngine(scale_script(at))
    nodes, _, _ = await planned(engine, SCALE(outlines=1, threshold=5 / 9))
    assert [node.method == "self-consistency" for node in nodes] == [False, True, False, True]


@pytest.mark.anyio
async def test_the_last_step_is_hard_and_not_asked_about() -> None:
    engine = FakeEngine(scale_script({}, difficulty="0"))
    nodes, _, _ = await planned(engine)
    assert [node.method == "self-consistency" for node in nodes] == [False, False, False, True]
    assert sorted(paths(engine, "scale/score")) == [f"scale/score/step-{n}" for n in (1, 2, 3)]
    nodes, _, _ = await planned(FakeEngine(scale_script({})), SCALE(outlines=1, threshold=0.9))
    assert nodes[-1].method == "chain-of-thought"


@pytest.mark.anyio
async def test_the_thinking_budget_of_hard_steps_grows_with_difficulty() -> None:
    scores: dict[str, Reply] = {"scale/score/step-1": "9", "scale/score/step-2": "7"}
    planner = SCALE(outlines=1, easy_tokens=50, least_hard_tokens=100, most_hard_tokens=1000)
    nodes, _, _ = await planned(FakeEngine(scale_script(scores, difficulty="2")), planner)
    assert [node.max_tokens for node in nodes] == [1000, 800, 50, 910]


@pytest.mark.anyio
async def test_a_score_is_the_mean_of_the_digits_by_their_probabilities() -> None:
    # A third for 9, two thirds for 3; the digit that was sampled alone would be below the threshold.
    top = (Logprob("3", math.log(0.4)), Logprob("9", math.log(0.2)), Logprob(" I", math.log(0.1)))
    said = Scripted("3", (TokenLogprobs(top[0], top),))
    engine = FakeEngine(scale_script({"scale/score/step-1": said}, difficulty="3"))
    nodes, sink, _ = await planned(engine)
    assert "Step 1: difficulty 0.56, System 2" in "".join(sink.log)
    assert [node.method for node in nodes][:2] == ["self-consistency", "chain-of-thought"]


def test_the_mean_of_digits_reaches_from_0_to_1() -> None:
    assert expected_digit({"0": 1.0, "9": 0.0}) == 0
    assert expected_digit({"0": 0.0, "9": 1.0}) == 1
    assert expected_digit({"0": 0.5, "9": 0.5}) == 0.5
    # Where nothing is known, and not a rounding error above it.
    assert expected_digit(dict.fromkeys("0123456789", 0.1)) == 0.5


@pytest.mark.parametrize("steps", [2, 5, 8])
def test_there_are_three_rounds_however_many_steps(steps: int) -> None:
    starts: dict[str, float] = {}
    chain = [list(range(1, number)) for number in range(1, steps + 1)]
    other = {version(3): outline(*chain, conditions="b")}
    script = scale_script(other, outline(*chain))

    def clocked(context: Context, sampling: Sampling) -> Reply:
        starts[context.path] = anyio.current_time()
        return script(context, sampling)

    async def main() -> None:
        await planned(FakeEngine(clocked, latency=1), SCALE())
        assert anyio.current_time() == 3

    run_virtually(main)
    rounds = {
        time: {path.rpartition("/")[0] for path, at in starts.items() if at == time}
        for time in sorted(set(starts.values()))
    }
    assert rounds == {0: {"scale/outline"}, 1: {"scale"}, 2: {"scale/score"}}
    assert len(starts) == 8 + 1 + steps - 1


@pytest.mark.anyio
async def test_versions_are_forks_of_one_context_with_seeds_of_their_own() -> None:
    engine = FakeEngine(scale_script({}))
    await planned(engine, SCALE(sampling=Sampling(seed=5)))
    versions = engine.calls[:8]
    assert len({call.sampling.seed for call in versions}) == 8
    assert len({call.context.path for call in versions}) == 8
    assert len({call.context.token_ids for call in versions}) == 1
    # Alike as they are, they are one, and there is nothing to select.
    assert "scale/select" not in paths(engine)
    again = FakeEngine(scale_script({}))
    await planned(again, SCALE().with_seed(5))
    assert {call.sampling.seed for call in again.calls} == {c.sampling.seed for c in engine.calls}


@pytest.mark.anyio
async def test_all_scores_have_one_prefix_which_is_computed_once() -> None:
    engine = FakeEngine(scale_script({}))
    await planned(engine)
    asked = [call for call in engine.calls if "/score/" in call.context.path]
    assert len({call.sampling.seed for call in asked}) == 3
    scores = [call.context for call in asked]
    prefixes = {context.lineage[:-2] for context in scores}
    assert len(prefixes) == 1
    assert "Step 4: How many?" in scores[0].turns[0].text.partition("How difficult")[0]


@pytest.mark.anyio
async def test_of_different_versions_the_model_selects_one_in_one_call() -> None:
    replies = {version(1): outline([]), version(3): outline([], [1]), "scale/select": "2"}
    engine = FakeEngine(scale_script(replies))
    nodes, _, _ = await planned(engine, SCALE(outlines=4))
    assert len(nodes) == 4
    (call,) = [call for call in engine.calls if call.context.path == "scale/select"]
    assert call.sampling.constraint == Choice(options=("1", "2", "3"))
    assert call.context.turns[0].text.count("Version ") == 3


@pytest.mark.anyio
@pytest.mark.parametrize("text_only", [False, True])
async def test_where_none_is_selected_the_commonest_structure_is_taken(text_only: bool) -> None:
    replies: dict[str, Reply] = {
        version(1): outline([]),
        version(3): outline([], [1], [1], [2, 3], conditions="other"),
        "scale/select": "the third" if text_only else EngineUnavailable("gone"),
    }
    script = scale_script(replies)
    engine = FakeEngine(
        lambda context, sampling: (
            "none" if "scale/select/" in context.path else script(context, sampling)
        ),
        text_only=text_only,
    )
    nodes, sink, _ = await planned(engine, SCALE(outlines=3, attempts=2))
    assert len(nodes) == 4
    assert "a = 1" in str(nodes[0].prompt)
    assert len(paths(engine, "scale/select")) == (2 if text_only else 1)
    (remark,) = remarks(sink)
    assert "commonest structure, since none was selected: " in remark


@pytest.mark.anyio
async def test_a_version_that_does_not_fit_is_asked_for_again_under_another_seed() -> None:
    again = version(1, "/attempt-2")
    engine = FakeEngine(scale_script({version(1): BAD, again: outline([])}))
    nodes, sink, _ = await planned(engine, SCALE(outlines=1, sampling=Sampling(seed=5)))
    assert [node.id for node in nodes] == ["1"]
    first, second = engine.calls
    assert first.sampling.seed != second.sampling.seed
    assert "$.steps" in second.context.turns[-2].text
    assert remarks(sink) == []


@pytest.mark.anyio
async def test_a_version_that_does_not_fit_is_dropped_where_another_does() -> None:
    engine = FakeEngine(scale_script({version(1): BAD}))
    nodes, sink, _ = await planned(engine, SCALE(outlines=2, attempts=2))
    assert len(nodes) == 4
    assert remarks(sink) == []
    assert len(paths(engine, "scale/outline")) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    "bad",
    [
        BAD,
        EngineUnavailable("gone"),
        BudgetExhausted("tokens", 9, 9, "x"),
    ],
)
async def test_without_an_outline_one_hard_thread_answers_and_the_tries_are_bounded(
    bad: Reply,
) -> None:
    engine = FakeEngine(lambda context, sampling: bad)
    nodes, sink, _ = await planned(engine)
    assert nodes == [Think(id="1", method="self-consistency", max_tokens=8192)]
    (remark,) = remarks(sink)
    assert remark.startswith("remark one thread answers, since no outline can be used: ")
    assert len(engine.calls) == (2 if isinstance(bad, Exception) else 6)
    assert len({call.sampling.seed for call in engine.calls}) == len(engine.calls)


@pytest.mark.anyio
@pytest.mark.parametrize("said", ["", "no " * 1000, "{" * 1000, '{"conditions": "' + "a" * 1000])
async def test_a_free_model_that_writes_no_outline_ends_all_the_same(said: str) -> None:
    engine = FakeEngine(said, text_only=True)
    nodes, _, _ = await planned(engine)
    assert [node.id for node in nodes] == ["1"]
    assert len(engine.calls) == 6


@pytest.mark.anyio
async def test_it_works_on_text_alone() -> None:
    replies: Mapping[str, Reply] = {
        version(1): f"Let me see.\n```json\n{DIAMOND}\n```",
        "scale/select": 'I take {"version": 2}.',
    }
    script = scale_script(replies, outline([], [1]))
    engine = FakeEngine(script, text_only=True)
    nodes, sink, _ = await planned(engine)
    assert [node.method for node in nodes] == ["self-consistency", "self-consistency"]
    assert remarks(sink) == []


@pytest.mark.anyio
async def test_steps_whose_difficulty_is_not_told_count_as_hard() -> None:
    replies: dict[str, Reply] = {"scale/score/step-2": EngineUnavailable("gone")}
    nodes, sink, _ = await planned(FakeEngine(scale_script(replies, difficulty="1")))
    assert [node.method == "self-consistency" for node in nodes] == [False, True, False, True]
    (remark,) = remarks(sink)
    assert remark == "remark steps [2] count as hard, since their difficulty was not told: gone"


@pytest.mark.anyio
async def test_the_critical_path_is_the_longest_of_each_round() -> None:
    short, long = outline([], [1]), outline([], [1], conditions="a" * 50)
    engine = FakeEngine(scale_script({version(1): short}, long))
    _, _, path = await planned(engine, SCALE(outlines=3))
    # Outlines, the number of the selected one, a digit.
    assert path == len(long) + 1 + 1
    again = {version(1): BAD, version(2): BAD, version(1, "/attempt-2"): short}
    _, _, path = await planned(FakeEngine(scale_script(again, long)), SCALE(outlines=2))
    assert path == len(BAD) + len(long) + 1 + 1
    _, _, path = await planned(FakeEngine(BAD), SCALE(outlines=3, attempts=2))
    assert path == 2 * len(BAD)


@pytest.mark.anyio
async def test_in_a_chain_every_step_gets_all_results_before_it() -> None:
    nodes, _, _ = await planned(FakeEngine(scale_script({})), SCALE(outlines=1, chain=True))
    assert [node.dependencies for node in nodes] == [(), ("1",), ("1", "2"), ("1", "2", "3")]


# Budgets.


class Deciding(EngineWrapper):
    """Knows what was decided before, as a journal does."""

    def __init__(self, inner: Engine, decided: dict[str, object]) -> None:
        super().__init__(inner)
        self.decided = decided

    async def decide(self, path: str, choose: Callable[[], Awaitable[T]]) -> T:
        if path not in self.decided:
            self.decided[path] = await choose()
        return self.decided[path]  # type: ignore[return-value]  # only what was chosen is in it


SCORED: dict[str, Reply] = {"scale/score/step-1": "6", "scale/score/step-2": "8"}
# 0.67 and 0.89 and 0.22 and 0.9; easy steps take 100 and hard ones 1000, but for the prompt.
EVEN = SCALE(
    outlines=1, hard_calls=1, easy_tokens=100, least_hard_tokens=10_000, most_hard_tokens=10_000
)


async def hard_steps(planner: SCALE, tokens_left: int | None = None) -> list[str]:
    engine = FakeEngine(scale_script(SCORED, difficulty="2"))
    nodes, _, _ = await planned(engine, planner, tokens_left)
    return [node.id for node in nodes if node.method == "self-consistency"]


@pytest.mark.anyio
async def test_a_budget_of_the_run_raises_the_threshold_and_does_not_lower_it() -> None:
    assert await hard_steps(EVEN) == ["1", "2", "4"]
    assert await hard_steps(EVEN, 10_000_000) == ["1", "2", "4"]
    assert await hard_steps(EVEN, 28_000) == ["2", "4"]
    assert await hard_steps(EVEN, 18_000) == ["4"]
    assert await hard_steps(EVEN, 8_000) == []


@pytest.mark.anyio
async def test_tokens_of_its_own_choose_the_threshold_within_those_of_the_run() -> None:
    def planner(tokens: int) -> SCALE:
        return SCALE(**{**vars(EVEN), "tokens": tokens})

    assert await hard_steps(planner(10_000_000)) == ["1", "2", "3", "4"]
    assert await hard_steps(planner(28_000)) == ["2", "4"]
    assert await hard_steps(planner(10_000_000), 28_000) == ["2", "4"]


@pytest.mark.anyio
async def test_a_budget_that_not_even_easy_steps_keep_to_is_remarked() -> None:
    nodes, sink, _ = await planned(FakeEngine(scale_script(SCORED)), EVEN, 300)
    assert {node.method for node in nodes} == {"chain-of-thought"}
    (remark,) = remarks(sink)
    assert remark.startswith("remark all steps count as easy, and may take ")
    assert remark.endswith(" tokens where 300 are left")


@pytest.mark.anyio
@pytest.mark.parametrize("before", [None, 18_000])
async def test_what_was_left_when_the_run_came_here_first_stands(before: int | None) -> None:
    decided: dict[str, object] = {}
    for left in (before, 8_000):
        engine = Deciding(FakeEngine(scale_script(SCORED, difficulty="2")), decided)
        nodes, _, _ = await planned(engine, EVEN, left)
        hard = [node.id for node in nodes if node.method == "self-consistency"]
        assert hard == (["4"] if before else ["1", "2", "4"])
    assert decided == {"scale/score#tokens-left": before}


@pytest.mark.anyio
async def test_a_method_that_does_not_exist_is_refused_before_anything_is_spent() -> None:
    engine = FakeEngine(DIAMOND)
    with pytest.raises(PlanError, match="no method 'deep'"):
        await planned(engine, SCALE(hard_method="deep"))
    assert engine.calls == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"outlines": 0}, "outlines=0"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"attempts": 0}, "attempts=0"),
        ({"threshold": 1.1}, "threshold of 1.1"),
        ({"least_hard_tokens": 100}, "have to increase"),
        ({"most_hard_tokens": 600}, "have to increase"),
    ],
)
def test_what_could_not_plan_is_refused(options: dict[str, float], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        SCALE(**options)  # type: ignore[arg-type]  # each is of its option's type
