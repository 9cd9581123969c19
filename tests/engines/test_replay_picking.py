"""Which recorded sample a call gets."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.replay.picking import QuestionIndex, pick, sample_number
from engines.replay.recording import Recorded

INDEX = QuestionIndex(
    ["4 5 6 10", "4 5 6 1", "What is 2 + 2?", "2 + 2?", "Say\n why", "What is 2 + 2? Explain."]
)


@pytest.mark.parametrize(
    ("turns", "question"),
    [
        (["4 5 6 10"], "4 5 6 10"),
        (["Use 4 5 6 10 to make 24."], "4 5 6 10"),
        (["Use 4 5 6 1 to make 24."], "4 5 6 1"),
        (["Use 4 5 6 12 to make 24."], None),
        (["Use 14 5 6 1."], None),
        (["Problem: What is 2 + 2? Think."], "What is 2 + 2?"),
        (["What is\n\n 2  + 2?"], "What is 2 + 2?"),
        (["say why? Say  why!"], "Say\n why"),
        (["2 + 2?", "4 5 6 10"], "4 5 6 10"),
        # The whole turn, though a longer one stands in another.
        (["Examples: What is 2 + 2? 4", "4 5 6 1"], "4 5 6 1"),
        (["1. 4 5 6 10", "What is 2 + 2? It is 4"], "What is 2 + 2?"),
        (["3 + 3?"], None),
        ([], None),
        ([""], None),
    ],
)
def test_a_question_is_found_in_what_is_asked(turns: list[str], question: str | None) -> None:
    assert INDEX.find(turns) == question


def test_a_question_that_is_put_otherwise_is_found_by_its_name() -> None:
    index = QuestionIndex(["4 5 6 10", "1 1 4 6"], {"g-1": "4 5 6 10", "g/2%": "1 1 4 6", "3": "?"})
    asked = ["Make 24 of 4, 5, 6, 10."]
    assert index.find(asked, "game24/g-1/3/sample-2") == "4 5 6 10"
    assert index.find(asked, "game24/g%2F2%25/3") == "1 1 4 6"
    assert index.find(asked, "game24/g-9/3") is None
    assert index.find(["1 1 4 6"], "game24/g-1/3") == "1 1 4 6"


@given(
    st.lists(st.text("ab 1?", min_size=1).filter(str.strip), min_size=1, unique=True),
    st.integers(0),
)
def test_every_question_is_found_in_its_prompt(questions: list[str], which: int) -> None:
    asked = " ".join(questions[which % len(questions)].split())
    found = QuestionIndex(questions).find([f"Solve this: {asked} -- now."])
    assert found is not None
    assert " ".join(found.split()) == max(
        (q for q in (" ".join(q.split()) for q in questions) if stands(q, f"Solve this: {asked} -- now.")),
        key=len,
    )  # fmt: skip


def stands(question: str, text: str) -> bool:
    """By looking at every place."""
    places = [i for i in range(len(text)) if text.startswith(question, i)]
    return any(not _joins(text, i) and not _joins(text, i + len(question)) for i in places)


def _joins(text: str, place: int) -> bool:
    return (text[place - 1 : place] + text[place : place + 1]).isalnum() and 0 < place < len(text)


@pytest.mark.parametrize("place", ["aime24/2024-I-3", "aime24/7", "root", "a/test/algebra/12.json"])
def test_samples_of_an_evaluation_are_those_recorded_in_their_order(place: str) -> None:
    assert [sample_number(f"{place}/{i}", None) for i in range(5)] == [0, 1, 2, 3, 4]
    assert [sample_number(f"{place}/{i}/root", None) for i in range(5)] == [0, 1, 2, 3, 4]


def test_forks_of_one_thread_are_those_recorded_in_their_order() -> None:
    assert [sample_number(f"root/sample-{i}", None) for i in range(3)] == [0, 1, 2]
    assert [sample_number(f"root/sample-{i}/reword", None) for i in range(3)] == [0, 1, 2]


@given(st.integers(1, 9), st.integers(0, 3))
def test_votes_of_an_evaluation_have_every_sample_once_and_begin_elsewhere(
    width: int, sample: int
) -> None:
    forks = [sample_number(f"gsm8k/7/{sample}/sample-{i}", None) % width for i in range(width)]
    assert sorted(forks) == list(range(width))
    assert forks == sorted(forks, key=lambda i: (i - forks[0]) % width)


def test_votes_of_an_evaluation_differ() -> None:
    begun = Counter(sample_number(f"gsm8k/7/{i}/sample-0", None) % 100 for i in range(50))
    assert len(begun) > 25


def test_without_a_number_the_seed_picks() -> None:
    assert sample_number("root", 7) == 7
    assert sample_number("root/sample-2", 7) == 2
    assert sample_number("", None) == 0
    assert sample_number("9" * 5000, None) == sample_number("9" * 5000, 3)


SAMPLES = [Recorded("So 4."), Recorded("So 5."), Recorded("It is 4."), Recorded("So 4!")]


@pytest.mark.parametrize(
    ("said", "number", "text"),
    [
        ("", 0, "So 4."),
        ("", 6, "It is 4."),
        ("So 4", 3, "So 4!"),
        ("So 4", 0, "So 4."),
        ("So 4", 2, "So 4."),
        ("So 4", 5, "So 4!"),
        ("It", 1, "It is 4."),
        ("So 4.", 0, "So 4."),
        ("So 4. But", 0, None),
    ],
)
def test_a_turn_that_was_begun_goes_on_as_a_sample_that_begins_so(
    said: str, number: int, text: str | None
) -> None:
    picked = pick(SAMPLES, said, f"root/step-{number}", None)
    assert (picked.text if picked else None) == text
