"""Lessons: what the agent really asks, with answers that are right, and nothing that is held out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import anyio
import pytest

from engines import Context, FakeEngine, Sampling, converse
from orchestrator import Agent
from planners.scaling.scale import SCALE
from tests.backends import run_virtually
from training.evaluation.measuring import CHAIN
from training.lesson import Lesson, Said
from training.skills.products.expression import Expression
from training.skills.products.held_out import held_out_product
from training.skills.scale import PLANNER, SKILL
from training.skills.scale.outlines import Outlined, outlines
from training.skills.scale.problem import Crossed, Scaled, StepProblem, drawn, drawn_told, held_out
from training.skills.scale.skill import at_once, carried_out, planned
from training.skills.scale.task import SCALE_PROBLEMS
from training.teacher_engine import units_of
from training.trie import trie_of

from . import reading


@dataclass(frozen=True)
class Asked:
    path: str
    prompt: str
    said: Said


def calls_of(lesson: Lesson) -> list[Asked]:
    asked: list[Asked] = []

    def script(context: Context, sampling: Sampling) -> str:
        said = lesson.reply(context, sampling)
        said = Said(said) if isinstance(said, str) else said
        asked.append(Asked(context.path, text_of(context), said))
        return said.text

    run_virtually(lambda: lesson.solve(FakeEngine(script)))
    # Calls side by side come in any order.
    return sorted(asked, key=lambda call: call.path)


def any_trained(seed: int) -> StepProblem:
    return drawn_told(Random(seed)) if seed % 3 == 0 else trained(seed)


def trained(seed: int) -> Expression | Scaled | Crossed:
    random = Random(seed)
    while held_out(problem := drawn(random)):
        pass
    return problem


def test_a_plan_selects_a_right_outline_with_the_fewest_needs() -> None:
    selected = 0
    for seed in range(40):
        calls = calls_of(planned(trained(seed), Random(seed)))
        versions = [call.said for call in calls if call.path.startswith("scale/outline")]
        right = [one for one in versions if one.learned]
        assert right
        assert all(reading.is_right(one.text) for one in right)
        needs = [sum(len(s["needs"]) for s in json.loads(one.text)["steps"]) for one in versions]
        for call in calls:
            if call.path == "scale/select":
                chosen = int(call.said.text) - 1
                selected += 1
                assert versions[chosen].learned
                assert needs[chosen] == min(
                    n for n, one in zip(needs, versions, strict=True) if one.learned
                )
                # The number is that of the version as it is shown.
                given = json.loads(versions[chosen].text)
                shown = call.prompt.split(f"Version {chosen + 1}:\n")[1].split("Version")[0]
                assert f"What is given: {given['conditions']}\n" in shown
                assert all(step["task"] in shown for step in given["steps"][:-1])
    assert selected > 10


def test_the_steps_of_the_selected_outline_are_judged() -> None:
    for seed in range(25):
        problem = any_trained(seed)
        calls = calls_of(planned(problem, Random(seed)))
        scores = [call.said.text for call in calls if call.path.startswith("scale/score")]
        assert scores in [[s.difficulty for s in one.steps[:-1]] for one in outlines(problem)]


def test_threads_end_in_the_answer() -> None:
    for seed in range(30):
        problem = any_trained(seed)
        calls = calls_of(carried_out(problem, Random(seed)))
        (last,) = [call for call in calls if call.path == f"root/{len(calls)}"]
        assert reading.boxed(last.said.text) == problem.value
        for call in calls:
            needed = re.findall(r"Result: (\d+)\n", call.prompt)
            # What is written begins with what was given or found.
            assert reading.wrong_equations(call.said.text) == []
            first = call.said.text.split("\n")[0].split("=")[0]
            assert (
                all(number in call.prompt for number in re.findall(r"\d+", first)) or "*" in first
            )
            assert len(needed) == len(set(re.findall(r"^Step (\d+)", call.prompt, re.M))) - 1


def test_the_same_problems_are_solved_in_one_chain() -> None:
    told = set()
    for seed in range(60):
        problem = trained(seed)
        (call,) = calls_of(at_once(problem, Random(seed)))
        # Factors may change places: 77*137=137*77.
        lines = re.sub(r"(?m)^(\d+)\*(\d+)=\2\*\1$", "", call.said.text)
        assert reading.wrong_equations(lines) == []
        assert reading.boxed(call.said.text) == problem.value
        assert call.said.text.split("\n\n")[0].endswith(f"={problem.value}")
        told.add(call.prompt.partition("\n\n")[2])
    assert len(told) > 3


def test_what_a_task_asks_in_one_chain_is_what_lessons_ask() -> None:
    """Word by word, as evaluation puts it."""
    assert SCALE_PROBLEMS.generate is not None
    asked = SCALE_PROBLEMS.asked(SCALE_PROBLEMS.generate(0, 1)[0])
    said: list[str] = []

    def script(context: Context, sampling: Sampling) -> str:
        said.append(text_of(context))
        return "\\boxed{1}"

    async def solve() -> None:
        engine = FakeEngine(script)
        context = await converse(engine, [("user", asked)], name="question")
        await CHAIN.solve(context, engine)

    run_virtually(solve)
    ends = {
        call.prompt.partition("\n\n")[2]
        for seed in range(20)
        for call in calls_of(at_once(trained(seed), Random(seed)))
    }
    assert said[0].partition("\n\n")[2] in ends


@pytest.mark.parametrize("method", ["chain-of-thought", "self-consistency"])
def test_threads_are_told_what_the_planner_has_them_told(method: str) -> None:
    """A lesson carries out a plan of its own making, and System 2 is told what System 1 is."""
    planner = replace(PLANNER, outlines=1, hard_method=method)
    for seed in range(10):
        problem = any_trained(seed)
        calls = calls_of(carried_out(problem, Random(seed)))
        question = calls[0].prompt.split("\n\nYour part of the work")[0]
        outlined = next(one for one in outlines(problem) if len(one.steps) == len(calls))
        prompts = {call.path: call.prompt for call in calls}
        assert prompts_of_threads(planner, question, outlined) == prompts


def prompts_of_threads(planner: SCALE, question: str, outlined: Outlined) -> dict[str, str]:
    """What the threads are told of an outline for which the planner is given this one."""
    found: dict[str, str] = {}

    def script(context: Context, sampling: Sampling) -> str:
        if context.path.startswith("scale/"):
            return outlined.to_json() if "outline" in context.path else "9"
        path = context.path.split("/sample")[0]
        prompt = text_of(context)
        assert found.setdefault(path, prompt) == prompt
        return outlined.steps[int(path.removeprefix("root/")) - 1].answer

    run_virtually(lambda: Agent(FakeEngine(script), planner=planner).run(question))
    return found


def text_of(context: Context) -> str:
    return "".join(node.segment.text for node in context.lineage)


def is_secret(a: int, b: int) -> bool:
    """A product that is held out; one with a single digit and zeros is a part of many."""
    single = any(len(str(number).rstrip("0")) == 1 for number in (a, b))
    return held_out_product(a, b) and not single


def test_no_lesson_shows_what_is_held_out() -> None:
    shown = 0
    for seed in range(50):
        for call in calls_of(SKILL.lesson(Random(seed))):
            for given in re.findall(r"What is given: (\S+)\n", call.prompt):
                shown += 1
                # A bad outline may misread anything; nobody learns it.
                if "Version" not in call.prompt:
                    assert not any(is_secret(a, b) for a, b in reading.multiplied(given))
            for task in re.findall(r"Find (\d+\*\d+)\.", call.said.text):
                (a, b) = map(int, task.split("*"))
                assert not (call.said.learned and is_secret(a, b))
    assert shown > 50


def test_a_lesson_is_what_is_drawn() -> None:
    assert calls_of(SKILL.lesson(Random(5))) == calls_of(SKILL.lesson(Random(5)))
    assert calls_of(SKILL.lesson(Random(5))) != calls_of(SKILL.lesson(Random(6)))


def test_lessons_fit_into_rows_and_easy_steps_into_their_limit(tokenizer: Any) -> None:
    sizes = []
    for seed in range(40):
        units = anyio.run(units_of, SKILL.lesson(Random(seed)), tokenizer)
        sizes.append(len(trie_of(units)))
    assert max(sizes) <= 1400
    assert 400 < sum(sizes) / len(sizes) < 750
    easy = [
        step.answer
        for seed in range(300)
        for step in outlines(drawn(Random(seed)))[0].steps[:-1]
        if int(step.difficulty) == 4
    ]
    longest = max(len(tokenizer.encode(answer)) for answer in easy)
    assert longest < PLANNER.easy_tokens
