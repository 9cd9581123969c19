"""How long a product takes that has the engine for itself: what a person waits.

    question 1: sequential, forked │ question 2: sequential, forked │ ...

Systems take turns, so that a machine that grows slower is as slow for all. What is right, the part `products` knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import anyio

from engines import Engine, converse
from evals import Problem, Task, Trial, Trials
from evals.estimates.estimating import mean_of
from reasoning import Method

from ..skills import products
from .kept import Kept
from .measuring import Asked
from .part import Options, Table, mean
from .products import METHODS
from .systems_table import times_fewer
from .telling import Done, say

_PART = "latency"
_HEADERS = ("system", "n", "seconds", "x faster", "critical path", "tokens")
_NOTES = (
    "One question at a time, systems in turn, after one question to warm up. In brackets: intervals of 95 % over "
    "problems; x faster: the first system's seconds over this one's, paired by problem.",
)


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Times one chain, and fork and join in both dialects."""
    asked = Asked(task=products.PRODUCTS, problems=20)
    count = options.problems or asked.problems
    first, *problems = await asked.load(replace(options, problems=1 + count))
    kept = Kept(options.out / _PART / f"{options.model}.jsonl", dict[str, Trial])
    title = "Seconds of a product that has the engine for itself"
    say(f"{title}: {', '.join(METHODS)}, one question at a time, {len(problems):,} questions")
    for method in METHODS.values():
        await _timed(engine, asked.task, first, method)
    return [await alone(engine, title, asked.task, problems, METHODS, kept)]


async def alone(
    engine: Engine,
    title: str,
    task: Task,
    problems: Sequence[Problem],
    methods: Mapping[str, Method],
    kept: Kept[dict[str, Trial]],
) -> Table:
    """Times methods on each of the problems, one after another.

    Args:
        engine: Runs them, and nothing else meanwhile.
        title: What the table shows.
        task: Puts the problems.
        problems: What is asked.
        methods: By their names; the first is what the others are compared with.
        kept: Has what was timed before, a problem with all methods at a time.
    """
    done = Done(_PART, len(problems), "questions")
    timed: dict[str, list[Trials]] = {name: [] for name in methods}
    described = {name: repr(method) for name, method in methods.items()}
    for problem in problems:
        asked = {"problem": problem.id, "methods": described}
        trials = kept.of(asked)
        if trials is None:
            trials = {
                name: await _timed(engine, task, problem, method)
                for name, method in methods.items()
            }
            kept.keep(asked, trials)
        for name, trial in trials.items():
            timed[name].append(Trials(problem=problem.id, trials=(trial,)))
        done.add()
    return _table(title, task.name, timed)


async def _timed(engine: Engine, task: Task, problem: Problem, method: Method) -> Trial:
    start = anyio.current_time()
    context = await converse(engine, [("user", task.asked(problem))], name=problem.id)
    answer = await method.solve(context, engine)
    return Trial(
        # Nobody grades it.
        correct=False,
        vote=None,
        tokens=answer.usage.generated_tokens,
        critical_path=answer.critical_path,
        seconds=anyio.current_time() - start,
    )


def _table(title: str, task: str, timed: Mapping[str, Sequence[Trials]]) -> Table:
    first = next(iter(timed.values()))
    figures = {
        name: {
            "seconds": mean_of(_seconds, trials),
            "faster": None if trials is first else times_fewer(first, trials, _seconds),
            "critical_path": mean_of(lambda trial: trial.critical_path, trials),
            "tokens": mean_of(lambda trial: trial.tokens, trials),
        }
        for name, trials in timed.items()
    }
    rows = [
        (
            name,
            f"{len(timed[name]):,}",
            mean(own["seconds"], digits=3),
            mean(own["faster"], digits=2),
            mean(own["critical_path"]),
            mean(own["tokens"]),
        )
        for name, own in figures.items()
    ]
    data = {
        "task": task,
        "problems": len(first),
        "systems": {
            name: {what: value and asdict(value) for what, value in own.items()}
            for name, own in figures.items()
        },
    }
    return Table(title=title, headers=_HEADERS, rows=rows, notes=_NOTES, data=data)


def _seconds(trial: Trial) -> float:
    return trial.seconds
