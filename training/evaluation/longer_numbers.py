"""When thinking in parallel pays: products of longer numbers than were trained on, where one chain often fails.

    one chain        ──────────────>                self-consistency  ═══════════> vote
    fork and join    ──<═════>──                    ParaThinker       ═══════════> summary
    SCALE            outline ─> steps

All on equal terms: on a critical path of so many tokens, and with so many tokens in all. Samples are made once; which
terms they meet is counted afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from engines import Engine, Sampling
from evals import Evaluation, System, Trial, Trials
from evals.estimates.estimating import mean_of
from evals.evaluation.graded_trials import trials_of

from ..skills import paths, products, scale
from .at_once import at_once
from .equal_terms import Voted, affordable, by_level, fewest, voted
from .measuring import CHAIN, Asked, measured, plans, thinks
from .part import Options, Table, mean, rate
from .systems_table import systems_table
from .telling import SamplesTold

_PART = "longer"
_ASKED = Asked(task=paths.LONGER, problems=80)
_ONE_CHAIN = "chain"
# Of what a chain takes at this level; hardly any takes a tenth more.
_PATHS = (0.5, 0.75, 1.1, 1.5)
# Fork and join takes a little more than one chain.
_TOTALS = (1.2, 2, 4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A system, and how often it is sampled.

    Attributes:
        system: What is measured.
        samples: Of each problem.
    """

    system: System
    samples: int


def contenders(seed: int) -> dict[str, Contender]:
    """All systems, by their names; their samples vote."""
    sampling = Sampling(max_tokens=4096, seed=seed)
    chain = replace(CHAIN, sampling=sampling)
    greedy = sampling.model_copy(update={"temperature": 0.0})
    summary = replace(paths.SUMMARY, sampling=greedy)
    four = replace(paths.DIVERSE, method=chain, reducer=summary, threads=4)
    return {
        _ONE_CHAIN: Contender(system=thinks(chain), samples=8),
        "ForkJoin": Contender(
            system=thinks(replace(products.THREADS, sampling=sampling)), samples=8
        ),
        "ParaThinker of 4": Contender(system=thinks(four), samples=2),
        "ParaThinker of 8": Contender(system=thinks(replace(four, threads=8)), samples=1),
        "SCALE": Contender(system=plans(scale.PLANNER, (), sampling), samples=1),
    }


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Measures the model at hand: all samples, then on equal paths, then with equal totals."""
    several = contenders(options.seed)
    sampled = partial(measured, engine, options, part=_PART, watcher=SamplesTold(_PART))
    evaluations = await at_once(
        [
            partial(sampled, one.system, [_ASKED], name=name, samples=one.samples)
            for name, one in several.items()
        ]
    )
    own = systems_table("Longer numbers than trained on", paths.LONGER.name, evaluations)
    return [own, *on_equal_terms(dict(zip(several, evaluations, strict=True)))]


def on_equal_terms(evaluations: Mapping[str, Evaluation]) -> list[Table]:
    """The tables of equal critical paths and of equal totals.

    Args:
        evaluations: By the names of the systems; one chain is the first.
    """
    levels = {
        problem.id: "x".join(map(str, problem.data["digits"]))
        for problem in next(iter(evaluations.values())).problems[paths.LONGER.name]
    }
    trials = {
        name: by_level(trials_of(evaluation, paths.LONGER.name), levels)
        for name, evaluation in evaluations.items()
    }
    chain, *_ = trials.values()
    lengths = {level: mean_of(_path, problems).value for level, problems in chain.items()}
    return [_equal_paths(trials, lengths), _equal_totals(trials, lengths)]


_Trials = Mapping[str, Mapping[str, Sequence[Trials]]]


def _equal_paths(trials: _Trials, lengths: Mapping[str, float]) -> Table:
    rows, data = [], []
    for level, length in lengths.items():
        for name, problems in _of_level(trials, level):
            for samples in sorted({1, fewest(problems)}):
                limits = (*(part * length for part in _PATHS), None)
                cells = [voted(problems, samples, limit) for limit in limits]
                label = name if samples == 1 else f"{name}, vote of {samples}"
                rows.append([f"{level} {label}", *(rate(cell.right) for cell in cells)])
                data.append(_record(level, name, cells))
    return Table(
        title="Right % at equal critical paths: nobody generates more than T tokens one after another",
        headers=("digits and system", *(f"T = {part:g} chain" for part in _PATHS), "no limit"),
        rows=rows,
        notes=[
            _told(lengths),
            "What takes a longer path than T is cut, wrong, and votes for nothing. A method that knows its limit may "
            "do better: a summary can read threads that were cut.",
        ],
        data={"chain": dict(lengths), "paths": list(_PATHS), "cells": data},
    )


def _equal_totals(trials: _Trials, lengths: Mapping[str, float]) -> Table:
    rows, data = [], []
    for level, length in lengths.items():
        for name, problems in _of_level(trials, level):
            cells = [affordable(problems, total * length) for total in _TOTALS]
            one = mean(mean_of(lambda trial: trial.tokens, problems))
            rows.append([f"{level} {name}", one, *map(_cell, cells)])
            data.append(_record(level, name, cells))
    return Table(
        title="Right % at equal totals: a vote among as many samples as the tokens of B chains pay for",
        headers=("digits and system", "tokens of one", *(f"B = {total:g}" for total in _TOTALS)),
        rows=rows,
        notes=[
            _told(lengths),
            "In brackets: intervals of 95 % over problems; then how many samples vote, at most all that were made. "
            "-: one sample takes over a tenth more than B chains.",
        ],
        data={"chain": dict(lengths), "totals": list(_TOTALS), "cells": data},
    )


def _of_level(trials: _Trials, level: str) -> list[tuple[str, Sequence[Trials]]]:
    return [(name, levels[level]) for name, levels in trials.items() if level in levels]


def _path(trial: Trial) -> float:
    return trial.critical_path


def _cell(cell: Voted | None) -> str:
    return "-" if cell is None else f"{rate(cell.right)} of {cell.samples}"


def _record(level: str, system: str, cells: Sequence[Voted | None]) -> dict[str, object]:
    told = [None if cell is None else asdict(cell) for cell in cells]
    return {"digits": level, "system": system, "cells": told}


def _told(lengths: Mapping[str, float]) -> str:
    told = ", ".join(f"{length:,.0f} tokens at {level}" for level, length in lengths.items())
    return f"One chain is {told} digits."
