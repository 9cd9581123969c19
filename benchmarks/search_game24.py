"""Tree searches on the Game of 24: how many puzzles each rule solves, and how many KV blocks its tree takes.

python -m benchmarks.search_game24 [WIDTH...]          ToT's 100 test puzzles, 5 seeds, widths 16, 64 and 256
python -m benchmarks.search_game24 --puzzles 20 --seeds 2
python -m benchmarks.search_game24 --tune [WIDTH...]   other puzzles and other seeds, a grid of settings of ETS
python -m benchmarks.search_game24 --ablate [WIDTH...] ETS otherwise set
python -m benchmarks.search_game24 --engine local [--model FOLDER]    on vLLM, under a grammar of legal moves

The proposer is no model but a distribution over legal moves, in several wordings, behind `FakeEngine`; the verifier is
the exact check with noise. Both are about as good as GPT-4 (`benchmarks.game24.searching.World`). ETS takes for the
same what leaves the same numbers (`benchmarks.game24.meaning`).

KV blocks are those of the tree that is kept after a selection, equal prefixes once, the question left out: on average
over the waves of a search, and the most. `grown` is the same before the selection, at the end of a wave. Intervals are
bootstraps over puzzles; differences and ratios are paired by puzzle and seed. Time is not measured.
All of it takes some 50 minutes of one core; the puzzles are shared out among all cores.
"""

import argparse
import os
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import fmean

import anyio

from benchmarks.game24 import on_model
from benchmarks.game24.meaning import Meaning
from benchmarks.game24.rules import BASELINE, GOAL, LAMBDA_B, LAMBDA_D, PATIENT, rules
from benchmarks.game24.searching import Puzzle, Searched, World, puzzles, searched
from benchmarks.report import machine, table
from benchmarks.voting import interval
from engines import Engine, local_engine
from reasoning.searching.embedding.hashed_ngrams import HashedNgrams
from reasoning.searching.rules.ets import Cost
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.rules.rule import SelectionRule

WIDTHS = (16, 64, 256)
PUZZLES = 100
SEEDS = 5
MODEL_WIDTHS = (16,)
MODEL_PUZZLES = 20
# What ETS may lose of REBASE's solved rate, and how many times fewer blocks it has to take.
MARGIN = 0.05
SAVING = 1.8

# Lambda d of the paper; its lambda b is 1.
PAPER = {16: 1.5, 64: 1.4, 256: 1.45}
TUNED_WIDTHS = (16, 64)
# Other puzzles, nearly as hard, and seeds that nothing is reported of.
TUNED_RANKS = range(801, 901)
TUNED_SEEDS = 1000

Results = Mapping[str, list[list[Searched]]]
"""By the name of the rule: for each puzzle, what came of it with each seed."""


def grid(width: int) -> dict[str, SelectionRule]:
    """What ETS could be set to."""
    ets = partial(PATIENT, embedder=Meaning())
    costs: tuple[Cost, ...] = ("uniform", "tokens")
    compared: dict[str, SelectionRule] = {BASELINE: Rebase()}
    for cost, b, d in product(costs, (1.0, 1.5, 2.0, 2.5, 3.0), (0.7, 1.4)):
        compared[f"ETS {cost} b={b} d={d}"] = ets(cost=cost, lambda_b=b, lambda_d=d)
    return compared


def ablations(width: int) -> dict[str, SelectionRule]:
    """ETS as the paper sets it, without coverage, and with an embedder that knows words only."""
    ets = partial(PATIENT, lambda_b=LAMBDA_B, lambda_d=LAMBDA_D)
    return {
        BASELINE: Rebase(),
        "ETS, paper's lambdas": PATIENT(
            lambda_b=1, lambda_d=PAPER.get(width, 1.4), embedder=Meaning()
        ),
        "ETS, no coverage": ets(lambda_d=0),
        "ETS, hashed n-grams": ets(embedder=HashedNgrams()),
    }


@dataclass(frozen=True)
class Job:
    """All searches of one puzzle with one width."""

    puzzle: Puzzle
    width: int
    seeds: Sequence[int]
    world: World
    rules: Callable[[int], dict[str, SelectionRule]]

    def run(self) -> dict[str, list[Searched]]:
        return anyio.run(self._run)

    async def _run(self) -> dict[str, list[Searched]]:
        return {
            name: [
                await searched(self.puzzle, rule, self.width, seed, self.world)
                for seed in self.seeds
            ]
            for name, rule in self.rules(self.width).items()
        }


def compare(jobs: Sequence[Job], processes: int) -> Results:
    """Runs them side by side."""
    if processes == 1:
        done = [job.run() for job in jobs]
    else:
        with ProcessPoolExecutor(processes) as pool:
            done = list(pool.map(Job.run, jobs))
    return {name: [one[name] for one in done] for name in done[0]}


def means(results: list[list[Searched]], what: str) -> list[float]:
    """Of each puzzle, over its seeds."""
    return [fmean(getattr(one, what) for one in seeds) for seeds in results]


def ratio_interval(
    ours: Sequence[float], theirs: Sequence[float], *, resamples: int = 2000
) -> tuple[float, float]:
    """The middle 95 % of the ratio of two means over the same puzzles, drawn anew again and again."""
    draw = random.Random(0)
    pairs = list(zip(ours, theirs, strict=True))
    ratios = []
    for _ in range(resamples):
        first, second = map(sum, zip(*draw.choices(pairs, k=len(pairs)), strict=True))
        ratios.append(first / second)
    ratios.sort()
    return ratios[round(0.025 * resamples)], ratios[round(0.975 * resamples) - 1]


HEADERS = [
    "", "solved", "95 %", "found", "KV blocks", "95 %", "peak", "grown", "tokens",
]  # fmt: skip


