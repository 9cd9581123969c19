from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import FakeEngine, Usage
from reasoning import Answer, Majority
from reasoning.reducing.weighted import WeightedMajority, heaviest, vote_weights
from tests.backends import run_virtually
from tests.reasoning.verdicts import Known, question, thread

VOTES = st.lists(st.tuples(st.sampled_from("abc"), st.floats()), min_size=1, max_size=8)


async def same_text(first: str, second: str) -> bool:
    return first == second


def voted(votes: list[tuple[str | None, float]]) -> Answer:
    async def main() -> Answer:
        scorer = Known(scores={f"text {i}": score for i, (_, score) in enumerate(votes)})
        answers = [thread(f"text {i}", value=value) for i, (value, _) in enumerate(votes)]
        engine = FakeEngine()
        reducer = WeightedMajority(scorer=scorer, equality=same_text)
        return await reducer.reduce(answers, await question(engine), engine)

    return run_virtually(main)


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ([("a", 0.9), ("b", 0.5), ("b", 0.3)], "a"),
        ([("a", 0.9), ("b", 0.5), ("b", 0.5)], "b"),
        (
            [("a", 0.3), ("b", 0.1), ("b", 0.2)],
            "b",
        ),  # as floats 0.1 + 0.2 are more than 0.3, and are so exactly
        ([("a", 1.0), ("b", 0.5), ("b", 0.5)], "a"),  # equal
        ([("a", -1.0), ("b", -2.0), ("b", -2.0)], "a"),
        (
            [("a", -3.0), ("b", -1.0), ("b", -1.0)],
            "b",
        ),  # a plain sum would punish the two for agreeing: -2 each
        ([("a", -1.0), ("b", -1.0), ("b", -1.0)], "b"),
        ([("a", 0.0), ("b", 0.0), ("b", 0.0)], "b"),
        ([("a", math.nan), ("b", math.nan), ("b", math.nan)], "b"),
        ([("a", math.nan), ("a", math.nan), ("b", 0.1)], "b"),
        ([("a", -math.inf), ("a", -math.inf), ("b", -9.0)], "b"),
        ([("a", math.inf), ("b", 9.0), ("b", -math.inf)], "a"),
        ([("a", 1e308), ("b", 1e308), ("b", 1e308), ("c", -1e308)], "b"),
        ([(None, 9.0), ("a", 0.1)], "a"),
    ],
)
def test_the_heaviest_answer_wins(votes: list[tuple[str | None, float]], winner: str) -> None:
    assert voted(votes).value == winner


@given(VOTES)
def test_nothing_breaks_it_and_the_winner_was_given(votes: list[tuple[str | None, float]]) -> None:
    won = voted(votes)
    assert won.value in {value for value, _ in votes}
    assert won.usage == Usage()


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.floats())
def test_equal_weights_are_a_majority_vote(values: list[str], score: float) -> None:
    async def main() -> Answer:
        answers = [thread(value, value=value) for value in values]
        engine = FakeEngine()
        return await Majority(equality=same_text).reduce(answers, await question(engine), engine)

    assert voted([(value, score) for value in values]).value == run_virtually(main).value


@given(st.permutations(list(zip("aabbbc", (0.9, 0.8, 0.3, 0.2, 0.1, 1.6), strict=True))))
def test_a_clear_winner_wins_in_any_order_and_its_best_member_speaks(
    votes: list[tuple[str | None, float]],
) -> None:
    won = voted(votes)
    assert won.value == "a"
    assert won.text == f"text {votes.index(('a', 0.9))}"


@given(st.lists(st.floats(), min_size=1))
def test_weights_are_never_negative_and_never_all_nothing(scores: list[float]) -> None:
    weights = vote_weights([-math.inf if math.isnan(score) else score for score in scores])
    assert len(weights) == len(scores)
    assert min(weights) >= 0
    assert any(weights)


@given(st.lists(st.floats(0, 1), min_size=1).filter(any))
def test_probabilities_are_taken_as_they_are(scores: list[float]) -> None:
    assert vote_weights(scores) == [Fraction(score) for score in scores]


def test_of_equally_heavy_answers_the_first_wins() -> None:
    assert heaviest([1, 0, 0], [Fraction(1), Fraction(1, 2), Fraction(1, 2)]) == 1


@pytest.mark.anyio
async def test_a_vote_costs_what_scoring_costs_and_only_voters_are_scored() -> None:
    usage = Usage(prompt_tokens=9, generated_tokens=4)
    scorer = Known(scores={"x": 0.1, "y": 0.2}, usage=usage, critical_path=2)
    engine = FakeEngine()
    root = await question(engine)
    answers = [thread("x", "1"), thread("none"), thread("y", "2")]
    reducer = WeightedMajority(scorer=scorer, equality=same_text)
    won = await reducer.reduce(answers, root, engine)
    assert (won.value, won.usage, won.critical_path) == ("2", usage, 2)
    assert scorer.batches == [["x", "y"]]
    alone = await reducer.reduce(answers[:2], root, engine)
    assert (alone.value, alone.usage) == ("1", Usage())
