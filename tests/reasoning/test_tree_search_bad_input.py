from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import (
    BudgetExhausted,
    Context,
    ContextTooLong,
    Engine,
    EngineError,
    ForkjoinError,
    RunError,
    UsageError,
    converse,
)
from reasoning import Answer, NoCandidates
from reasoning.scoring.check import Check
from reasoning.scoring.scorer import Scores
from reasoning.scoring.step_verifier import StepVerifier
from reasoning.searching.rules.rule import Allocation
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree import ROOT, Frontier, Place
from tests.backends import run_virtually
from tests.reasoning.searches import (
    LOST,
    SCORER,
    Chain,
    Reply,
    answering_at,
    begun,
    branches_of,
    engine_that,
    found,
    search,
    solved,
)


class Scoring:
    """A scorer that gives these values, over and over, or raises what is none."""

    def __init__(self, *values: float | Exception) -> None:
        self.values = values
        self.asked = 0

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        self.asked += 1
        value = self.values[(self.asked - 1) % len(self.values)]
        if isinstance(value, Exception):
            raise value
        return Scores(values=(value,) * len(candidates))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 0.5, -3.0, 1e308])
@pytest.mark.parametrize("aggregation", ["last", "min", "mean", "prod"])
def test_any_scores_lead_to_an_answer(value: float, aggregation: str) -> None:
    engine = engine_that(answering_at(3))
    answer = found(search(scorer=Scoring(value), aggregation=aggregation), engine)
    assert (answer.value, answer.truncated) == ("7", False)
    assert len(engine.calls) == 12
    assert ("NaN" in answer.remark) == math.isnan(value)


any_score = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60)
@given(
    st.lists(any_score, min_size=1, max_size=9),
    st.sampled_from(["last", "min", "mean", "prod"]),
    st.integers(1, 5),
)
def test_mixed_scores_lead_to_an_answer_too(
    values: list[float], aggregation: str, width: int
) -> None:
    rewards = iter(values * 20)
    scorer = Check(check=lambda answer: next(rewards))
    engine = engine_that(answering_at(3))
    answer = found(search(scorer=scorer, aggregation=aggregation, width=width), engine)
    assert answer.value == "7"
    scores = [branch.score for branch in branches_of(answer).values()]
    assert not any(score is None or math.isnan(score) for score in scores)


GONE = EngineError("gone")


@pytest.mark.parametrize("error", [GONE, NoCandidates("all 4 verdicts failed")])
@pytest.mark.parametrize("fraction", [0.5, 1])
def test_a_scorer_that_scores_nothing_of_the_first_wave_ends_the_search(
    error: ForkjoinError, fraction: float
) -> None:
    scorer, engine = Scoring(error, 0.5), engine_that(answering_at(3))
    with pytest.raises(type(error)) as caught:
        found(search(scorer=scorer, fraction=fraction), engine)
    assert (caught.value, scorer.asked, len(engine.calls)) == (error, 1, 4)


def test_a_scorer_that_dies_later_guides_nothing_and_loses_nothing() -> None:
    engine = engine_that(answering_at(3))
    answer = found(search(scorer=Scoring(0.5, GONE, GONE)), engine)
    assert answer.value == "7"
    assert answer.remark == "8 steps not scored, the first: gone"
    scores = {len(p): branch.score for p, branch in branches_of(answer).items()}
    assert scores == {1: 0.5, 2: -math.inf, 3: -math.inf}


def test_a_first_wave_whose_steps_all_failed_is_none() -> None:
    """Nothing is asked of a scorer there."""
    with pytest.raises(NoCandidates, match="no step was taken"):
        found(search(scorer=Scoring(GONE)), engine_that(lambda place: LOST))


@pytest.mark.parametrize("aggregation", ["min", "mean", "prod"])
def test_a_thought_has_no_score_if_that_of_one_of_its_steps_is_not_known(aggregation: str) -> None:
    """Two of minus infinity would multiply to the best there is."""
    scorer = Scoring(0.5, GONE, GONE, 0.5)
    answer = found(search(scorer=scorer, aggregation=aggregation), engine_that(answering_at(4)))
    scores = {branch.score for p, branch in branches_of(answer).items() if len(p) > 1}
    assert scores == {-math.inf}


def test_a_scorer_that_dies_once_is_asked_again() -> None:
    scorer = Scoring(0.5, GONE, 0.5)
    answer = found(search(scorer=scorer), engine_that(answering_at(3)))
    assert scorer.asked == 3
    assert answer.remark == "4 steps not scored, the first: gone"
    scores = [branch.score for branch in branches_of(answer).values()]
    assert sorted(scores, key=str) == [-math.inf] * 4 + [0.5] * 8


NO_BUDGET = BudgetExhausted("calls", 4, 4, "wave-0")


