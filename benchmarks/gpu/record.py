"""What has been measured so far, in `OUT/gpu.json`: of each model the figures of each part, and the machine.

    {"models": {"qwen3-8b": {"parts": {"forks": {"machine": "...", "seconds": 41.0, "figures": [...]}}}}}

A part that is measured again takes the place of what was there. It does not know what is in a figure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator.runs.run_folder import folder_errors, write_json

from .figure import Figure, markdown

FILE = "gpu.json"


class Record:
    """All figures in one folder.

    Args:
        folder: Where its file is, or will be.

    Raises:
        UsageError: The file is no record.
        RunFolderError: It cannot be read, or the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = folder / FILE
        with folder_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            text = path.read_bytes() if path.exists() else b'{"models": {}}'
        try:
            self._models: dict[str, Any] = json.loads(text)["models"]
            self.tables()
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} holds no figures: choose another --out") from error

    def put(
        self, model: str, machine: str, part: str, seconds: float, figures: Sequence[Figure]
    ) -> None:
        """Keeps what a part found, at once.

        Raises:
            TypeError: A figure holds what is no JSON; nothing is kept of the part.
        """
        found = {
            "machine": machine,
            "seconds": round(seconds, 1),
            "figures": [figure.to_json() for figure in figures],
        }
        kept = json.loads(json.dumps(found))
        self._models.setdefault(model, {"parts": {}})["parts"][part] = kept
        write_json(self._folder, FILE, {"models": self._models})

    def tables(self) -> list[str]:
        """A title and a table for each model."""
        return [
            f"{model} ({_machines(known['parts'])})\n\n{markdown(_rows(known['parts']))}"
            for model, known in self._models.items()
        ]


def _machines(parts: dict[str, Any]) -> str:
    """Mostly one; how busy it was is left out."""
    return "; ".join({known["machine"].partition(", load ")[0]: None for known in parts.values()})


def _rows(parts: dict[str, Any]) -> list[list[str]]:
    return [
        [part, *Figure.from_json(figure).cells()]
        for part, known in parts.items()
        for figure in known["figures"]
    ]
