from __future__ import annotations

import pytest

from reasoning.extraction import extract_answer
from reasoning.forking.block_format import format_problem
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect
from reasoning.forking.invitation import invitation
from reasoning.forking.tag_grammar import grammar
from tests.planners.grammars import accepts, compiled

BOTH = pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER])


def solution(dialect: Dialect) -> str:
    """What the example shows a model to write."""
    _, begin, text = invitation(dialect, 4).partition("<Parallel>")
    return begin + text.partition("\n\n")[0]


@BOTH
def test_the_example_is_a_well_formed_block_with_an_answer(dialect: Dialect) -> None:
    text = solution(dialect)
    assert text.count("<Parallel>") == 1
    assert format_problem(text, dialect) is None
    assert extract_answer(text) == "76"


@BOTH
def test_the_example_is_what_the_grammars_ask_for(dialect: Dialect) -> None:
    """In the interpreter's parts, and with the headers that it writes."""
    opening, fork, others = solution(dialect).partition(dialect.fork_tag)
    assert accepts(compiled(grammar(dialect, "opening", 2).rules), opening + fork)
    for label in "12":
        header = dialect.thread_header(label, later=label == "2")
        assert others.startswith(header)
        thread, end, others = others.removeprefix(header).partition(dialect.thread_end)
        assert accepts(compiled(grammar(dialect, "thread", 2).rules), thread + end)
    assert others.startswith(dialect.tail)
    assert accepts(compiled(grammar(dialect, "rest", 2).rules), others.removeprefix(dialect.tail))


@BOTH
def test_the_invitation_goes_on_from_a_question_and_asks_for_an_answer(dialect: Dialect) -> None:
    text = invitation(dialect, 7)
    assert text.startswith("\n\n")
    assert "at most 7" in text
    assert "the final answer in \\boxed{}." in text


def test_only_a_dialect_with_conclusions_asks_for_one() -> None:
    assert "Conclusion" in invitation(MULTIVERSE, 4)
    assert "Conclusion" not in invitation(THREADWEAVER, 4)
