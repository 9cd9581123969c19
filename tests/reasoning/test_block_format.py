from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.forking.block_format import format_problem
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect


def block(dialect: Dialect, outlines: list[str], threads: list[str], inside: str = "") -> str:
    said = "".join(f"<Outline>{label}: goal</Outline> " for label in outlines)
    thought = "\n".join(
        f"<{dialect.thread}>\n{label}: {inside}</{dialect.thread}>" for label in threads
    )
    conclusion = "<Conclusion>so</Conclusion>" if dialect.conclusion else ""
    goals = f"<{dialect.goals}>\n{said}</{dialect.goals}>"
    return f"<Parallel>\n{goals}\n{thought}\n{conclusion}\n</Parallel>"


def numbered(most: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{number}" for number in range(1, most + 1)]


BOTH = pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER])


@BOTH
@pytest.mark.parametrize("most", [1, 2, 50])
def test_outlines_and_a_thread_for_each_are_well_formed(dialect: Dialect, most: int) -> None:
    text = block(dialect, numbered(most), numbered(most))
    assert format_problem(f"first {text} then {text} last", dialect) is None


@BOTH
@pytest.mark.parametrize(
    ("outlines", "threads", "problem"),
    [
        (numbered(51), numbered(51), "more than 50 outlines"),
        ([], [], "a block without outlines"),
        (["1", "3"], ["1", "3"], "a label 3 where 2 should be"),
        (["2", "1"], ["1", "2"], "a label 2 where 1 should be"),
        (["1", "1"], ["1", "2"], "a label 1 where 2 should be"),
        (["1", "2"], ["2", "1"], "a label 2 where 1 should be"),
        (["1", "2"], ["1"], "1 threads for 2 outlines"),
        (["1"], ["1", "2"], "more threads than outlines"),
        (["1.1"], ["1.1"], "a label 1.1 where 1 should be"),
        (["1", "two"], ["1", "2"], "<Outline> without a label"),
    ],
)
def test_labels_have_to_count(
    dialect: Dialect, outlines: list[str], threads: list[str], problem: str
) -> None:
    assert format_problem(block(dialect, outlines, threads), dialect) == problem


OUTLINES = "<Parallel><Outlines><Outline>1: a</Outline></Outlines>"
ONE = "<Thread>1: b</Thread>"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (OUTLINES + "so: " + ONE + "</Parallel>", "text in <Parallel>: 'so:'"),
        (OUTLINES + ONE, "<Parallel> is not closed"),
        (OUTLINES + "<Thread>1: b</Parallel>", "</Parallel> in <Thread>"),
        (OUTLINES + "<Thread>b</Thread></Parallel>", "<Thread> without a label"),
        (OUTLINES + "<Thread></Thread></Parallel>", "<Thread> without a label"),
        (OUTLINES + "<Outlines></Outlines>", "a second <Outlines> in a block"),
        ("<Parallel>" + ONE, "more threads than outlines"),
        (ONE, "<Thread> in the text outside of blocks"),
        ("a </Parallel>", "</Parallel> in the text outside of blocks"),
        ("<Parallel><Outlines>goals", "text in <Outlines>: 'goals'"),
        ("<Parallel></Parallel>", "a block without outlines"),
        ("<Parallel><Outline>", "<Outline> in <Parallel>"),
        ("<Parallel><Outlines><Outline>", "<Outline> is not closed"),
        (OUTLINES + "<Thread>1: <Thread>1: b", "<Thread> in <Thread>"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    assert format_problem(text, THREADWEAVER) == problem


GOAL = "<Parallel><Goal><Outline>1: a</Outline></Goal><Path>1: b</Path>"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOAL + "</Parallel>", "a block without a conclusion"),
        (GOAL + "<Conclusion>c</Conclusion>" * 2, "a second conclusion in a block"),
        (GOAL + "<Conclusion>c</Conclusion><Path>", "<Path> after the conclusion"),
        ("<Parallel><Conclusion>", "a block without outlines"),
    ],
)
def test_a_conclusion_comes_once_and_last(text: str, problem: str) -> None:
    assert format_problem(text, MULTIVERSE) == problem


@pytest.mark.parametrize("prefix", ["", "1."])
def test_blocks_in_threads_are_well_formed_where_they_may_be(prefix: str) -> None:
    inner = block(MULTIVERSE, numbered(2, prefix), numbered(2, prefix))
    text = block(MULTIVERSE, ["1"], ["1"], inside=inner)
    assert format_problem(text, MULTIVERSE, nested=True) is None
    assert format_problem(text, MULTIVERSE) == "<Parallel> in <Path>"


def test_labels_in_a_block_in_a_thread_go_on_from_its_own() -> None:
    inner = block(MULTIVERSE, ["2.1"], ["2.1"])
    text = block(MULTIVERSE, ["1"], ["1"], inside=inner)
    assert format_problem(text, MULTIVERSE, nested=True) == "a label 2.1 where 1 should be"


def test_labels_outside_of_threads_go_on_from_none() -> None:
    text = block(MULTIVERSE, ["1"], ["1"]) + block(MULTIVERSE, ["1.1"], ["1.1"])
    assert format_problem(text, MULTIVERSE, nested=True) == "a label 1.1 where 1 should be"


@given(st.lists(st.sampled_from([*"a1: ", "<Path>", "</Path>", "<Parallel>", "</Parallel>"])))
def test_any_text_is_judged(pieces: list[str]) -> None:
    problem = format_problem("".join(pieces), MULTIVERSE, nested=True)
    assert problem is None or problem
