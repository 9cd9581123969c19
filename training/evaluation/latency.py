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
from .measuring import Asked
from .part import Options, Table, mean
from .products import METHODS
from .systems_table import times_fewer
from .telling import Done, say

_HEADERS = ("system", "n", "seconds", "x faster", "critical path", "tokens")
_NOTES = (
    "One question at a time, systems in turn, after one question to warm up. In brackets: intervals of 95 % over "
    "problems; x faster: the first system's seconds over this one's, paired by problem.",
)


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Times one chain, and fork and join in both dialects."""
    asked = Asked(task=products.PRODUCTS, problems=20)
    # Others than those of the part `products`, whose prompts may be in the cache.
    problems = await asked.load(replace(options, seed=options.seed + 1))
    title = "Seconds of a product that has the engine for itself"
    return [await alone(engine, title, asked.task, problems, METHODS)]


async def alone(
    engine: Engine,
    title: str,
    task: Task,
    problems: Sequence[Problem],
    methods: Mapping[str, Method],
) -> Table:
    """Times methods on each of the problems, one after another.

    Args:
        engine: Runs them, and nothing else meanwhile.
        title: What the table shows.
        task: Puts the problems.
        problems: The first is asked once more beforehand.
        methods: By their names; the first is what the others are compared with.
    """
    say(f"{title}: {', '.join(methods)}, one question at a time, {len(problems):,} questions")
    done = Done("latency", len(problems) * len(methods), "answers")
    for method in methods.values():
        await _timed(engine, task.asked(problems[0]), method, problems[0].id)
    timed: dict[str, list[Trials]] = {name: [] for name in methods}
    for problem in problems:
        for name, method in methods.items():
            trial = await _timed(engine, task.asked(problem), method, problem.id)
            timed[name].append(Trials(problem=problem.id, trials=(trial,)))
            done.add()
    return _table(title, task.name, timed)


async def _timed(engine: Engine, question: str, method: Method, name: str) -> Trial:
    start = anyio.current_time()
    context = await converse(engine, [("user", question)], name=name)
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
