"""Lessons on word problems: what the methods really ask, with plans, verdicts and chains that are right."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from random import Random
from typing import Any

import anyio
import pytest

from engines import Grammar
from examples.arithmetic import TOOLS
from orchestrator import Agent, RunResult
from reasoning import Answer
from tests.planners.grammars import accepts, compiled
from training.skills.word_problems import SKILL
from training.skills.word_problems import lessons as lessons_module
from training.skills.word_problems.chain import chain_of, computed
from training.skills.word_problems.expressions import drawn_expression
from training.skills.word_problems.lessons import planned as planned_together
from training.skills.word_problems.steps import NumberStep
from training.skills.word_problems.tool_sets import example_tools
from training.teacher_engine import TeacherEngine, units_of

from .reading import (
    Solved,
    answer_of_chain,
    carried_out,
    independent_steps,
    numbers_in,
    solved,
    thought_of,
)

# What other words stand for.
_UNTOLD = {1, 2, 3, 4, 7, 12, 52, 60, 100}


def planned(lessons: list[Solved]) -> list[Solved]:
    return [lesson for lesson in lessons if isinstance(lesson.result, RunResult)]


def test_the_same_random_numbers_make_the_same_lesson() -> None:
    one, other = (solved(SKILL.lesson(Random(5))) for _ in range(2))
    assert {(c.path, c.prompt, c.said) for c in one.calls} == {
        (c.path, c.prompt, c.said) for c in other.calls
    }


def test_a_lesson_can_be_gone_through_again() -> None:
    for number in range(12):
        lesson = SKILL.lesson(Random(f"again {number}"))
        first, second = solved(lesson), solved(lesson)
        # Calls side by side come in any order.
        assert {call.prompt for call in first.calls} == {call.prompt for call in second.calls}


def test_problems_of_a_lesson_are_asked_of_one_agent() -> None:
    lesson = solved(planned_together(Random(3)))
    plans = [call.prompt for call in lesson.calls if call.path.endswith("plan")]
    assert isinstance(lesson.result, list)
    assert len(plans) == len(lesson.result) > 4
    assert len({plan.partition("Question: ")[0] for plan in plans}) == 1
    assert len(set(plans)) == len(plans)


def test_a_problem_among_others_is_asked_as_an_agent_asks_it_alone(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token by token; what is asked later is made of this and of what has been said."""
    monkeypatch.setattr(lessons_module, "drawn_tools", lambda random: example_tools())
    asked = re.compile(
        r"<\|im_start\|>user\nQuestion: ([^<]*)<\|im_end\|>\n<\|im_start\|>assistant\n$"
    )
    units = anyio.run(units_of, planned_together(Random(3)), tokenizer)
    plans = 0
    for unit in units:
        # What comes later in a planner's conversation ends with no question.
        if found := asked.search(tokenizer.decode(list(unit.context))):
            engine = TeacherEngine(lambda context, sampling: "1. add(1, 2)\njoin()", tokenizer)
            anyio.run(Agent(engine, tools=TOOLS).plan, found[1])
            assert engine.units[0].context == unit.context
            plans += 1
    assert plans > 4


def test_agents_come_to_what_their_plans_compute(lessons: list[Solved]) -> None:
    for lesson in planned(lessons):
        results: dict[int, Fraction] = {}
        # Behind the example.
        question = lesson.calls[0].prompt.split("join()")[-1]
        for call in lesson.calls:
            if call.said.text.endswith("join()"):
                for operands in carried_out(call.said.text, results):
                    known = numbers_in(question) | _UNTOLD | set(results.values())
                    # Without tools, a single product is taken digit by digit.
                    assert set(operands) <= known or "(none)" in lesson.calls[0].prompt
        assert isinstance(lesson.result, RunResult)
        assert Fraction(lesson.result.output) == results[max(results)]


def test_what_matters_is_said_again_before_it_is_planned(lessons: list[Solved]) -> None:
    thoughts = 0
    for lesson in planned(lessons):
        plan, *later = lesson.calls
        assert not any(thought_of(call.said.text) for call in later)
        question = plan.prompt.split("join()")[-1]
        if thought := thought_of(plan.said.text):
            told = numbers_in(thought)
            assert told <= numbers_in(question) | _UNTOLD
            results: dict[int, Fraction] = {}
            for operands in carried_out(plan.said.text, results):
                known = told | _UNTOLD | set(results.values())
                # Without tools, a single product is taken digit by digit.
                assert set(operands) <= known or "(none)" in plan.prompt
            thoughts += 1
    assert thoughts > 40


