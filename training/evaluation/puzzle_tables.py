"""Searches of puzzles as tables: what they solve and take, what the proposer proposes, what the judge says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from engines import Engine
from evals import Estimate
from evals.estimates import interval
from evals.game24 import legal_moves

from ..skills.games.moves import within_reach
from ..skills.games.puzzle import Puzzle
from .part import Table, mean, rate
from .puzzle_search import Searched, Setting, Taken

SAMPLED, JUDGED_BY, AT_ONCE_BY = "sampling", "REBASE", "REBASE, judged at once"
"""Searches that tables of moves are made of: one that nothing guides, and one with either judge."""

_MOVES = 3
_HEADERS = (
    "search", "width", "n", "solved %", "found %", "KV blocks", "peak", "tokens", "critical path",
)  # fmt: skip
_NOTES = (
    "Test puzzles of Tree of Thoughts (ranks 901 to 1,000); no lesson had them, in whatever order. In brackets: "
    "intervals of 95 % over puzzles.",
    "Solved: the answer elected is right; found: one of the thoughts was. KV blocks: of the tree kept after each "
    "selection, the question left out, mean over waves; peak: the most of them.",
    "Moves are chosen among the legal ones, and judged after a text that looks ahead, whose tokens count, where "
    "nothing else is said; at once is in one token.",
    "GPT-4 as published: chain of thought 4 %, best of 100 samples 49 %, Tree of Thoughts 69 to 74 %.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A setting, and what came of it.

    Attributes:
        setting: How it was searched.
        came: Of each puzzle, in their order.
    """

    setting: Setting
    came: Sequence[Searched]

    @property
    def figures(self) -> Mapping[str, Estimate]:
        """What it solves and takes, with intervals over puzzles."""
        takes = ("blocks", "peak", "tokens", "critical_path")
        return {
            **{name: interval.rate(self._of(name)) for name in ("solved", "found")},
            **{name: interval.mean_of(self._of(name)) for name in takes},
        }

    def _of(self, name: str) -> list[float]:
        return [float(getattr(one, name)) for one in self.came]


def searches(rows: Sequence[Row], engine: Engine) -> Table:
    """What each search solves, and what it takes."""
    size = engine.capabilities.block_size
    return Table(
        title=f"Game of 24: tree searches, KV blocks of {size or 16} tokens",
        headers=_HEADERS,
        rows=[_cells(row) for row in rows],
        notes=_NOTES,
        data={
            "searches": [
                {
                    "search": row.setting.name,
                    "width": row.setting.width,
                    "puzzles": len(row.came),
                    **{name: asdict(figure) for name, figure in row.figures.items()},
                }
                for row in rows
            ]
        },
    )


def _cells(row: Row) -> list[str]:
    figures = row.figures
    return [
        row.setting.name,
        str(row.setting.width),
        str(len(row.came)),
        rate(figures["solved"]),
        rate(figures["found"]),
        mean(figures["blocks"], digits=1),
        mean(figures["peak"], digits=1),
        mean(figures["tokens"]),
        mean(figures["critical_path"]),
    ]


def proposals(rows: Sequence[Row], puzzles: Sequence[Puzzle]) -> Table:
    """What the proposer does where it can do right, in the searches that nothing guides."""
    row = _last(rows, SAMPLED)
    told, data = [], []
    for depth in range(1, _MOVES + 1):
        moves = [[m for m in one.moves if m.depth == depth and m.led_on] for one in row.came]
        share = _share(moves, lambda move: move.leads_on)
        if share is not None:
            told.append([str(depth), f"{sum(map(len, moves)):,}", rate(share)])
            data.append({"depth": depth, "moves": sum(map(len, moves)), "good": asdict(share)})
    chance = fmean(
        fmean(within_reach(m.after(p.left), p.target) for m in legal_moves(p.left)) for p in puzzles
    )
    return Table(
        title="Game of 24: moves that keep 24 within reach, of those proposed where it was",
        headers=("move", "n", "good %"),
        rows=told,
        notes=(
            f"Of the searches by {SAMPLED} at width {row.setting.width}. Of all legal first moves "
            f"{100 * chance:.1f} % are good.",
        ),
        data={"moves": data, "chance": chance},
    )


def judgement(rows: Sequence[Row]) -> Table:
    """What judges say of moves, at once and after looking ahead."""
    at_once = _last(rows, AT_ONCE_BY)
    width = at_once.setting.width
    (looked_ahead,) = (
        row for row in rows if (row.setting.name, row.setting.width) == (JUDGED_BY, width)
    )
    judges = {"at once": at_once, "looked ahead": looked_ahead}
    told, data = [], []
    for judge, row in judges.items():
        for depth in range(1, _MOVES + 1):
            moves = [
                [m for m in one.moves if m.depth == depth and m.score is not None]
                for one in row.came
            ]
            good = [[m for m in several if m.leads_on] for several in moves]
            bad = [[m for m in several if not m.leads_on] for several in moves]
            figures = {
                "right": _share(moves, lambda m: _says_yes(m) == m.leads_on),
                "yes_to_good": _share(good, _says_yes),
                "no_to_bad": _share(bad, lambda m: not _says_yes(m)),
            }
            counts = [sum(map(len, good)), sum(map(len, bad))]
            told.append(
                [judge, str(depth), *(f"{n:,}" for n in counts), *map(rate, figures.values())]
            )
            data.append(
                {
                    "judge": judge,
                    "depth": depth,
                    "good": counts[0],
                    "bad": counts[1],
                    **{name: share and asdict(share) for name, share in figures.items()},
                }
            )
    return Table(
        title="Game of 24: verdicts on moves as searches make them",
        headers=("judge", "move", "good", "bad", "right %", "yes to good %", "no to bad %"),
        rows=told,
        notes=(
            f"Of the searches by {JUDGED_BY} at width {width}. A verdict is yes where that is likelier than no. Shares "
            "are means over puzzles.",
        ),
        data={"verdicts": data},
    )


def _says_yes(move: Taken) -> bool:
    return move.score is not None and move.score > 0.5


def _share(puzzles: Sequence[Sequence[Taken]], what: Callable[[Taken], bool]) -> Estimate | None:
    """The mean over the puzzles that have such moves."""
    shares = [fmean(map(what, moves)) for moves in puzzles if moves]
    return interval.rate(shares) if shares else None


def _last(rows: Sequence[Row], name: str) -> Row:
    """The widest search of this name."""
    return next(row for row in reversed(rows) if row.setting.name == name)
