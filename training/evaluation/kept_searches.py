"""Searches that are done, so that an evaluation that was stopped goes on after the last setting that it finished.

OUT/game24/trained REBASE 16.jsonl     a line for each puzzle: its name, the seed, and what came of it
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from engines import UsageError
from orchestrator.runs.run_folder import folder_errors, write_lines

from ..skills.games.puzzle import Puzzle
from .part import Options
from .puzzle_search import Searched, Setting, Taken

_PART = "game24"


def kept(setting: Setting, puzzles: Sequence[Puzzle], options: Options) -> list[Searched] | None:
    """What came of these puzzles; None if it is not there, or other puzzles are, or another seed.

    Raises:
        UsageError: The file is damaged.
        RunFolderError: It cannot be read.
    """
    file = options.out / _PART / _name(setting, options)
    with folder_errors(file.parent):
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        rows = [json.loads(line) for line in text.splitlines()]
        if [row["asked"] for row in rows] != [_asked(puzzle, options) for puzzle in puzzles]:
            return None
        return [_searched(row["came"]) for row in rows]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{file} is damaged: take it away, and it is measured again") from None


def keep(
    came: Sequence[Searched], setting: Setting, puzzles: Sequence[Puzzle], options: Options
) -> None:
    """Keeps what came of these puzzles.

    Raises:
        RunFolderError: It cannot be written.
    """
    folder = options.out / _PART
    with folder_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "asked": _asked(puzzle, options),
            # Some hundred moves of a search are one line so.
            "came": asdict(one) | {"moves": [astuple(move) for move in one.moves]},
        }
        for puzzle, one in zip(puzzles, came, strict=True)
    ]
    write_lines(folder, _name(setting, options), rows)


def _searched(came: dict[str, Any]) -> Searched:
    names = Taken.__slots__
    moves = [Taken(**dict(zip(names, move, strict=True))) for move in came["moves"]]
    return Searched(**came | {"moves": moves})


def _asked(puzzle: Puzzle, options: Options) -> Mapping[str, Any]:
    return {"puzzle": puzzle.problem.id, "seed": options.seed}


def _name(setting: Setting, options: Options) -> str:
    return f"{options.model} {setting.name} {setting.width}.jsonl"