def row(name: str, results: list[list[Searched]]) -> list[str]:
    solved, blocks = means(results, "solved"), means(results, "blocks")
    return [
        name,
        f"{100 * fmean(solved):.1f} %",
        _percent(interval(solved)),
        f"{100 * fmean(means(results, 'found')):.1f} %",
        f"{fmean(blocks):.1f}",
        "[{:.1f}, {:.1f}]".format(*interval(blocks)),
        f"{fmean(means(results, 'peak')):.1f}",
        f"{fmean(means(results, 'grown')):.1f}",
        f"{fmean(means(results, 'tokens')):.0f}",
    ]


PAIRED = ["", "solved, points", "95 %", "fewer blocks", "95 %"]


@dataclass(frozen=True)
class Comparison:
    """A rule beside the baseline, paired by puzzle and seed.

    Attributes:
        gain: The share of puzzles that it solves more.
        gain_interval: Of that.
        saving: How many times as many blocks the baseline takes.
        saving_interval: Of that.
    """

    gain: float
    gain_interval: tuple[float, float]
    saving: float
    saving_interval: tuple[float, float]

    @classmethod
    def of(cls, ours: list[list[Searched]], theirs: list[list[Searched]]) -> "Comparison":
        solved = zip(means(ours, "solved"), means(theirs, "solved"), strict=True)
        gains = [a - b for a, b in solved]
        taken, beside = means(ours, "blocks"), means(theirs, "blocks")
        return cls(
            gain=fmean(gains),
            gain_interval=interval(gains),
            saving=fmean(beside) / fmean(taken),
            saving_interval=ratio_interval(beside, taken),
        )

    @property
    def met(self) -> bool:
        """Whether it is surely not worse than the margin, and saves enough."""
        return self.gain_interval[0] >= -MARGIN and self.saving >= SAVING

    def row(self, name: str) -> list[str]:
        return [
            name,
            f"{100 * self.gain:+z.1f}",
            _percent(self.gain_interval, sign="+"),
            f"{self.saving:.2f} x",
            "[{:.2f}, {:.2f}]".format(*self.saving_interval),
        ]


def verdict(name: str, width: int, found: Comparison) -> str:
    worst = found.gain_interval[0]
    return (
        f"goal {'met' if found.met else 'missed'} by {name} at width {width}: "
        f"{100 * found.gain:+z.1f} points, at worst {100 * worst:+z.1f} (margin {100 * MARGIN:.0f}), "
        f"with {found.saving:.2f} x fewer blocks (at least {SAVING})"
    )


def report(width: int, results: Results) -> None:
    print(table(HEADERS, [row(*item) for item in results.items()]))
    baseline = results[BASELINE]
    compared = {
        name: Comparison.of(came, baseline) for name, came in results.items() if name != BASELINE
    }
    print(f"\nbeside {BASELINE}")
    print(table(PAIRED, [found.row(name) for name, found in compared.items()]))
    for name in GOAL:
        if name in compared:
            print(verdict(name, width, compared[name]))


def _percent(bounds: tuple[float, float], sign: str = "") -> str:
    low, high = bounds
    return f"[{100 * low:{sign}z.1f}, {100 * high:{sign}z.1f}]"


def main(options: argparse.Namespace) -> None:
    if options.engine:
        anyio.run(on_engine, options)
        return
    world = World()
    chosen = spread(options.puzzles or PUZZLES, tune=options.tune)
    first = TUNED_SEEDS if options.tune else 0
    seeds = range(first, first + (options.seeds or SEEDS))
    compared = grid if options.tune else ablations if options.ablate else rules
    for width in options.widths or (TUNED_WIDTHS if options.tune else WIDTHS):
        print(f"\nwidth {width}: {len(chosen)} puzzles, {len(seeds)} seeds, {world}")
        jobs = [Job(puzzle, width, seeds, world, compared) for puzzle in chosen]
        report(width, compare(jobs, options.processes))


async def on_engine(options: argparse.Namespace) -> None:
    world = World()
    chosen = spread(options.puzzles or MODEL_PUZZLES)
    opened = local_engine(options.model or "smollm2")
    async with opened as engine:
        blocks = on_model.cache_blocks(engine)
        print(f"{engine.model}, {blocks} blocks of {engine.capabilities.block_size} tokens")
        for width in options.widths or MODEL_WIDTHS:
            print(f"\nwidth {width}: {len(chosen)} puzzles, {options.seeds or 1} seeds, {world}")
            rows = await model_rows(engine, chosen, width, options.seeds or 1, world, blocks)
            print(table(on_model.HEADERS, rows))


async def model_rows(
    engine: Engine, chosen: Sequence[Puzzle], width: int, seeds: int, world: World, blocks: int
) -> list[list[str]]:
    """Of each rule, one search after the other."""
    rows = []
    for name, rule in rules(width).items():
        measured = [
            await on_model.measured(puzzle, rule, width, seed, world, engine, blocks)
            for puzzle in chosen
            for seed in range(seeds)
        ]
        rows.append(on_model.row(name, measured))
    return rows


def spread(most: int, *, tune: bool = False) -> list[Puzzle]:
    """At most so many puzzles from all over the test split, or from those to tune on."""
    chosen = [one for one in puzzles() if (one.rank in TUNED_RANKS if tune else one.test)]
    return chosen[:: max(1, len(chosen) // most)][:most]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_game24")
    parser.add_argument("widths", metavar="WIDTH", type=int, nargs="*")
    parser.add_argument(
        "--puzzles",
        type=int,
    )
    parser.add_argument(
        "--seeds",
        type=int,
    )
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--engine", choices=["local"])
    parser.add_argument("--model", help="a folder; by default smollm2, the plain embedded model")
    return parser


if __name__ == "__main__":
    print(machine())
    main(parser().parse_args())