def test_a_budget_that_ends_before_anything_is_scored_leaves_what_there_is() -> None:
    def tell(place: Place) -> Reply:
        return NO_BUDGET if place == ROOT or len(place) == 2 else f"[0.5] {place}\n\n"

    for scorer in (Scoring(NO_BUDGET), StepVerifier()):
        answer = found(search(scorer=scorer), engine_that(tell))
        assert (answer.text, answer.truncated) == ("[0.5] (0,)\n\n", True)
        assert "4 steps not scored, the first: " in answer.remark
        assert "width=" not in answer.remark


def test_a_width_that_the_budget_has_no_room_for_is_told() -> None:
    answer = found(search(), engine_that({(3,): NO_BUDGET, (0,): "[0.5] \\boxed{7}"}))
    assert "no room for width=4: give it more, or a smaller width" in answer.remark


def test_what_a_scorer_spent_before_it_died_is_counted() -> None:
    class Dying:
        async def score(self, candidates: object, context: Context, engine: Engine) -> Scores:
            await engine.generate(context, ModelSteps().sampling)
            if context.path.endswith("wave-0"):
                return Scores(values=(0.5,) * 4)
            raise GONE

    def tell(place: Place) -> Reply:
        return "verdict" if place == ROOT else answering_at(2)(place)

    found(search(scorer=Dying()), engine_that(tell))


@pytest.mark.parametrize("error", [RunError("no journal"), UsageError("label=7"), KeyError("oops")])
def test_what_no_scorer_can_help_ends_the_search(error: Exception) -> None:
    engine = engine_that({}, lambda place: 1.0)
    with pytest.raises(type(error)):
        found(search(scorer=Scoring(error), fraction=0.5), engine)


def test_a_scorer_that_gives_too_few_is_told_so() -> None:
    class Short:
        async def score(self, candidates: Sequence[Answer], *_: object) -> Scores:
            return Scores(values=(0.5,) * (len(candidates) - 1))

    with pytest.raises(UsageError, match="Short scored 3 of 4 candidates"):
        found(search(scorer=Short()), engine_that({}))


def test_an_engine_that_fails_for_some_steps_loses_these() -> None:
    def tell(place: Place) -> Reply:
        return LOST if place in ((1,), (2, 0)) else answering_at(2)(place)

    answer = found(search(rule=Chain()), engine_that(tell))
    assert (answer.value, len(answer.branches)) == ("7", 4)
    assert answer.remark == "2 of 7 steps were lost, the first: lost"
    branches = branches_of(answer)
    assert (branches[1,].status, branches[1,].reason) == ("failed", "lost")
    assert branches[2, 0].score is None


def test_an_engine_that_fails_for_all_steps_gives_no_candidates_with_the_branches() -> None:
    with pytest.raises(NoCandidates) as caught:
        found(search(), engine_that(lambda place: LOST))
    assert str(caught.value) == ("no step was taken: 4 of 4 steps were lost, the first: lost")
    assert [branch.status for branch in caught.value.branches] == ["failed"] * 4


def test_an_engine_that_dies_in_the_middle_leaves_the_best_thought_that_there_is() -> None:
    def tell(place: Place) -> Reply:
        return LOST if len(place) == 2 else f"[0.{place[0]}] so\n\n"

    answer = found(search(), engine_that(tell))
    assert (answer.text, answer.value, answer.truncated) == ("[0.3] so\n\n", None, True)
    assert "no thought came to an answer in 4 steps: this is the best text" in answer.remark


def test_a_window_that_is_too_short_is_told() -> None:
    with pytest.raises(NoCandidates, match="window is 20"):
        found(search(), engine_that({}, window=20))
    text_only = engine_that(
        lambda place: ContextTooLong(9, 9) if len(place) == 3 else f"[0.5] {place}", text_only=True
    )
    answer = found(search(width=1), text_only)
    assert answer.truncated
    assert "1 of 3 steps were lost, the first: the context has 9 tokens" in answer.remark


def test_a_budget_that_runs_out_in_the_middle_leaves_what_there_is() -> None:
    left = 6

    def tell(place: Place) -> Reply:
        nonlocal left
        left -= 1
        return answering_at(2)(place) if left >= 0 else BudgetExhausted("calls", 6, 6, "step")

    answer = found(search(rule=Chain()), engine_that(tell))
    assert answer.value == "7"
    assert "2 of 8 steps were lost, the first: budget exhausted" in answer.remark


class Broken:
    """A rule that allocates what it may not."""

    def __init__(self, children: dict[Place, int]) -> None:
        self.children = children

    def select(self, frontier: Frontier, width: int) -> Allocation:
        return Allocation({ROOT: 2} if len(frontier.tree) == 1 else self.children)


