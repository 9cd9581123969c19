from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import UnreadableAnswer
from evals.grading.call_matching import Expected, WrittenCall, matches
from evals.grading.call_reading import calls_in, read_calls, written
from evals.grading.calls_grader import CallsGrader
from evals.problem import Problem

EXPECTED = [
    {"play": {"artist": ["Muse"], "minutes": [20, ""]}},
    {"play": {"artist": ["Blur", "The Blur"], "minutes": [15]}},
]
PROBLEM = Problem(id="1", problem="Play.", answer="", data={"calls": EXPECTED})


@pytest.mark.parametrize(
    "text",
    [
        '[play(artist="Muse", minutes=20), play(artist="Blur", minutes=15)]',
        "[play(artist='Blur', minutes=15), play(artist='Muse')]",
        'play(artist="Muse")\nplay(artist="the blur", minutes=15.0)',
        'Sure:\n```python\n[play(artist="Muse"), play(artist="Blur", minutes=15)]\n```\nDone.',
        'These:\n[play(artist="Muse"), play(artist="Blur", minutes=15)]',
        '[{"name": "play", "arguments": {"artist": "Muse"}},'
        ' {"name": "play", "parameters": {"artist": "Blur", "minutes": 15}}]',
        '<tool_call>{"name": "play", "arguments": {"artist": "Muse"}}</tool_call>'
        '<tool_call>{"name": "play", "arguments": "{\\"artist\\": \\"Blur\\", \\"minutes\\": 15}"}</tool_call>',
        '[{"play": {"artist": "Muse"}}, {"play": {"artist": "Blur", "minutes": 15}}]',
        '<think>[play(artist="X")]</think>[play(artist="M.U.S.E"), play(artist="blur", minutes=15)]',
    ],
)
@pytest.mark.anyio
async def test_calls_are_right_however_they_are_written(text: str) -> None:
    grader = CallsGrader()
    extracted = grader.extract(text)
    assert extracted is not None
    assert await grader.correct(PROBLEM, extracted)


@pytest.mark.parametrize(
    "text",
    [
        '[play(artist="Muse")]',
        '[play(artist="Muse"), play(artist="Blur")]',
        '[play(artist="Muse"), play(artist="Blur", minutes=16)]',
        '[play(artist="Muse"), play(artist="Blur", minutes=15, loud=True)]',
        '[play(artist="Muse"), stop(artist="Blur", minutes=15)]',
        '[play(artist="Muse"), play(artist="Muse"), play(artist="Blur", minutes=15)]',
        '[play(artist="Muse"), play(artist="Blur", minutes="15")]',
    ],
)
@pytest.mark.anyio
async def test_other_calls_are_wrong(text: str) -> None:
    grader = CallsGrader()
    assert not await grader.correct(PROBLEM, grader.extract(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no calls",
        "[]",
        "play(20)",
        "[ play",
        "play(**x)",
        "play(artist=open('x'))",
        "play(artist=1 if 1 else 2)",
        "[play(artist='Muse'), 1]",
        "{",
        "f(a=" + "[" * 5000 + "]" * 5000 + ")",
        "f(a=" + "-" * 30000 + "1)",
    ],
)
def test_what_is_no_call_of_plain_values_is_none(text: str) -> None:
    assert read_calls(text) is None
    assert CallsGrader().extract(text) is None


@pytest.mark.anyio
async def test_what_is_no_call_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswer):
        await CallsGrader().correct(PROBLEM, "play it")


@pytest.mark.anyio
async def test_known_calls_may_be_written_as_calls() -> None:
    for data, answer in (
        ({"calls": ["f(a=1)"]}, ""),
        ({}, "[f(a=1)]"),
        ({}, '[{"f": {"a": [1]}}]'),
    ):
        problem = PROBLEM.model_copy(update={"data": data, "answer": answer})
        assert await CallsGrader().correct(problem, "[f(a=1)]")
        assert not await CallsGrader().correct(problem, "[f(a=2)]")


@pytest.mark.anyio
async def test_the_same_calls_in_another_order_are_one_vote() -> None:
    assert await CallsGrader().same("[f(a=1), g(b='x')]", "[g(b='X'), f(a=1)]")
    assert not await CallsGrader().same("[f(a=1)]", "[f(a=2)]")


def test_a_call_that_fits_two_leaves_the_other_its_only_one() -> None:
    expected = [{"f": {"a": [1, 2]}}, {"f": {"a": [1]}}]
    assert matches([WrittenCall("f", {"a": 1}), WrittenCall("f", {"a": 2})], expected)
    assert not matches([WrittenCall("f", {"a": 2}), WrittenCall("f", {"a": 2})], expected)


def test_objects_in_arguments_have_accepted_values_too() -> None:
    expected: list[Expected] = [
        {"f": {"where": [{"city": ["Paris", "Lyon"], "code": [1, ""]}], "all": [True]}}
    ]
    for given_, right in (
        ({"where": {"city": "lyon"}, "all": True}, True),
        ({"where": {"city": "lyon", "code": 2}, "all": True}, False),
        ({"where": {"city": "lyon"}, "all": 1}, False),
        ({"where": {}, "all": True}, False),
    ):
        assert matches([WrittenCall("f", given_)], expected) is right


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)


arguments = st.dictionaries(st.sampled_from("ab"), plain)
made_calls = st.lists(st.builds(WrittenCall, st.sampled_from(["f", "g.h"]), arguments), min_size=1)


@given(made_calls)
def test_what_is_written_is_read_again(calls: list[WrittenCall]) -> None:
    assert read_calls(written(calls)) == calls
    assert calls_in(f"So:\n```\n{written(calls)}\n```") == calls
