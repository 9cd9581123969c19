from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, FakeEngine, Sampling, Segment, Usage, converse
from reasoning import Answer, Branch, First, Majority, Synthesise
from tests.backends import run_virtually

CONTEXT = Context(Segment("user", "?", (63,)), name="root")


async def same_text(first: str, second: str) -> bool:
    return first == second


def answer(value: str | None, text: str = "thought", *, tokens: int = 1) -> Answer:
    usage = Usage(prompt_tokens=10, generated_tokens=tokens)
    return Answer(text=text, value=value, usage=usage, critical_path=tokens)


def majority(candidates: list[Answer]) -> Answer:
    async def main() -> Answer:
        return await Majority(equality=same_text).reduce(candidates, CONTEXT, FakeEngine())

    return run_virtually(main)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_the_winner_has_the_most_votes_and_of_equals_came_first(values: list[str]) -> None:
    won = majority([answer(value) for value in values]).value
    votes = Counter(values)
    assert won is not None
    assert votes[won] == max(votes.values())
    assert won == next(value for value in values if votes[value] == votes[won])


@given(st.permutations(["a", "a", "a", "b", "b", "c"]))
def test_a_clear_winner_wins_in_any_order(values: list[str]) -> None:
    assert majority([answer(value) for value in values]).value == "a"


@given(st.lists(st.none() | st.sampled_from("ab"), min_size=1, max_size=12))
def test_candidates_without_a_value_vote_only_if_none_has_one(values: list[str | None]) -> None:
    won = majority([answer(value, text="the same") for value in values])
    if any(values):
        votes = Counter(value for value in values if value is not None)
        assert won.value is not None
        assert votes[won.value] == max(votes.values())
    else:
        assert (won.value, won.final) == (None, "the same")


def test_without_any_value_the_texts_are_counted() -> None:
    texts = ["one", "two", " two ", "three"]
    assert majority([answer(None, text=text) for text in texts]).final == "two"


@pytest.mark.anyio
async def test_the_default_majority_counts_equal_numbers_as_one() -> None:
    candidates = [answer("3"), answer("1/2"), answer("0.5"), answer("0.50"), answer("3")]
    won = await Majority().reduce(candidates, CONTEXT, FakeEngine())
    assert won.value == "1/2"


def test_a_majority_is_shown_the_same_in_every_process() -> None:
    assert repr(Majority()) == "Majority()"


@pytest.mark.anyio
async def test_the_first_is_taken_and_costs_nothing_more() -> None:
    engine = FakeEngine()
    won = await First().reduce([answer("a"), answer("b")], CONTEXT, engine)
    assert (won.value, won.usage, won.critical_path) == ("a", Usage(), 0)
    assert engine.calls == []


@pytest.mark.anyio
async def test_the_synthesis_reads_all_candidates_in_their_order_on_a_fork_of_the_question() -> (
    None
):
    engine = FakeEngine(r"All agree: \boxed{7}.")
    question = await converse(engine, [("user", "What is 3 + 4?")], name="root")
    candidates = [answer("7", f"candidate {name}") for name in ("x", "y", "z")]
    won = await Synthesise(sampling=Sampling(seed=3)).reduce(candidates, question, engine)
    call = engine.calls[0]
    text = call.context.turns[0].text
    assert text.startswith("What is 3 + 4?")
    assert "1. candidate x\n2. candidate y\n3. candidate z" in text
    assert call.context.path == "root/synthesise"
    assert call.context.lineage[0] is question
    assert call.sampling.seed == Sampling(seed=3).for_branch("root/synthesise").seed
    assert won.value == "7"
    assert won.usage.generated_tokens == won.critical_path == len(r"All agree: \boxed{7}.")
    assert won.usage.prompt_tokens == len(call.context.token_ids)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6), st.integers(0, 100))
def test_what_was_reduced_costs_all_candidates_and_as_long_as_the_longest(
    lengths: list[int], own: int
) -> None:
    candidates = [answer("a", tokens=length) for length in lengths]
    branches = [Branch(path=str(i), status="ok", answer=c) for i, c in enumerate(candidates)]
    total = answer("a", tokens=own).after(branches)
    assert total.usage.generated_tokens == own + sum(lengths)
    assert total.usage.prompt_tokens == 10 * (1 + len(lengths))
    assert total.critical_path == own + max(lengths)
    assert total.candidates == tuple(candidates)


def test_an_answer_without_a_value_is_all_of_its_text() -> None:
    assert answer(None, " hm \n").final == "hm"
    assert answer("42", " hm \n").final == "42"
