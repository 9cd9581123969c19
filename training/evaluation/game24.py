"""The Game of 24 as a tree search by the trained proposer and judge, on the 100 test puzzles of Tree of Thoughts.

each rule, widths 16 and 64 ─> solved, KV blocks, tokens      beside it: other judges, free steps, one chain
the moves of these searches ─> how good the proposer is, how good the judge is, at each depth

With its calls in common asked once, a puzzle takes some 750 of them, and 100 puzzles some minutes on a GPU. A part
that is stopped goes on with the puzzles that were not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio

from benchmarks.game24.rules import rules
from engines import Engine, UsageError
from evals import task_named
from evals.game24 import on_track
from reasoning import Answer, Check, Remembered, Scorer
from reasoning.searching.rules.independent import Independent
from reasoning.searching.rules.rebase import Rebase

from ..skills.games.puzzle import Puzzle
from ..skills.games.search import JUDGED, LOOKED_AHEAD
from .asked_once import AskedOnce
from .at_once import at_once
from .failure_noted import FailureNoted
from .kept import Kept
from .measuring import Asked
from .part import Options, Table
from .puzzle_search import Searched, Setting, searched
from .puzzle_tables import AT_ONCE_BY, SAMPLED, Row, judgement, proposals, searches
from .telling import Done, say

_WIDTHS = (16, 64)
_PROBLEMS = 100
_PART = "game24"
# All of the file, of which the test puzzles are chosen.
_FILE = Asked(task=task_named("game24"), problems=2000, file="game24.jsonl")
_ETS = "ETS, tokens"
_UNIFORM = "ETS, uniform"


async def measure(
    engine: Engine, options: Options, widths: Sequence[int] = _WIDTHS
) -> Sequence[Table]:
    """Measures the model at hand.

    Raises:
        UsageError: There is no folder of data, or no test puzzle in its file.
        EngineError: A call failed: searches that lost a step are no figures.
    """
    puzzles = await _puzzles(options)
    asked = AskedOnce(engine)
    rows = [await _measured(setting, puzzles, asked, options) for setting in settings(widths)]
    return [searches(rows, engine), proposals(rows, puzzles), judgement(rows)]


def settings(widths: Sequence[int]) -> list[Setting]:
    """What is compared at these widths, and at the first of them."""
    compared = []
    for width in widths:
        known = {SAMPLED: Independent(), **rules(width)}
        known["ETS"] = known.pop(_ETS)
        del known[_UNIFORM]
        judged = partial(Setting, width=width, scorer=_looked_ahead)
        compared += [judged(name=name, rule=rule) for name, rule in known.items()]
    narrow = partial(Setting, rule=Rebase(), width=widths[0])
    return [
        Setting(
            name="one chain, free steps",
            rule=Independent(),
            width=1,
            scorer=_unjudged,
            guided=False,
        ),
        *compared,
        narrow(name=AT_ONCE_BY, scorer=_at_once),
        narrow(name="REBASE, exact judge", scorer=_exact),
        narrow(name="REBASE, free steps", scorer=_looked_ahead, guided=False),
    ]


async def _puzzles(options: Options) -> Sequence[Puzzle]:
    limit = _PROBLEMS if options.problems is None else options.problems
    known = await _FILE.load(replace(options, problems=None))
    test = [problem.data for problem in known if problem.data.get("tot_test_split")]
    if not test:
        raise UsageError(
            f"no puzzle of {options.data}/{_FILE.file} has `tot_test_split`: true: give the data of Tree of Thoughts"
        )
    return [Puzzle(tuple(data["numbers"])) for data in test[:: max(1, len(test) // limit)][:limit]]


async def _measured(
    setting: Setting, puzzles: Sequence[Puzzle], engine: Engine, options: Options
) -> Row:
    """Searches puzzles side by side, so many that the engine is busy; what is kept is not searched again."""
    name = f"{setting.name}, width {setting.width}"
    kept = Kept(options.out / _PART / f"{options.model} {name}.jsonl", Searched)
    asked = {
        puzzle: {"puzzle": puzzle.problem.id, "seed": options.seed, **setting.described}
        for puzzle in puzzles
    }
    missing = sum(kept.of(asked[puzzle]) is None for puzzle in puzzles)
    if missing:
        say(f"{_PART}: {name}, {missing} puzzles")
    done = Done(f"{_PART}: {name}", missing, "puzzles")
    at_a_time = anyio.CapacityLimiter(max(1, options.concurrency // setting.width))
    failures = FailureNoted(engine)

    async def search(puzzle: Puzzle) -> Searched:
        if (before := kept.of(asked[puzzle])) is not None:
            return before
        async with at_a_time:
            came = await searched(setting, puzzle, failures, options.seed)
            failures.check()
            kept.keep(asked[puzzle], came)
            done.add()
            return came

    return Row(setting=setting, came=await at_once([partial(search, puzzle) for puzzle in puzzles]))


def _looked_ahead(puzzle: Puzzle) -> Scorer:
    """The trained judge, asked once for each thought: samples often say the same."""
    return Remembered(scorer=LOOKED_AHEAD)


def _at_once(puzzle: Puzzle) -> Scorer:
    """The same without a text before the verdict."""
    return Remembered(scorer=JUDGED)


def _exact(puzzle: Puzzle) -> Scorer:
    """A judge that makes no mistakes: the most that a search can have of one."""

    def right(answer: Answer) -> bool:
        return on_track(puzzle.left, answer.text)

    return Check(check=right)


def _unjudged(puzzle: Puzzle) -> Scorer:
    """A judge of whom nothing is asked."""
    return Check(check=lambda answer: True)
