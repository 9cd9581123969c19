"""KV blocks in use over time, for every method and every rule of a search: peak, mean, and what sharing saves.

python -m benchmarks.kv                                     a scripted model, in virtual time
python -m benchmarks.kv --engine local [--model MODEL]      vLLM; without a model, smollm2, the plain embedded one
          [--problems 3] [--width 16] [--tokens 1024] [--block 16] [--only NAME ...]

Problems are read from $DATA, by default ../shared/data, and asked one after another. Figures are means over the
problems: the mean over the time in which calls ran, the peak of each problem. `sharing` is how many blocks each block
stands for; the last columns leave out the full blocks of the question, which all calls share. Tokens of the scripted
model are characters, and its steps are drawn from the seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import anyio
import trio
from trio.testing import MockClock

from benchmarks.planners.scenarios import DATA
from benchmarks.report import machine, table
from engines import (
    Choice,
    Context,
    Engine,
    FakeEngine,
    ForkjoinError,
    JsonSchema,
    LedgerEngine,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    converse,
    local_engine,
)
from engines.wrappers.kv_meter import KvUse, MeteredEngine
from reasoning import METHODS, Method
from reasoning.scoring.step_verifier import StepVerifier
from reasoning.searching.rules.beam import Beam
from reasoning.searching.rules.dvts import Dvts
from reasoning.searching.rules.ets import Ets
from reasoning.searching.rules.independent import Independent
from reasoning.searching.rules.particles import ParticleFilter
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import SelectionRule
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch

RULES: Mapping[str, Callable[[], SelectionRule]] = {
    "independent": Independent,
    "beam": Beam,
    "dvts": Dvts,
    "particles": ParticleFilter,
    "rebase": Rebase,
    "ets": Ets,
    "ets, by tokens": lambda: Ets(cost="tokens"),
}
HEADERS = [
    "method", "calls", "generated", "peak", "mean", "sharing", "peak of its own", "mean of its own",
]  # fmt: skip
FORKS = ("</Goal>", "</Outlines>")
WORDS = (
    "so",
    "then",
    "add",
    "multiply",
    "the",
    "first",
    "second",
    "number",
    "rows",
    "by",
    "2",
    "12",
)


@dataclass(frozen=True)
class Figures:
    """What one problem took; `own` leaves the question out."""

    calls: int
    generated: int
    use: KvUse
    own: KvUse


def every_method(sampling: Sampling, width: int) -> dict[str, Method]:
    """The methods of the catalogue, and a search by each rule."""
    searches = {
        f"search: {name}": TreeSearch(
            rule=rule(),
            scorer=StepVerifier(sampling=sampling),
            stepper=ModelSteps(sampling=sampling),
            width=width,
            max_tokens=sampling.max_tokens,
        )
        for name, rule in RULES.items()
    }
    return {**{name: build(sampling) for name, build in METHODS.items()}, **searches}


async def measured(method: Method, engine: Engine, question: Context) -> Figures:
    """One problem. A method that finds nothing has taken its blocks all the same."""
    ledger = LedgerEngine(engine)
    own = MeteredEngine(ledger, without=question)
    # The inner one decides how fine parts are.
    meter = MeteredEngine(own)
    try:
        await method.solve(question, meter)
    except ForkjoinError as error:
        print(f"{question.path}: {error}")
    if meter.use is None or own.use is None:
        raise SystemExit(meter.problem)
    calls, usage = len(ledger.entries), ledger.usage
    return Figures(calls, usage.generated_tokens, meter.use, own.use)


def row(name: str, found: Sequence[Figures]) -> list[str]:
    """Means over the problems."""
    mean, unshared = (
        fmean(getattr(one.use, figure) for one in found) for figure in ("mean", "unshared_mean")
    )
    return [
        name,
        f"{fmean(one.calls for one in found):.0f}",
        f"{fmean(one.generated for one in found):,.0f}",
        f"{fmean(one.use.peak for one in found):.0f}",
        f"{mean:.1f}",
        f"{unshared / mean:.2f}" if mean else "-",
        f"{fmean(one.own.peak for one in found):.0f}",
        f"{fmean(one.own.mean for one in found):.1f}",
    ]


async def compare(
    engine: Engine, methods: Mapping[str, Method], problems: Sequence[str]
) -> list[list[str]]:
    """A row for each method."""
    rows = []
    for name, method in methods.items():
        found = []
        for number, problem in enumerate(problems):
            question = await converse(engine, [("user", problem)], name=f"{name}-{number}")
            found.append(await measured(method, engine, question))
        rows.append(row(name, found))
    return rows


def scripted(context: Context, sampling: Sampling) -> Scripted:
    """What the scripted model says: a verdict, threads where it is asked for some, or steps until an answer."""
    draw = random.Random(hashlib.sha256(repr((context.turns, sampling.seed)).encode()).digest())
    if isinstance(sampling.constraint, Choice):
        return _verdict(sampling.constraint.options, draw)
    if isinstance(sampling.constraint, JsonSchema):
        return Scripted("{}")
    said = context.turns[-1].text
    if re.search(r"<(Thread|Path)>\n[0-9.]+:?$", said):
        return Scripted(f" {_steps(draw)}</{'Thread' if 'Thread>' in said else 'Path'}>")
    goals = next((stop[2:-1] for stop in sampling.stop if stop in FORKS), None)
    if goals is not None and f"</{goals}>" not in said:
        outlines = " ".join(f"<Outline>{label}: {_step(draw)}</Outline>" for label in (1, 2, 3))
        return Scripted(f"{_step(draw)}\n<Parallel>\n<{goals}>\n{outlines}\n</{goals}>")
    return Scripted(f"{_steps(draw)}\\boxed{{{draw.randrange(4)}}}")


def _steps(draw: random.Random) -> str:
    steps = [_step(draw)]
    while draw.random() > 0.25:
        steps.append(_step(draw))
    return "\n\n".join(steps)


def _step(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(8, 40)))


def _verdict(options: Sequence[str], draw: random.Random) -> Scripted:
    weights = [draw.random() for _ in options]
    likely = tuple(
        Logprob(option[0], math.log(weight / sum(weights)), ord(option[0]))
        for option, weight in zip(options, weights, strict=True)
    )
    text = draw.choices(options, weights)[0]
    first = next(one for one in likely if one.token_id == ord(text[0]))
    rest = [TokenLogprobs(Logprob(c, 0.0, ord(c)), ()) for c in text[1:]]
    return Scripted(text, [TokenLogprobs(first, likely), *rest])


async def main(asked: argparse.Namespace) -> None:
    lines = (DATA / "gsm8k_test.jsonl").read_text(encoding="utf-8").splitlines()
    problems = [json.loads(line)["problem"] for line in lines[: asked.problems]]
    sampling = Sampling(max_tokens=asked.tokens, temperature=0.8, seed=1)
    methods = every_method(sampling, asked.width)
    if asked.only:
        methods = {name: method for name, method in methods.items() if name in asked.only}

    async def report(engine: Engine) -> None:
        size = engine.capabilities.block_size
        print(
            f"{engine.model}, {len(problems)} problems, searches of width {asked.width}, blocks of {size} tokens"
        )
        print(table(HEADERS, await compare(engine, methods, problems)))

    if asked.engine == "local":
        async with local_engine(asked.model or "smollm2") as engine:
            await report(engine)
    else:
        await report(FakeEngine(scripted, seconds_per_token=0.02, block_size=asked.block))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=["fake", "local"], default="fake")
    parser.add_argument("--model", help="a folder or a name on the hub")
    parser.add_argument("--problems", type=int, default=3)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=1024, help="the most tokens of a thought")
    parser.add_argument("--block", type=int, default=16, help="of the scripted model")
    parser.add_argument("--only", nargs="*", help="names of the table")
    arguments = parser.parse_args()
    print(machine())
    if arguments.engine == "local":
        anyio.run(main, arguments)
    else:
        trio.run(main, arguments, clock=MockClock(autojump_threshold=0))
