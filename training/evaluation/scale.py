"""SCALE on held-out problems: what it gets right and costs beside a chain and a vote, and whether its routing pays.

chain, self-consistency, SCALE; SCALE with one System for all ─> a table of systems
each problem planned, each step scored and done by both Systems ─> tables of outlines and of steps
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from random import Random

from engines import Engine, ForkjoinError, Outcome, Sampling
from evals import Estimate, Problem, System
from evals.estimates import interval
from reasoning import SelfConsistency

from ..skills.scale import PLANNER, SCALE_PROBLEMS
from .at_once import at_once
from .failure_noted import FailureNoted
from .kept import Kept
from .measuring import CHAIN, Asked, plans, thinks
from .part import Options, Table, mean, rate
from .scale_steps import SYSTEMS, Judged, Planned, Probed, probed
from .side_by_side import side_by_side
from .telling import Done, say

_PART = "scale"
_ASKED = Asked(task=SCALE_PROBLEMS, problems=100)
_DRAWS = 500


async def measure(engine: Engine, options: Options) -> Sequence[Table]:
    """Measures the model at hand.

    Raises:
        ForkjoinError: See `measured`.
    """
    tables = await at_once([partial(_whole, engine, options), partial(_pieces, engine, options)])
    return [*chain.from_iterable(tables)]


async def _whole(engine: Engine, options: Options) -> Sequence[Table]:
    title = f"{SCALE_PROBLEMS.about}: SCALE beside a chain and a vote"
    systems = _systems(options.seed)
    return [await side_by_side(engine, options, systems, _ASKED, part=_PART, title=title)]


async def _pieces(engine: Engine, options: Options) -> Sequence[Table]:
    outcomes = await _probed(FailureNoted(engine), options)
    known = [outcome.value for outcome in outcomes if outcome.value is not None]
    lost = [outcome.reason for outcome in outcomes if outcome.value is None]
    notes = (
        [f"Left out: {len(lost)} of {len(outcomes)} problems; the first: {lost[0]}."]
        if lost
        else []
    )
    return [table(known, notes) for table in (outlines_table, steps_table) if known]


def _systems(seed: int) -> dict[str, System]:
    sampling = Sampling(max_tokens=2048, seed=seed)
    vote = SelfConsistency(samples=PLANNER.hard_calls, method=replace(CHAIN, sampling=sampling))
    scale = PLANNER.with_seed(seed)
    return {
        "chain": thinks(CHAIN),
        f"self-consistency of {vote.samples}": thinks(vote),
        "SCALE": plans(scale, (), sampling),
        "SCALE, System 1 only": plans(replace(scale, threshold=1.0), (), sampling),
        "SCALE, System 2 only": plans(replace(scale, threshold=0.0), (), sampling),
    }


async def _probed(engine: FailureNoted, options: Options) -> list[Outcome[Probed]]:
    problems = await _ASKED.load(options)
    say(f"{_PART}: {len(problems)} problems planned, their steps scored and solved")
    done = Done(f"{_PART}: plans and steps", len(problems), "problems")
    kept = Kept(options.out / _PART / f"{options.model} pieces.jsonl", Probed)

    async def probe(problem: Problem) -> Outcome[Probed]:
        asked = {"problem": problem.id, "seed": options.seed, "planner": repr(PLANNER)}
        found = kept.of(asked)
        if found is None:
            try:
                found = await probed(problem, engine, options.limiter, options.seed)
            except ForkjoinError as error:
                engine.check()
                return Outcome("failed", reason=str(error))
            # Planners go on without what a call would have said.
            engine.check()
            kept.keep(asked, found)
        done.add()
        return Outcome("ok", found)

    return await at_once([partial(probe, one) for one in problems])


def outlines_table(several: Sequence[Probed], notes: Sequence[str] = ()) -> Table:
    """How often outlines can be used, and are right."""
    groups: dict[str, list[Planned]] = {
        "one outline": [one.one for one in several],
        f"selected of {PLANNER.outlines}": [one.selected for one in several],
    }
    figures = {
        name: {
            "usable": interval.rate([float(one.usable) for one in group]),
            "right": interval.rate([float(one.right) for one in group]),
            "tokens": interval.mean_of([one.tokens for one in group]),
        }
        for name, group in groups.items()
    }
    return Table(
        title="SCALE's outlines of held-out problems, one sample each",
        headers=("plan", "n", "usable %", "right %", "tokens"),
        rows=[
            [name, f"{len(several)}", rate(f["usable"]), rate(f["right"]), mean(f["tokens"])]
            for name, f in figures.items()
        ],
        notes=[
            *notes,
            "Usable: JSON that can be read. Right: the very steps and needs of an outline that leads to the answer; "
            "others that do are not known. Tokens: all of planning, with scores.",
        ],
        data={"problems": len(several), "plans": _as_data(figures)},
    )


def steps_table(several: Sequence[Probed], notes: Sequence[str] = ()) -> Table:
    """What either System makes of easy and hard steps, and whether scores tell them apart."""
    groups: dict[str, Callable[[Judged], bool]] = {
        "scored easy": lambda step: not step.hard,
        "scored hard": lambda step: step.hard,
        "short work": lambda step: not step.long,
        "long work": lambda step: step.long,
    }
    found = {
        name: steps
        for name, chosen in groups.items()
        if (steps := [s for one in several for s in one.steps if chosen(s)])
    }
    figures = {name: _figures(steps) for name, steps in found.items()}
    curves = {
        "of long work": area(several, lambda step: step.long),
        "of what System 1 gets wrong": area(several, lambda s: not s.solved["System 1"].right),
    }
    told = "; ".join(f"{name} {_shown(curve)}" for name, curve in curves.items())
    return Table(
        title="Steps of right outlines but the last, which is hard by decree",
        headers=("steps", "n", "score", *(f"{s} {what}" for s in SYSTEMS for what in _COLUMNS)),
        rows=[
            [
                name,
                f"{len(found[name])}",
                mean(f["score"], digits=2),
                *(_cell(f, system, what) for system in SYSTEMS for what in _COLUMNS),
            ]
            for name, f in figures.items()
        ],
        notes=[
            *notes,
            f"Area under the curve of scores (0.5 is chance), intervals over problems: {told}.",
            f"Scored hard: above {PLANNER.threshold:g}. System 1 is cut after {PLANNER.easy_tokens} tokens; System 2 "
            f"thinks {PLANNER.hard_calls} times, and pays where System 1 is wrong and it is right.",
        ],
        data={
            "steps": {name: len(steps) for name, steps in found.items()},
            "figures": _as_data(figures),
            "areas": {name: None if one is None else asdict(one) for name, one in curves.items()},
        },
    )


def area(several: Sequence[Probed], is_positive: Callable[[Judged], bool]) -> Estimate | None:
    """How often a positive step has a higher score than another one; ties count half. None without both kinds."""
    told = [[(step.score, is_positive(step)) for step in one.steps] for one in several]
    value = _area(told)
    if value is None:
        return None
    random = Random(0)
    draws = [_area(random.choices(told, k=len(told))) for _ in range(_DRAWS)]
    known = sorted(draw for draw in draws if draw is not None)
    low, high = known[int(0.025 * len(known))], known[int(0.975 * len(known))]
    return Estimate(value=value, low=low, high=high, how=f"bootstrap over {len(told)} problems")


def _area(told: Sequence[Sequence[tuple[float, bool]]]) -> float | None:
    scored = [one for steps in told for one in steps]
    positive = sorted(score for score, is_positive in scored if is_positive)
    others = sorted(score for score, is_positive in scored if not is_positive)
    if not positive or not others:
        return None
    below = sum(bisect_left(others, score) + bisect_right(others, score) for score in positive)
    return below / (2 * len(positive) * len(others))


_COLUMNS = ("right %", "tokens", "critical path")


def _figures(steps: Sequence[Judged]) -> dict[str, Estimate]:
    found = {"score": interval.mean_of([step.score for step in steps])}
    for name in SYSTEMS:
        solved = [step.solved[name] for step in steps]
        found[f"{name} right %"] = interval.rate([float(one.right) for one in solved])
        found[f"{name} tokens"] = interval.mean_of([one.tokens for one in solved])
        found[f"{name} critical path"] = interval.mean_of([one.critical_path for one in solved])
    return found


def _cell(figures: dict[str, Estimate], system: str, what: str) -> str:
    estimate = figures[f"{system} {what}"]
    return rate(estimate) if "%" in what else mean(estimate)


def _shown(curve: Estimate | None) -> str:
    return "not known, as there are none, or no others" if curve is None else mean(curve, digits=3)


def _as_data(figures: dict[str, dict[str, Estimate]]) -> dict[str, dict[str, object]]:
    return {
        name: {what: asdict(one) for what, one in several.items()}
        for name, several in figures.items()
    }
