"""Workers over one attention cache, beside one worker; and, told only, as many independent writers in transformers.

    benchmarks.hogwild, in a process of its own ─> lines of JSON ─> rounds of 1, 2, 4 and 8 workers ─> ratios

In a process of its own, since that frees the GPU's memory for certain. A rate is that of whole rounds in which steps
end, as in a session. Of a shape the published vocabulary is taken, which is larger than that of the other parts.
Rodionov et al. 2025 have 68.9 tokens/s with 4 workers and 20.1 with one (QwQ-32B-AWQ on an L40S): 3.4 times as many.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import anyio

from benchmarks.model_shapes import SHAPES

from ..errors import require
from ..figure import Figure
from ..models import DUMMY
from ..part import Setting
from ..timing import ratio

GOALS = {4: 3.4}
WORKERS = (1, 2, 4, 8)
# Tokens before the workers begin.
_HISTORIES = (64, 4096)
_ROUNDS = 48
_REPEATS = 3
_MINUTES = 5.0
_ROOT = Path(__file__).parents[3]
_STEPS, _INDEPENDENT = "with steps", "independent"

Rates = Mapping[tuple[int, str], Mapping[int, Sequence[float]]]
"""Tokens a second of all workers together: by history and way, and by workers, one for each time."""


async def measure(setting: Setting) -> list[Figure]:
    """The rates of several workers over that of one, with a short and with a long history."""
    await setting.engines.close()
    setting.say("hogwild: workers over one cache, in a process of its own")
    done = await anyio.run_process(
        [sys.executable, "-m", "benchmarks.hogwild", *arguments(setting)], cwd=_ROOT, check=False
    )
    said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
    require(
        done.returncode == 0, f"benchmarks.hogwild ended with {done.returncode}: {' '.join(said)}"
    )
    return figures(rates_of(done.stdout.decode().splitlines()))


def arguments(setting: Setting) -> list[str]:
    """What `benchmarks.hogwild` is called with."""
    name = Path(setting.model).name
    random = setting.options.get("load_format") == DUMMY["load_format"] and name in SHAPES
    workers = WORKERS[: setting.sized(len(WORKERS), 3)]
    repeats = setting.sized(_REPEATS, 2)
    # Each round in another order.
    order = [n for turn in range(repeats) for n in (*workers[turn:], *workers[:turn])]
    histories = _HISTORIES[: setting.sized(len(_HISTORIES), 1)]
    return [
        *(["--shape", name] if random else ["--model", setting.model]),
        *["--workers", *map(str, order)],
        *["--history", *map(str, histories)],
        *["--rounds", str(setting.sized(_ROUNDS, 4))],
        *["--minutes", str(_MINUTES)],
        # Two wait for each other where something else runs, as beside a rehearsal.
        *(["--threads", "1"] if setting.small else []),
        "--json",
    ]


def rates_of(lines: Iterable[str]) -> Rates:
    """The rates among the lines that `benchmarks.hogwild` prints."""
    rates: defaultdict[tuple[int, str], defaultdict[int, list[float]]]
    rates = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line.startswith("{"):
            told = json.loads(line)
            if "tokens_per_second" in told:
                # Behind a comma is the kind of cache that was the fastest.
                way = told["way"].partition(",")[0]
                rates[told["history"], way][told["workers"]].append(told["tokens_per_second"])
    return rates


def figures(rates: Rates) -> list[Figure]:
    """A figure for each history and each number of workers beyond one.

    Raises:
        Mismeasured: Nothing is there to be compared.
    """
    found = [
        _figure(rates, history, workers)
        for history, way in rates
        if way == _STEPS
        for workers in rates[history, way]
        if workers != 1 and rates[history, way].get(1)
    ]
    require(bool(found), "benchmarks.hogwild told no rates of one worker and of several")
    return sorted(found, key=lambda figure: (figure.data["history"], figure.data["workers"]))


def _figure(rates: Rates, history: int, workers: int) -> Figure:
    whole = rates[history, _STEPS]
    # The last round has no row of all of them where time ran out.
    pairs = list(zip(whole[workers], whole[1], strict=False))
    several, one = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    apart = rates.get((history, _INDEPENDENT), {}).get(workers, [])
    detail = f"{statistics.median(several):,.0f} beside {statistics.median(one):,.0f} tokens/s"
    if apart:
        detail += f"; {workers} independent ones in transformers {statistics.median(apart):,.0f}"
    return Figure(
        what=f"{workers} workers over one cache, a history of {history:,} tokens",
        beside="one worker",
        value=ratio(several, one),
        goal=GOALS.get(workers),
        detail=detail,
        data={
            "history": history,
            "workers": workers,
            "tokens_per_second": several,
            "tokens_per_second_of_one": one,
            "tokens_per_second_independent": list(apart),
            "tokens_per_second_within_steps": list(
                rates.get((history, "passes"), {}).get(workers, [])
            ),
        },
    )