def test_the_grammar_that_a_planner_sends_has_room_for_what_lessons_say() -> None:
    for seed in range(6):
        for call in solved(planned_together(Random(f"room {seed}"), room=1)).calls:
            if isinstance(call.sampling.constraint, Grammar):
                assert accepts(compiled(call.sampling.constraint.rules), call.said.text)


def test_in_bare_arithmetic_there_is_nothing_to_say_again() -> None:
    assert not any(drawn_expression(Random(seed)).restated for seed in range(20))


def test_verdicts_finish_with_the_last_result_or_say_what_is_missing(lessons: list[Solved]) -> None:
    actions = {"finish": 0, "replan": 0}
    for lesson in planned(lessons):
        for call in lesson.calls:
            if not call.path.endswith("joiner-1"):
                continue
            verdict = json.loads(call.said.text)
            shown = re.findall(r"^\$(\d+): (.*)$", call.prompt, re.MULTILINE)
            actions[verdict["action"]] += 1
            lost = [number for number, text in shown if text.startswith("no result")]
            if verdict["action"] == "finish":
                assert Fraction(verdict["answer"]) == Fraction(shown[-1][1])
            elif lost:
                assert verdict["feedback"] == f"${lost[0]} again"
            else:
                assert not lesson.calls[0].said.learned
    assert actions["finish"] > 60
    assert actions["replan"] > 2


def test_a_plan_that_is_not_complete_is_read_and_not_learnt(lessons: list[Solved]) -> None:
    for lesson in lessons:
        assert all(call.said.learned for call in lesson.calls[1:])


def test_chains_compute_every_line_and_box_the_last(lessons: list[Solved]) -> None:
    chains = [lesson for lesson in lessons if isinstance(lesson.result, Answer)]
    assert len(chains) > 30
    for chain in chains:
        assert isinstance(chain.result, Answer)
        assert chain.result.final == answer_of_chain(chain.result.text)
        assert re.match(r"[A-Z0-9$].*[?.]\n\d", chain.result.text)


def test_some_plans_begin_with_two_steps_that_run_at_the_same_time(lessons: list[Solved]) -> None:
    free = [independent_steps(lesson.calls[0].said.text) for lesson in planned(lessons)]
    assert sum(count > 1 for count in free) > 8


def test_no_step_of_a_plan_changes_nothing_or_is_made_twice(lessons: list[Solved]) -> None:
    """The prompt does not say how many steps a grammar wants, so that no lesson is to fill a plan up."""
    for lesson in planned(lessons):
        steps = re.findall(r"^\d+\. (.*)$", lesson.calls[0].said.text, re.MULTILINE)
        assert len(set(steps)) == len(steps)
        assert not any(re.search(r"(\(|, |[-+] )0\b", step) for step in steps)


def test_lessons_have_the_tools_of_the_example() -> None:
    there = [(tool.specification.listing) for tool in example_tools().tools]
    assert there == [tool.specification.listing for tool in TOOLS]


@pytest.mark.parametrize(
    ("left", "operation", "right", "expected"),
    [
        (7, "*", 8, "8*7=56"),
        (12, "-", 5, "12-5=7"),
        (7, "*", 12, "12*7\n2*7=14 14+0=14 write 4 carry 1\n1*7=7 7+1=8 write 8 carry 0\n12*7=84"),
        (84, "+", 38, "84+38\n4+8+0=12 write 2 carry 1\n8+3+1=12 write 2 carry 1\n84+38=122"),
        (91, "/", 7, "91/7\n9/7 write 1 rest 2\n21/7 write 3 rest 0\n91/7=13"),
        (1600, "/", 100, "1600/100=16"),
    ],
)
def test_operations_are_written_as_on_paper(
    left: int, operation: str, right: int, expected: str
) -> None:
    assert computed(NumberStep(operation, Fraction(left), Fraction(right))) == expected


def test_a_chain_ends_with_its_answer_in_a_box() -> None:
    assert chain_of([NumberStep("+", Fraction(4), Fraction(5))]) == "4+5=9\n\n\\boxed{9}"
