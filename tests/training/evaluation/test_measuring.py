from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engines import CallLimiter, Context, FakeEngine, Sampling, UsageError
from evals import Evaluation, System, Task
from orchestrator import tool
from planners import LLMCompiler
from tests.evals.evaluation import making_samples
from training.evaluation.measuring import (
    CHAIN,
    GREEDY,
    Asked,
    measured,
    of_both_models,
    plans,
    thinks,
)
from training.evaluation.part import PLAIN, TRAINED, Options

pytestmark = pytest.mark.anyio


def task() -> Task:
    return replace(
        making_samples.task(), generate=lambda seed, count: making_samples.problems(count)
    )


ASKED = [Asked(task=task(), problems=3)]


def right(context: Context, sampling: Sampling) -> str:
    """Right at the first problem."""
    return "\\boxed{0}"


async def chain(engine: FakeEngine, options: Options, system: System | None = None) -> float:
    """The share that is right."""
    found = await measured(
        engine, options, system or thinks(CHAIN), ASKED, part="sums", name="chain"
    )
    return sum(grade.correct for grade in found.grades.values()) / len(found.grades)


async def test_a_system_is_measured_into_a_folder_of_its_own(options: Options) -> None:
    assert await chain(FakeEngine(right), options) == pytest.approx(1 / 3)
    assert (options.out / "sums" / "trained chain" / "metrics.json").is_file()


async def test_what_is_there_is_not_made_again(options: Options) -> None:
    engine = FakeEngine(right)
    await chain(engine, options)
    assert await chain(engine, options) == pytest.approx(1 / 3)
    assert len(engine.calls) == 3


async def test_options_say_how_many_problems_and_samples(options: Options) -> None:
    engine = FakeEngine(right)
    await chain(engine, replace(options, problems=2, samples=4))
    assert len(engine.calls) == 8


async def test_another_system_is_not_mixed_with_what_is_there(options: Options) -> None:
    engine = FakeEngine(right)
    await chain(engine, options)
    other = thinks(replace(CHAIN, instruction="In French."))
    with pytest.raises(UsageError, match="begun with another method"):
        await chain(engine, options, other)


async def test_the_plain_model_stands_before_the_trained_one_and_systems_as_they_are_named(
    options: Options,
) -> None:
    own: dict[str, list[Evaluation]] = {PLAIN: [], TRAINED: []}
    # What others have begun there, or a version before, is none of them.
    for name in ("later", "first", "unknown"):
        for model, several in own.items():
            asked = replace(options, model=model)
            made = await measured(
                FakeEngine(right), asked, thinks(CHAIN), ASKED, part="sums", name=name
            )
            several.insert(0, made)
    names = ["first", "missing", "later"]
    for model in own:
        mine = [one for one in own[model] if not one.system.endswith("unknown")]
        found = of_both_models(mine, replace(options, model=model), "sums", names)
        assert [one.system for one in found] == [
            "plain first",
            "plain later",
            "trained first",
            "trained later",
        ]


async def test_a_file_needs_the_folder_of_data(options: Options, tmp_path: Path) -> None:
    asked = Asked(task=making_samples.task(), problems=2, file="rows.jsonl")
    with pytest.raises(UsageError, match=r"rows\.jsonl is needed: .*--data"):
        await asked.load(options)
    rows = '{"id": "a", "problem": "1 + 0?", "answer": "1"}\n'
    (tmp_path / "rows.jsonl").write_text(rows)
    (problem,) = await asked.load(replace(options, data=tmp_path))
    assert problem.answer == "1"


async def test_an_agent_plans_and_calls_its_tools(options: Options) -> None:
    called: list[float] = []

    @tool
    async def add(a: float, b: float) -> float:
        """Adds two numbers."""
        called.append(a)
        return a + b

    def reply(context: Context, sampling: Sampling) -> str:
        return "\\boxed{0}" if called else "1. add(0, 0)\n2. join()"

    planner = LLMCompiler(sampling=GREEDY, max_replans=0)
    system = plans(planner, [add], GREEDY)
    one = replace(options, problems=1)
    found = await measured(FakeEngine(reply), one, system, ASKED, part="sums", name="agent")
    assert called == [0]
    assert [grade.correct for grade in found.grades.values()] == [True]


async def test_samples_of_a_plan_have_seeds_of_their_own_and_the_same_again(
    options: Options,
) -> None:
    system = plans(
        LLMCompiler(max_replans=0, max_repairs=0), [], GREEDY.model_copy(update={"seed": 3})
    )
    seeds = []
    for folder in ("one", "two"):
        engine = FakeEngine("no plan")
        own = replace(
            options, out=options.out / folder, problems=1, samples=3, limiter=CallLimiter(1)
        )
        await measured(engine, own, system, ASKED, part="sums", name="agent")
        seeds.append([call.sampling.seed for call in engine.calls])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3
