from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.rewording.checking import figures, problem_with
from reasoning.rewording.rewordings import REWORDINGS, Chosen, RewordingName, choose
from reasoning.rewording.sentences import in_order, orders

NAMES: tuple[RewordingName, ...] = get_args(RewordingName)
STORY = "Tom has 3 pens. Ann has 4 pens. Dr. Who has 5. How many are there?"


@pytest.mark.parametrize(
    ("text", "count", "reversed_"),
    [
        (STORY, 5, "Dr. Who has 5. Ann has 4 pens. Tom has 3 pens. How many are there?"),
        ("What is 3 + 4?", 0, "What is 3 + 4?"),
        ("Tom has 3. How many?", 0, "Tom has 3. How many?"),
        ("", 0, ""),
        # Nothing ends here: a decimal, a title, an abbreviation, a small letter after the stop.
        ("It costs 3.5 at 8 a.m. and so on for Mr. Tan, e.g. Today? Why?", 0, None),
        (
            "Given:\n1. a = 3\n2. b = 4. Or 5.\n\nWhat is a + b? Say it.",
            1,
            "Given:\n1. b = 4. Or 5.\n2. a = 3\n\nWhat is a + b? Say it.",
        ),
        ("- a\n- b\n- c\nWhich?", 5, "- c\n- b\n- a\nWhich?"),
        # What stands between the sentences stays where it is.
        ("One.\n\nTwo.  Three. Four?", 5, "Three.\n\nTwo.  One. Four?"),
    ],
)
def test_conditions_change_places(text: str, count: int, reversed_: str | None) -> None:
    if reversed_ is not None:
        assert orders(text) == count
        assert in_order(text, 0) == reversed_


@given(st.lists(st.sampled_from(["Aa.", "B!", "C?", "D has 3.5."]), max_size=12), st.data())
def test_every_order_has_the_same_sentences_and_the_question_at_its_end(
    sentences: list[str], data: st.DataObject
) -> None:
    text = " ".join(sentences)
    if not orders(text):
        return
    other = in_order(text, data.draw(st.integers(0, orders(text) - 1)))
    assert Counter(other.split()) == Counter(text.split())
    assert other.endswith(sentences[-1])


def test_all_orders_are_different_and_none_is_the_first() -> None:
    text = "Aa. Bb. Cc. Dd. Ee?"
    found = {in_order(text, number) for number in range(orders(text))}
    assert len(found) == orders(text) == 23
    assert text not in found


@given(st.text(max_size=300))
def test_any_text_can_be_put_in_order(text: str) -> None:
    count = orders(text)
    if count:
        assert Counter(in_order(text, count - 1)) == Counter(text)


def test_a_very_long_question_takes_no_time() -> None:
    text = "It is so. " * 20_000 + "Why?"
    assert len(in_order(text, orders(text) - 1)) == len(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 pens, 3 books and 4.5 l", ["3", "3", "45"]),
        ("$1,000.50", ["100050"]),
        ("1.000,50 €", ["100050"]),
        ("1\u202f000", ["1000"]),
        ("1'000 or 1\u2019000", ["1000", "1000"]),
        ("٣ and 12", ["3", "12"]),
        ("x² and 3/4", ["3", "4"]),
        ("two", []),
    ],
)
def test_figures_are_their_digits(text: str, found: list[str]) -> None:
    assert figures(text) == Counter(found)


@pytest.mark.parametrize(
    ("reworded", "problem"),
    [
        ("Tom hat 3 Stifte, Ann 4, Who 5. Wie viele?", None),
        (" \n", "it is empty"),
        ("Tom has pens. How many?", "its numbers are others"),
        ("Tom 3, Ann 4, Who 5: 12.", "its numbers are others"),
        ("Tom 3 3, Ann 4, Who 5?", "its numbers are others"),
        (STORY.replace(" ", "\n"), "it is the same"),
        ("3 4 5 " + "x" * 1000, "it has 1006 characters, and the question 66"),
    ],
)
def test_what_cannot_stand_for_the_question_is_told(reworded: str, problem: str | None) -> None:
    assert problem_with(reworded, STORY) == problem


def test_names_are_taken_in_turn_each_time_in_another_variant() -> None:
    chosen = choose(["plain", "persona", "order"], STORY, 6)
    assert chosen == [
        Chosen("plain", 0),
        Chosen("persona", 0),
        Chosen("order", 0),
        Chosen("persona", 1),
        Chosen("order", 1),
        Chosen("persona", 2),
    ]


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.sampled_from([STORY, "What is 3 + 4?", "So. So. So. So?", "Aa. Aa. Bb. So?", ""]),
    st.integers(1, 60),
)
def test_prompts_are_different_as_long_as_there_are_different_ones(
    names: list[RewordingName], question: str, prompts: int
) -> None:
    chosen = choose(names, question, prompts)
    assert len(chosen) == prompts
    different = list(dict.fromkeys(chosen))
    # Repeats come only when all were there.
    assert chosen[: len(different)] == different
    pure = [choice for choice in different if REWORDINGS[choice.name].request is None]
    texts = [REWORDINGS[name].prompt(question, variant) for name, variant in pure]
    assert len(set(texts)) == len(texts)
    for name, variant in different:
        assert variant < REWORDINGS[name].variants(question) or names == ["order"]


def test_every_request_is_another_and_asks_for_the_question_only() -> None:
    for name in ("paraphrase", "language"):
        rewording = REWORDINGS[name]
        assert rewording.request is not None
        asked = [rewording.request(variant) for variant in range(rewording.variants(STORY))]
        assert len(set(asked)) == len(asked)
        assert all("Do not answer it" in request for request in asked)
