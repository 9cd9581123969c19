"""Two methods on one task, from Python: `python -m examples.compare_methods`.

On the command line this is `forkjoin eval arithmetic --method ...`, twice, and `forkjoin compare RUN RUN`. Each leaves
a folder that can be gone on with, graded again, and shown by `forkjoin report`.
"""

import argparse
import sys
from contextlib import aclosing
from pathlib import Path

import anyio

from engines import Engine, Sampling, local_engine
from evals import (
    Evaluation,
    EvaluationSettings,
    Thinks,
    begin_evaluation,
    load,
    read_evaluation,
    task_named,
)
from evals.evaluation.contrast import Contrast, contrasts
from reasoning import ChainOfThought, Method, SelfConsistency

SAMPLING = Sampling(max_tokens=512, temperature=0.7, seed=1)
ONE = ChainOfThought(sampling=SAMPLING)
METHODS: dict[str, Method] = {
    "one thread": ONE,
    "a vote of five": SelfConsistency(samples=5, method=ONE),
}


async def evaluated(name: str, engine: Engine, base: Path, problems: int, k: int) -> Evaluation:
    """Lets a method solve each problem so many times, and grades what comes."""
    task = task_named("arithmetic")
    loaded = await load(task, data=None, seed=1, limit=problems)
    settings = EvaluationSettings(
        name=name,
        system=Thinks(method=METHODS[name], described={"method": name}),
        tasks={task.name: task},
        problems={task.name: loaded.problems},
        k=k,
    )
    async with aclosing(task.grader()) as grader:
        done = await begin_evaluation(settings, engine, {task.name: grader}, base=base)
    return read_evaluation(done.path)


async def compare(engine: Engine, base: Path, problems: int = 8, k: int = 2) -> Contrast:
    """Puts the methods side by side, on the same problems."""
    first, second = [await evaluated(name, engine, base, problems, k) for name in METHODS]
    (contrast,) = contrasts(first, second)
    return contrast


def told(contrast: Contrast) -> str:
    """A line for each method, what its accuracy costs beside it, and what can be said of the two."""
    rows = zip(
        METHODS,
        (contrast.average.first, contrast.average.second),
        (contrast.tokens.first, contrast.tokens.second),
        (contrast.critical_path.first, contrast.critical_path.second),
        strict=True,
    )
    lines = [
        f"{name:<15} {right.value:6.1%} right, {tokens.value:5.0f} tokens, {path.value:5.0f} one after another"
        for name, right, tokens, path in rows
    ]
    verdict = (
        "there is a difference" if contrast.average.told_apart else "no difference can be told"
    )
    return "\n".join([*lines, f"{verdict} at 95 %"])


async def main() -> None:
    """Compares them with the embedded model."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        print(told(await compare(engine, Path("runs"))))


if __name__ == "__main__":
    anyio.run(main)
