from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from engines import Context, ContextTooLong, EngineDead, FakeEngine, Sampling, single_error
from training.evaluation.part import Options
from training.evaluation.scale import area, measure, steps_table
from training.evaluation.scale_steps import Judged, Planned, Probed, Solved
from training.skills.scale import SCALE_PROBLEMS
from training.skills.scale.mistakes import spoilt
from training.skills.scale.outlines import outlines
from training.skills.scale.task import problem_of

# All that is asynchronous here is the agent, which is tested on both.
_ON_ONE = pytest.mark.parametrize("anyio_backend", ["asyncio"])

assert SCALE_PROBLEMS.generate is not None
PROBLEMS = {one.problem: problem_of(one) for one in SCALE_PROBLEMS.generate(0, 2)}


def student(context: Context, sampling: Sampling) -> str:
    """Says what a model would that has learnt all of it."""
    told = "".join(node.segment.text for node in context.lineage)
    problem = next(problem for asked, problem in PROBLEMS.items() if asked in told)
    outlined, *_ = outlines(problem)
    path = context.path
    if "scale/outline" in path:
        return outlined.to_json()
    if "scale/score" in path:
        (number,) = re.findall(r"How difficult is step (\d+)", told)
        return outlined.steps[int(number) - 1].difficulty
    if "Your part of the work" not in told:
        return f"\\boxed{{{problem.value}}}"
    *_, number = re.findall(r"^Step (\d+): ", told, re.MULTILINE)
    return outlined.steps[int(number) - 1].answer


def careless(context: Context, sampling: Sampling) -> str:
    """Misreads the problem in every outline, and finds every step hard."""
    told = "".join(node.segment.text for node in context.lineage)
    problem = next(problem for asked, problem in PROBLEMS.items() if asked in told)
    if "scale/outline" in context.path:
        return spoilt(outlines(problem)[0], Random(0)).to_json()
    return "9" if "scale/score" in context.path else student(context, sampling)


@pytest.mark.anyio
@_ON_ONE
async def test_a_perfect_student_is_right_everywhere(options: Options) -> None:
    systems, planned, steps = await measure(FakeEngine(student), replace(options, problems=2))
    assert [row["right"]["value"] for row in systems.data["systems"]] == [1] * 5
    for plan in planned.data["plans"].values():
        assert (plan["usable"]["value"], plan["right"]["value"]) == (1, 1)
    easy, hard = (steps.data["figures"][name] for name in ("scored easy", "scored hard"))
    assert easy["System 1 right %"]["value"] == easy["System 2 right %"]["value"] == 1
    assert easy["System 2 tokens"]["value"] == 8 * easy["System 1 tokens"]["value"]
    assert easy["System 2 critical path"]["value"] == easy["System 1 critical path"]["value"]
    # Where a token is a character, long work does not fit into what System 1 may say.
    assert (hard["System 1 right %"]["value"], hard["System 2 right %"]["value"]) == (0, 1)
    assert {one["value"] for one in steps.data["areas"].values()} == {1}
    for table in (systems, planned, steps):
        assert table.title in table.text
        assert table.to_json()


@pytest.mark.anyio
@_ON_ONE
async def test_wrong_outlines_are_told(options: Options) -> None:
    _, planned, steps = await measure(FakeEngine(careless), replace(options, problems=2))
    for plan in planned.data["plans"].values():
        assert (plan["usable"]["value"], plan["right"]["value"]) == (1, 0)
    assert "scored easy" not in steps.data["figures"]


@pytest.mark.anyio
@_ON_ONE
async def test_a_student_who_knows_nothing_has_no_outline(options: Options) -> None:
    def ignorant(context: Context, sampling: Sampling) -> str:
        if "scale/outline" in context.path:
            return "{}"
        return "0" if "scale/score" in context.path else "I do not know."

    systems, planned, steps = await measure(FakeEngine(ignorant), replace(options, problems=1))
    assert {row["right"]["value"] for row in systems.data["systems"]} == {0}
    for plan in planned.data["plans"].values():
        assert (plan["usable"]["value"], plan["right"]["value"]) == (0, 0)
    assert set(steps.data["figures"]) <= {"scored easy", "short work", "long work"}


@pytest.mark.anyio
@_ON_ONE
async def test_an_engine_that_fails_is_no_planner_that_does(options: Options) -> None:
    options = replace(options, problems=2)
    systems, *pieces = await measure(FakeEngine(student), options)
    (options.out / "scale" / "trained pieces.jsonl").unlink()
    engine = FakeEngine(student)
    assert await measure(engine, options) == [systems, *pieces]
    # All that is asked now are the pieces.
    (options.out / "scale" / "trained pieces.jsonl").unlink()
    for calls in (0, len(engine.calls) // 2, len(engine.calls) - 1):
        answered = itertools.count()

        def dying(
            context: Context,
            sampling: Sampling,
            answered: Iterator[int] = answered,
            calls: int = calls,
        ) -> str:
            if next(answered) >= calls:
                raise EngineDead("the engine is gone")
            return student(context, sampling)

        with pytest.raises(EngineDead, match="the engine is gone"), single_error():
            await measure(FakeEngine(dying), options)
    assert await measure(FakeEngine(student), options) == [systems, *pieces]


@pytest.mark.anyio
@_ON_ONE
async def test_a_problem_is_asked_for_its_pieces_once(options: Options) -> None:
    engine = FakeEngine(student)
    options = replace(options, problems=1)
    first = await measure(engine, options)
    calls = len(engine.calls)
    assert await measure(engine, options) == first
    assert len(engine.calls) == calls


@pytest.mark.anyio
@_ON_ONE
async def test_a_step_that_has_no_room_is_not_done_and_costs_no_other_problem(
    options: Options,
) -> None:
    def talkative(context: Context, sampling: Sampling) -> str:
        if "Your part of the work" in "".join(node.segment.text for node in context.lineage):
            raise ContextTooLong(9000, 8192)
        return student(context, sampling)

    _, planned, steps = await measure(FakeEngine(talkative), replace(options, problems=2))
    assert planned.data["problems"] == 2
    right = [of["System 1 right %"]["value"] for of in steps.data["figures"].values()]
    assert set(right) == {0}


def probed(*steps: tuple[bool, float]) -> Probed:
    one = Planned(usable=True, right=True, tokens=1)
    solved = Solved(right=True, tokens=1, critical_path=1)
    both = {"System 1": solved, "System 2": solved}
    judged = [Judged(long=long, score=score, solved=both) for long, score in steps]
    return Probed(one=one, selected=one, steps=judged)


@pytest.mark.parametrize(
    ("scores", "value"),
    [((0.9, 0.1), 1.0), ((0.1, 0.9), 0.0), ((0.5, 0.5), 0.5)],
)
def test_the_area_is_how_often_a_hard_step_has_the_higher_score(
    scores: tuple[float, float], value: float
) -> None:
    hard, easy = scores
    found = area([probed((True, hard), (False, easy)) for _ in range(5)], lambda s: s.long)
    assert found is not None
    assert (found.value, found.low, found.high) == (value, value, value)
    mixed = area([probed((True, 0.5), (False, 0.2)), probed((False, 0.7))], lambda s: s.long)
    assert mixed is not None
    assert mixed.value == 0.5


def test_an_area_needs_both_kinds() -> None:
    one = [probed((True, 0.5))]
    assert area(one, lambda step: step.long) is None
    assert "not known" in steps_table(one).text
