"""Grades samples, and says which of them are one vote.

samples of a problem ─> an answer each ─> right or wrong, each different answer once ─> votes, in order of their numbers
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import anyio
from anyio.lowlevel import checkpoint

from reasoning import extract_answer
from reasoning.voting.tally import votes_of

from ..errors import UnreadableAnswer
from ..evaluation.evaluation import Evaluation
from ..evaluation.rows import Grade, Key, Sample
from ..problem import Problem
from .grader import Grader, Verdict


async def verdict(grader: Grader, problem: Problem, sample: Sample) -> Verdict:
    """What a sample answers, and whether that is right.

    A text that a limit cut answers only what it marks as its answer: what else stands last in it is on the way to one.
    """
    # Most answers are told at sight: whoever interrupts has to be heard between thousands of them.
    await checkpoint()
    extracted = _answer(grader, sample)
    if extracted is None:
        if sample.status == "truncated":
            return Verdict(extracted=None, correct=False, warning="cut")
        missed = _stands_in(sample.text, problem)
        return Verdict(extracted=None, correct=False, warning="missed" if missed else "")
    try:
        correct = await grader.correct(problem, extracted)
    except UnreadableAnswer:
        return Verdict(extracted=extracted, correct=False, warning="unread")
    # What was on the way to a wrong answer is no miss; what it ends with may be.
    missed = not correct and _stands_in(sample.text.rstrip().rpartition("\n\n")[2], problem)
    return Verdict(extracted=extracted, correct=correct, warning="missed" if missed else "")


async def grade_all(
    evaluation: Evaluation,
    graders: Mapping[str, Grader],
    tell: Callable[[int], None] = lambda samples: None,
) -> list[Grade]:
    """Grades the samples that count, in the order of the evaluation's.

    Args:
        evaluation: Whose samples.
        graders: By the names of the tasks; samples of other tasks get no grade.
        tell: Hears of so many samples more that have their grade.

    Raises:
        EngineError: As a judge's engine does.
        EqualityUnavailable: math-verify does not start.
    """
    grades: dict[Key, Grade] = {}

    async def grade(problem: Problem, samples: Sequence[Sample]) -> None:
        for one in await _graded(graders[samples[0].task], problem, samples):
            grades[one.key] = one
        tell(len(samples))

    async with anyio.create_task_group() as group:
        for problem, samples in _by_problem(evaluation, graders):
            group.start_soon(grade, problem, samples)
    return [grades[key] for key in evaluation.samples if key in grades]


def _by_problem(
    evaluation: Evaluation, graders: Mapping[str, Grader]
) -> list[tuple[Problem, list[Sample]]]:
    """Each problem with its samples that count, in the order of their numbers."""
    problems = {
        (task, problem.id): problem
        for task, several in evaluation.problems.items()
        for problem in several
        if task in graders
    }
    samples: dict[tuple[str, str], list[Sample]] = {}
    for sample in sorted(evaluation.samples.values(), key=lambda sample: sample.sample):
        if sample.counts and (sample.task, sample.problem) in problems:
            samples.setdefault((sample.task, sample.problem), []).append(sample)
    return [(problems[name], several) for name, several in samples.items()]


async def _graded(grader: Grader, problem: Problem, samples: Sequence[Sample]) -> list[Grade]:
    verdicts = [await verdict(grader, problem, sample) for sample in samples]
    groups = await votes_of((one.extracted for one in verdicts), grader.same)
    firsts: dict[int, int] = {}
    for group, sample in zip(groups, samples, strict=True):
        firsts.setdefault(group, sample.sample)
    return [
        Grade(
            task=sample.task,
            problem=sample.problem,
            sample=sample.sample,
            extracted=one.extracted,
            correct=one.correct,
            warning=one.warning,
            vote=None if one.extracted is None else firsts[group],
            grader=grader.name,
            version=grader.version,
        )
        for sample, one, group in zip(samples, verdicts, groups, strict=True)
    ]


def _answer(grader: Grader, sample: Sample) -> str | None:
    marked = extract_answer(sample.text) is not None
    if not marked and (sample.value is not None or sample.status == "truncated"):
        # The method's own, which need not stand in the text.
        return sample.value
    extracted = grader.extract(sample.text)
    return sample.value if extracted is None else extracted


def _stands_in(text: str, problem: Problem) -> bool:
    """Whether a known answer stands in a text as it is, and not as a part of a longer word, number or formula."""
    return any(
        re.search(rf"(?<![\w.,^/+\-]){re.escape(known)}(?![\w^/]|[.,]\d)", text)
        for known in (problem.answer, *problem.also)
        if known
    )
