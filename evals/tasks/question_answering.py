"""Questions with short answers in words, as LLMCompiler is measured on: comparisons that take several look-ups."""

from __future__ import annotations

from functools import partial

from ..grading.text_grader import TextGrader
from ..problem import Problem
from ..task import Dataset, Task
from .columns import ID, Row, first_of, read_problem
from .prompts import SHORT_ANSWER


def _read_hotpotqa(row: Row, number: int) -> Problem | None:
    """Of the dataset's questions only those that compare; a file has no others."""
    if row.get("type", "comparison") != "comparison":
        return None
    # The paragraphs are what a system has to look up.
    problem = read_problem(row, number, without=["context", "supporting_facts", "type"])
    if "type" not in row:
        return problem
    return problem.model_copy(update={"id": f"llmcompiler_hotpotqa_comparison-{problem.id}"})


def _parallelqa_name(row: Row, number: int) -> str:
    return f"llmcompiler_parallelqa-{first_of(row, ID, number + 1)}"


QUESTIONS = (
    Task(
        name="hotpotqa",
        about="HotpotQA's 1,487 comparisons of its validation split, without their paragraphs",
        grader=TextGrader,
        prompt=SHORT_ANSWER,
        dataset=Dataset(
            id="hotpotqa/hotpot_qa",
            name="distractor",
            split="validation",
            revision="1908d6afbbead072334abe2965f91bd2709910ab",
        ),
        read=_read_hotpotqa,
    ),
    Task(
        name="parallelqa",
        about="ParallelQA of LLMCompiler, 113 questions; its repository has the file for --data",
        grader=TextGrader,
        prompt=SHORT_ANSWER,
        read=partial(read_problem, named=_parallelqa_name),
    ),
)
"""Questions whose answer is a few words."""
