from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.equality import POOL
from reasoning.voting.tally import votes_of
from tests.backends import run_virtually


async def same_length(first: str, second: str) -> bool:
    return len(first) == len(second)


@given(st.lists(st.none() | st.text("ab", max_size=4), max_size=12))
def test_equal_answers_have_the_same_number_in_the_order_in_which_they_came(
    answers: list[str | None],
) -> None:
    lengths = list(dict.fromkeys(len(answer) for answer in answers if answer is not None))
    expected = [-1 if answer is None else lengths.index(len(answer)) for answer in answers]
    assert run_virtually(partial(votes_of, answers, same_length)) == expected


@given(st.lists(st.sampled_from(["1", "x", "22", "yy", "333"]), max_size=20))
def test_a_text_is_compared_once_and_only_with_the_first_of_each_group(answers: list[str]) -> None:
    compared: list[tuple[str, str]] = []

    async def counted(first: str, second: str) -> bool:
        compared.append((first, second))
        return await same_length(first, second)

    run_virtually(partial(votes_of, answers, counted))
    seen = list(dict.fromkeys(answers))
    firsts = [answer for i, answer in enumerate(seen) if len(answer) not in map(len, seen[:i])]
    assert len(set(compared)) == len(compared)
    assert {first for first, _ in compared} <= set(firsts)


@pytest.mark.anyio
async def test_numbers_and_words_vote_without_math_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: object) -> bool:
        raise AssertionError(f"math-verify was asked about {request}")

    monkeypatch.setattr(POOL, "compare", refuse)
    answers = ["7", "Paris", None, "7.0", "8", "1,000", "paris", "1000"]
    assert await votes_of(answers) == [0, 1, -1, 0, 2, 3, 1, 3]


@pytest.mark.anyio
async def test_formulas_vote_by_mathematics() -> None:
    assert await votes_of([r"\frac{1}{2}", "x+1", "0.5", "1+x"]) == [0, 1, 0, 1]


def test_whole_texts_are_compared_as_texts_and_asked_of_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(known: str, answer: str, rules: object) -> bool:
        raise AssertionError("half a million pairs of whole texts would take minutes")

    monkeypatch.setattr("reasoning.equality.mathematics.compared", refuse)
    text = "so $x = 2$ and " * 50
    texts = [f"{text}{number}" for number in range(20)]
    again = f"{texts[3].replace(' ', '  ')} ."
    assert run_virtually(partial(votes_of, [*texts, again])) == [*range(20), 3]
