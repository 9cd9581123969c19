from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Status
from evals.errors import UnreadableAnswer
from evals.grading.grader import Verdict
from evals.grading.grading import grade_all, verdict
from evals.grading.math_grader import MathGrader
from evals.grading.text_grader import TextGrader
from evals.problem import Problem
from tests.backends import run_virtually
from tests.evals.grading.made_up import PROBLEM, evaluation_of, sample_of


class Slow:
    """Compares texts without case, the longer the later; `?` it cannot read."""

    name, version = "slow", "7"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def extract(self, text: str) -> str | None:
        return text.rpartition("is ")[2] or None

    async def correct(self, problem: Problem, answer: str) -> bool:
        self.asked.append(answer)
        await anyio.sleep(len(answer))
        if answer == "?":
            raise UnreadableAnswer(answer)
        return answer.casefold() == problem.answer

    async def same(self, first: str, second: str) -> bool:
        await anyio.sleep(len(second))
        return first.casefold() == second.casefold()

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("text", "status", "value", "expected"),
    [
        (r"\boxed{42}", "ok", None, Verdict(extracted="42", correct=True)),
        (r"\boxed{41}", "ok", None, Verdict(extracted="41", correct=False)),
        # The text tells more than what a method made of it.
        (r"\boxed{42}", "ok", "41", Verdict(extracted="42", correct=True)),
        ("They agreed.", "ok", "42", Verdict(extracted="42", correct=True)),
        ("It may be 41 cats", "ok", None, Verdict(extracted="41", correct=False)),
        (r"\boxed{42} and on", "truncated", None, Verdict(extracted="42", correct=True)),
        ("6 * 7 makes 42", "truncated", None, Verdict(extracted=None, correct=False, warning="cut")),
        ("6 * 7 makes", "truncated", "42", Verdict(extracted="42", correct=True)),
        ("", "ok", None, Verdict(extracted=None, correct=False)),
        (r"\boxed{x+\frac{}", "ok", None, Verdict(extracted=None, correct=False)),
        (r"\boxed{\frac{1}{2}{}", "ok", r"\frac{", Verdict(extracted=r"\frac{", correct=False, warning="unread")),
        # What is near the end may have been meant, what is far from it was on the way.
        (r"It is 42, so \boxed{41}", "ok", None, Verdict(extracted="41", correct=False, warning="missed")),
        ("We have 42.\n\nSo \\boxed{41}", "ok", None, Verdict(extracted="41", correct=False)),
        (r"It is 142, 4.42, 42.5, 42/7 or 42x: \boxed{41}", "ok", None, Verdict(extracted="41", correct=False)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_verdict_says_what_was_found_and_why_to_look_at_it(
    text: str, status: Status, value: str | None, expected: Verdict
) -> None:
    sample = sample_of(text, status=status, value=value)
    assert await verdict(MathGrader(), PROBLEM, sample) == expected


@pytest.mark.anyio
async def test_an_answer_that_no_rule_finds_is_missed() -> None:
    problem = PROBLEM.model_copy(update={"answer": "Mount Everest"})
    found = await verdict(TextGrader(), problem, sample_of("High.\nMount Everest, I think"))
    assert found == Verdict(extracted=None, correct=False, warning="missed")


def test_votes_go_to_the_first_sample_with_the_same_answer() -> None:
    texts = ["it is 41", "it is 42", "it is ?", "nothing", "it is 42", "it is 41", ""]
    samples = [sample_of(text, number) for number, text in enumerate(texts)]
    grades = run_virtually(lambda: grade_all(evaluation_of(samples), {"t": Slow()}))
    assert [grade.vote for grade in grades] == [0, 1, 2, 3, 1, 0, None]
    assert [grade.correct for grade in grades] == [False, True, False, False, True, False, False]
    assert grades[2].warning == "unread"
    assert (grades[0].grader, grades[0].version) == ("slow", "7")


six_answers = st.lists(st.sampled_from(["b", "B", "aaa", "AAA", "?"]), min_size=6, max_size=6)


@given(st.permutations(range(6)), six_answers)
def test_neither_order_nor_timing_changes_grades(order: Sequence[int], answers: list[str]) -> None:
    samples = [sample_of(f"it is {answer}", number) for number, answer in enumerate(answers)]

    async def graded(numbers: Sequence[int]) -> dict[int, int | None]:
        grades = await grade_all(evaluation_of([samples[i] for i in numbers]), {"t": Slow()})
        assert [grade.sample for grade in grades] == list(numbers)
        return {grade.sample: grade.vote for grade in grades}

    expected = {
        i: next(j for j in range(6) if answers[j].casefold() == answers[i].casefold())
        for i in range(6)
    }
    assert run_virtually(lambda: graded(order)) == run_virtually(lambda: graded(range(6)))
    assert run_virtually(lambda: graded(order)) == expected


def test_what_failed_around_the_system_and_other_tasks_get_no_grade() -> None:
    evaluation = evaluation_of(
        [
            sample_of("it is 42", 0),
            sample_of("it is 42", 1, status="failed"),
            sample_of("it is 42", 2, status="cancelled"),
            sample_of("it is 42", 0, task="u"),
            sample_of("it is 42", 0, problem="unknown"),
        ],
        {"t": [PROBLEM], "u": [PROBLEM]},
    )
    grades = run_virtually(lambda: grade_all(evaluation, {"t": Slow()}))
    assert [grade.key for grade in grades] == [("t", "p", 0)]


@pytest.mark.anyio
async def test_problems_are_graded_side_by_side() -> None:
    problems = [PROBLEM.model_copy(update={"id": str(number)}) for number in range(50)]
    waiting = anyio.Event()
    running = 0

    class Together(Slow):
        async def correct(self, problem: Problem, answer: str) -> bool:
            nonlocal running
            running += 1
            if running == len(problems):
                waiting.set()
            await waiting.wait()
            return True

    samples = [sample_of("it is 42", problem=problem.id) for problem in problems]
    assert len(await grade_all(evaluation_of(samples, {"t": problems}), {"t": Together()})) == 50


@pytest.mark.anyio
async def test_whoever_interrupts_is_heard_between_answers_that_are_told_at_sight() -> None:
    samples = [sample_of(rf"\boxed{{{number}}}", number) for number in range(50)]
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(grade_all, evaluation_of(samples), {"t": MathGrader()})
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    assert scope.cancelled_caught
