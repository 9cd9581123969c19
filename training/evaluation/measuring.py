"""A system on problems, in a folder of its own, which is gone on with where it is there.

    OUT/PART/MODEL SYSTEM/   an evaluation as `forkjoin eval` leaves it: `forkjoin report OUT/PART` shows all of a part

It does not know what is made of the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engines import Engine, Sampling, UsageError
from evals import (
    Evaluation,
    EvaluationSettings,
    Plans,
    Problem,
    System,
    Task,
    Thinks,
    begin_evaluation,
    load,
    read_evaluation,
    resume_evaluation,
)
from evals.evaluation.reading import is_evaluation
from evals.evaluation.systems import Place
from orchestrator import Agent, Tool
from planners import Planner
from reasoning import ChainOfThought, Method
from reasoning.instructions import without_instruction

from .part import PLAIN, TRAINED, Options
from .telling import SamplesTold, say

GREEDY = Sampling(temperature=0, max_tokens=2048)
"""How systems are sampled where a part says nothing else."""

CHAIN = without_instruction(ChainOfThought(sampling=GREEDY))
"""One sequential chain, for tasks that say themselves how to answer, as `forkjoin eval` has it: the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Problems of a task that a part is published with.

    Attributes:
        task: The task.
        problems: How many; all where it has fewer.
        file: Of the folder of data, in which they are; None where the task makes them.
    """

    task: Task
    problems: int
    file: str | None = None

    async def load(self, options: Options) -> Sequence[Problem]:
        """The problems, or as many as the options ask for.

        Raises:
            UsageError: There is no folder of data, and one is needed.
            ProblemFileError: The file cannot be read.
        """
        limit = self.problems if options.problems is None else options.problems
        if self.file is None:
            return (await load(self.task, data=None, seed=options.seed, limit=limit)).problems
        if options.data is None:
            raise UsageError(f"{self.file} is needed: give the folder that it is in with --data")
        path = options.data / self.file
        return (await load(self.task, data=path, seed=options.seed, limit=limit)).problems


def thinks(method: Method) -> System:
    """A method, as it stands."""
    return Thinks(method=method, described={"method": repr(method)})


class SeededPlanner(Planner, Protocol):
    """A planner that samples."""

    def with_seed(self, seed: int | None) -> Planner:
        """The same with a seed for sampling."""
        ...


def plans(
    planner: SeededPlanner, tools: Sequence[Tool], sampling: Sampling, **settings: Any
) -> System:
    """An agent with a planner and tools.

    Args:
        planner: Plans, with the seed of each sample.
        tools: What plans may call.
        sampling: Of methods and reducers that are given by name; its seed is that of the whole.
        settings: Others of `Agent`, such as its reducer.
    """

    def agent(place: Place, path: str, brought: Sequence[Tool] | None) -> Agent:
        # Inside of its run nothing sees the sample's path, so that its seed has to.
        seeded = sampling.for_branch(path)
        return Agent(
            place.base,
            tools=tools if brought is None else brought,
            planner=planner.with_seed(seeded.seed),
            sampling=seeded,
            calls=place.policy,
            limiter=place.limiter,
            **settings,
        )

    described: Mapping[str, Any] = {
        "planner": repr(planner),
        "tools": sorted(tool.specification.name for tool in tools),
        "sampling": sampling.model_dump(mode="json"),
        **{name: repr(value) for name, value in settings.items()},
    }
    return Plans(agent=agent, described=described)


async def measured(
    engine: Engine,
    options: Options,
    system: System,
    asked: Sequence[Asked],
    *,
    part: str,
    name: str,
    samples: int = 1,
    watcher: SamplesTold | None = None,
) -> Evaluation:
    """Makes the samples that are not there yet, and grades all.

    Args:
        engine: Runs it.
        options: What is asked of the part.
        system: What is measured.
        asked: On which problems.
        part: The part's folder in that of the whole evaluation.
        name: What the system is called, beside its model.
        samples: Of each problem, where the options ask for no other number.
        watcher: Tells how far it is, with others that are measured at the same time; None is one of its own.

    Raises:
        UsageError: The folder has another system's samples, or of other problems.
        RunError: The folder cannot be written.
        EngineDead: The engine is gone.
    """
    name = f"{options.model} {name}"
    path = options.out / part / name
    settings = EvaluationSettings(
        name=name,
        system=system,
        tasks={one.task.name: one.task for one in asked},
        problems={one.task.name: await one.load(options) for one in asked},
        k=samples if options.samples is None else options.samples,
        limiter=options.limiter,
    )
    each = f"{settings.k} sample{'s' if settings.k > 1 else ''} of each problem"
    say(f"{part}: {name}, {each}, {settings.total:,} in all")
    watcher = watcher or SamplesTold(part)
    async with AsyncExitStack() as exits:
        graders = {name: task.grader() for name, task in settings.tasks.items()}
        for grader in graders.values():
            exits.push_async_callback(grader.aclose)
        if _is_begun(path):
            done = await resume_evaluation(settings, engine, graders, path=path, watcher=watcher)
        else:
            done = await begin_evaluation(
                settings, engine, graders, base=path.parent, name=path.name, watcher=watcher
            )
    return read_evaluation(done.path)


def of_both_models(
    own: Sequence[Evaluation], options: Options, part: str, names: Sequence[str]
) -> list[Evaluation]:
    """The evaluations of a part that are there: those of the plain model, if any, and then those of the trained one.

    Args:
        own: Those of the model at hand.
        options: What is asked of the part.
        part: The part's folder in that of the whole evaluation.
        names: Of the systems.

    Raises:
        RunUnreadable: One cannot be read.
    """
    found: list[Evaluation] = []
    for model in (PLAIN, TRAINED):
        if model == options.model:
            found += own
        else:
            paths = [options.out / part / f"{model} {name}" for name in names]
            found += [read_evaluation(path) for path in paths if _is_begun(path)]
    return found


def _is_begun(path: Path) -> bool:
    return path.is_dir() and is_evaluation(path)
