"""What has been measured so far, in `OUT/gpu.json`: of each model the machine, and the figures of each part.

    {"models": {"qwen3-8b": {"machine": "...", "parts": {"forks": {"seconds": 41.0, "figures": [...]}}}}}

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
            text = path.read_text(encoding="utf-8") if path.exists() else '{"models": {}}'
        try:
            self._models: dict[str, Any] = json.loads(text)["models"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} holds no figures: choose another --out") from error

    def put(
        self, model: str, machine: str, part: str, seconds: float, figures: Sequence[Figure]
    ) -> None:
        """Keeps what a part found, at once."""
        known = self._models.setdefault(model, {"machine": machine, "parts": {}})
        known["machine"] = machine
        known["parts"][part] = {
            "seconds": round(seconds, 1),
            "figures": [figure.to_json() for figure in figures],
        }
        write_json(self._folder, FILE, {"models": self._models})

    def tables(self) -> list[str]:
        """A title and a table for each model."""
        return [
            f"{model} ({known['machine']})\n\n{markdown(_rows(known['parts']))}"
            for model, known in self._models.items()
        ]


def _rows(parts: dict[str, Any]) -> list[list[str]]:
    return [
        [part, *Figure.from_json(figure).cells()]
        for part, known in parts.items()
        for figure in known["figures"]
    ]