@pytest.mark.parametrize(
    ("children", "message"),
    [
        ({(0,): 5}, "Broken gave 5 children where 3 may be"),
        ({(0,): 2, ROOT: 2}, "Broken gave 4 children where 3 may be"),
        ({(7,): 1}, r"Broken gave 1 children to \(7,\)"),
        ({(1,): 1}, r"Broken gave 1 children to \(1,\)"),
        ({(0,): 0}, r"Broken gave 0 children to \(0,\)"),
        ({(0,): -1}, r"Broken gave -1 children to \(0,\)"),
    ],
)
def test_a_rule_that_allocates_what_it_may_not_is_told_so(
    children: dict[Place, int], message: str
) -> None:
    engine = engine_that({(1,): "[0.5] \\boxed{7}"})
    with pytest.raises(UsageError, match=message):
        found(search(rule=Broken(children)), engine)


def test_a_rule_that_chooses_none_ends_the_search() -> None:
    class Nothing:
        def select(self, frontier: Frontier, width: int) -> Allocation:
            return Allocation()

    with pytest.raises(NoCandidates, match="no step was taken: Nothing chose none"):
        found(search(rule=Nothing()), engine_that({}))
    answer = found(search(rule=Broken({})), engine_that({}))
    assert (answer.truncated, len(answer.branches)) == (True, 2)


class Comparing(Chain):
    """A chain that wants vectors, and notes what it gets."""

    def __init__(self, embed: Callable[[Sequence[str]], Any]) -> None:
        object.__setattr__(self, "embedder", self)
        object.__setattr__(self, "got", [])
        object.__setattr__(self, "_embed", embed)

    async def embed(self, texts: Sequence[str]) -> Any:
        return self._embed(texts)  # type: ignore[attr-defined]

    def select(self, frontier: Frontier, width: int) -> Allocation:
        self.got.append(frontier.vectors)  # type: ignore[attr-defined]
        return super().select(frontier, width)


def test_a_rule_gets_the_vectors_of_the_steps_that_it_compares() -> None:
    rule = Comparing(lambda texts: [text[-3] for text in texts])
    found(search(rule=rule, width=2), engine_that({(0,): "[1] a\n\n", (1,): "[1] b\n\n"}))
    assert rule.got[:2] == [None, ["a", "b"]]  # type: ignore[attr-defined]


def test_an_embedder_that_dies_leaves_the_rule_without_vectors() -> None:
    def dying(texts: Sequence[str]) -> Any:
        raise EngineError("no embeddings")

    rule = Comparing(dying)
    answer = found(search(rule=rule), engine_that(answering_at(3)))
    assert (answer.value, rule.got) == ("7", [None] * 3)  # type: ignore[attr-defined]
    assert answer.remark == "steps were not compared: no embeddings"


@pytest.mark.parametrize(
    ("embed", "error"),
    [(lambda texts: texts[1:], UsageError), (lambda texts: 1 / 0, ZeroDivisionError)],
)
def test_an_embedder_that_is_wrong_ends_the_search(
    embed: Callable[[Sequence[str]], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        found(search(rule=Comparing(embed)), engine_that({}))


def test_a_search_of_one_and_identical_texts_are_nothing_special() -> None:
    for width in (1, 4):
        engine = engine_that(lambda place: "[0.5] \\boxed{7}" if len(place) == 2 else "[0.5]\n\n")
        answer = found(search(width=width), engine)
        assert (answer.value, len(engine.calls)) == ("7", 2 * width)


def test_thoughts_that_end_without_an_answer_are_their_own_answers() -> None:
    answer = found(search(), engine_that(lambda place: "[0.5] I give up"))
    assert (answer.value, answer.final, answer.truncated) == (None, "[0.5] I give up", False)
    assert answer.remark == "no thought gave a final answer: this is the best text"


def test_a_step_whose_reply_is_empty_is_an_end() -> None:
    engine = engine_that(lambda place: "")
    answer = found_empty(engine)
    assert (answer.text, answer.value) == ("", None)
    assert len(begun(engine)) == 4


def found_empty(engine: Any) -> Answer:
    """The same, where nothing is generated."""

    async def main() -> Answer:
        question = await converse(engine, [("user", "Why?")], name="root")
        return await search(scorer=Scoring(0.5)).solve(question, engine)

    return run_virtually(main)


def test_remarks_are_told_once_and_not_all_of_them() -> None:
    class Chatty:
        waves = 0

        async def score(self, candidates: Sequence[Answer], *rest: Any) -> Scores:
            self.waves += 1
            scores = await SCORER.score(candidates, *rest)
            return Scores(values=scores.values, remark=f"wave {self.waves // 2}")

    answer = found(search(scorer=Chatty(), max_depth=20), engine_that({}))
    assert answer.remark.startswith("wave 0; wave 1; wave 2; wave 3; wave 4; 7 more remarks")


def test_it_works_on_a_text_only_engine() -> None:
    async def main() -> Answer:
        return await solved(search(), engine_that(answering_at(3), text_only=True))

    answer = run_virtually(main)
    assert (answer.value, answer.token_ids, answer.truncated) == ("7", (), False)
