"""The plain and the trained model on the same problems, one sequential chain each: what training alone has changed.

    plain ─> OUT/paired/plain chain ───┐
    trained ─> OUT/paired/trained chain ┴─> paired by problem ─> table, OUT/paired/report.html

What a user types for the same: two `forkjoin eval`, then `forkjoin compare` and `forkjoin report` on their folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engines import Engine
from evals import Evaluation
from evals.estimates.comparing import Comparison
from evals.evaluation.contrast import Contrast, Cost, contrasts
from evals.report.contents import contents_of
from evals.report.measuring import measure as measure_report
from evals.report.page import page
from evals.report.report_file import REPORT
from evals.report.words import points, probability
from evals.tasks.arithmetic import ARITHMETIC

from ..skills import arithmetic, products
from .measuring import CHAIN, Asked, measured, of_both_models, thinks
from .part import Options, Table, rate
from .telling import say

_PART = "paired"
_CHAIN = "chain"
_ASKED = [
    Asked(task=task, problems=200)
    for task in (ARITHMETIC, arithmetic.TASK, products.PRODUCTS, products.SUMS, products.SEVERAL)
]
_HEADERS = (
    "task", "n", "k", "plain right %", "trained right %", "difference", "p", "wins-losses", "critical path", "tokens",
)  # fmt: skip


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Measures the model at hand, and compares both once both are there."""
    system = thinks(CHAIN)
    own = await measured(engine, options, system, _ASKED, part=_PART, name=_CHAIN)
    several = of_both_models([own], options, _PART, [_CHAIN])
    if len(several) < 2:
        return []
    plain, trained = several
    return [paired_table(plain, trained, options.out / _PART)]


def paired_table(plain: Evaluation, trained: Evaluation, out: Path) -> Table:
    """The comparison, and the report page of both in the folder `out`."""
    place = out / "report.html"
    REPORT.write(place, page(contents_of(measure_report([plain, trained]))))
    say(f"{_PART}: the report page is {place}")
    found = contrasts(plain, trained)
    return Table(
        title="The plain and the trained model on the same problems, one sequential chain",
        headers=_HEADERS,
        rows=[_row(contrast) for contrast in found],
        notes=[
            "difference: trained minus plain, in points, with its interval of 95 %, paired by problem; p by a "
            "permutation test; critical path and tokens: plain, trained.",
        ],
        data={contrast.part: asdict(contrast) for contrast in found},
    )


def _row(contrast: Contrast) -> list[str]:
    average = contrast.average
    return [
        contrast.part,
        f"{len(contrast.pairing.first):,}",
        f"{contrast.pairing.k}",
        rate(average.first),
        rate(average.second),
        _difference(average),
        probability(average.p),
        f"{average.wins}-{average.losses}",
        _both(contrast.critical_path),
        _both(contrast.tokens),
    ]


def _difference(average: Comparison) -> str:
    estimate = average.difference
    return f"{points(estimate.value)} ({points(estimate.low or 0.0)} to {points(estimate.high or 0.0)})"


def _both(cost: Cost) -> str:
    return f"{cost.first.value:,.0f}, {cost.second.value:,.0f}"
