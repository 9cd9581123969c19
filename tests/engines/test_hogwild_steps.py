from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Collaboration
from engines.hogwild.steps import Openings, answers, end_of_step, final_answer

BOX = ("\\boxed{", "}")


@pytest.mark.parametrize(
    "text",
    [
        "Yes.\n\n",
        "Is it?\n\n",
        "So it is!\n \t\n",
        'He said "so."\n\n',
        "**It is even.**\n\n",
        "It is $x = 2.$$\n\n",
        "Then \\[ x = 2. \\]\n\n",
        "(As seen.)  \n\n",
        "是的\u3002\n\n",
        "And so on…\n\n",
        "1.\n\n",
    ],
)
def test_a_step_ends_with_a_blank_line_after_a_sentence(text: str) -> None:
    assert end_of_step(text) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "Yes.\n",
        "No sentence\n\n",
        "It holds:\n\n",
        "first,\n\n",
        "\n\n",
        " \n\n \n\n",
        "...\n\n",
        "$$.$$\n\n",
        "Yes\n\n.",
    ],
)
def test_nothing_else_ends_it(text: str) -> None:
    assert end_of_step(text) is None


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("So \\boxed{84}\n\n", True),
        ("$\\boxed{84}$\n\n", True),
        ("**\\boxed{84}**\n\n", True),
        ("\\[\\boxed{84}\\]\n\n", True),
        ("\\boxed{84}, or\n\n", True),
        ("\\boxed{84\n\n", False),
        ("\\boxed{}\n\n", False),
    ],
)
def test_a_blank_line_also_ends_a_step_that_has_its_answer(text: str, ends: bool) -> None:
    assert (end_of_step(text, 0, ("\\boxed{", "}")) == len(text)) is ends
    assert end_of_step(text) is None


def test_it_ends_at_the_first_of_several_places_and_behind_what_was_seen() -> None:
    text = "One.\n\nTwo.\n\nThree."
    assert end_of_step(text) == 6
    assert end_of_step(text, 6) == 12
    assert end_of_step(text, 12) is None


def test_a_blank_line_may_be_glued_to_what_follows() -> None:
    assert end_of_step("It is.\n\nSo", 6) == 8


@given(
    st.lists(
        st.sampled_from(["a", ".", "\n", " ", "\n\n", "**", ":", "\n\nSo", ".\n"]), max_size=12
    )
)
def test_it_is_found_with_the_token_that_completes_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    expected = end_of_step(text)
    so_far = ""
    for piece in pieces:
        seen = len(so_far)
        so_far += piece
        end = end_of_step(so_far, seen)
        assert (end is not None) == (expected is not None and seen < expected <= len(so_far))
        if end is not None:
            assert end == expected
            return


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1}, no: \boxed{2}", "2"),
        (r"\boxed{1} is what stands in \boxed{}", "1"),
        (r"\boxed{ }", None),
        (r"\boxed{1} \boxed{2", "1"),
        (r"\boxed{{1}", None),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\{1}", r"\{1"),
        (r"} } \boxed{7} }", "7"),
        (r"{ \boxed{7}", "7"),
        ("boxed", None),
    ],
)
def test_the_last_answer_that_is_closed_and_not_empty_counts(text: str, answer: str | None) -> None:
    assert final_answer(text, BOX) == answer


@pytest.mark.parametrize(
    ("text", "marks", "found"),
    [
        ("<a>1 < 2</a>", ("<a>", "</a>"), ["1 < 2"]),
        ("<a><a>1</a></a>", ("<a>", "</a>"), ["<a>1</a>", "1"]),
        ("$$4$$ and $$5$$", ("$$", "$$"), ["4", "5"]),
        ("ANSWER(f(x))", ("ANSWER(", ")"), ["f(x)"]),
        ("\\begin{a}1\\end{a}", ("\\begin{a}", "\\end{a}"), ["1"]),
        ("anything", ("", "}"), []),
        ("{anything", ("{", ""), []),
    ],
)
def test_other_marks_close_by_themselves(
    text: str, marks: tuple[str, str], found: list[str]
) -> None:
    assert answers(text, marks) == found


def test_headers_count_each_workers_own_steps() -> None:
    openings = Openings(Collaboration(workers=("A", "{number}"), header="{name}|{number}|{x} "))
    assert [openings.next(worker) for worker in (0, 1, 0, 1)] == [
        "A|1|{x} ",
        "{number}|1|{x} ",
        "A|2|{x} ",
        "{number}|2|{x} ",
    ]


def test_the_question_comes_when_more_tokens_were_generated_and_once() -> None:
    team = Collaboration(workers=("A", "B"), header="", question="?", question_every=4)
    openings = Openings(team)
    openings.count(4)
    assert openings.next(0) == ""
    openings.count()
    assert [openings.next(1), openings.next(0)] == ["?", ""]
    openings.count(4)
    assert openings.next(0) == ""


def test_no_question_is_asked_every_0_tokens() -> None:
    openings = Openings(Collaboration(workers=("A",), header="", question_every=0))
    openings.count(1000)
    assert openings.next(0) == ""
