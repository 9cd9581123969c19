"""What has been measured, in `OUT/evaluation.json`: of each part and model the tables, and what was asked.

    {"parts": {"products": {"trained": {"asked": {...}, "engine": "...", "tables": [...]}}}}

A part that is there as it is asked for is not measured again. It does not know what is in a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator.runs.run_folder import folder_errors, write_json

from .part import Options, Table

FILE = "evaluation.json"


class Record:
    """The figures of one evaluation of all parts.

    Args:
        folder: Where its file is, or will be.

    Raises:
        UsageError: The file is no record.
        RunFolderError: It cannot be read, or the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with folder_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._parts = _read(folder / FILE)

    def has(self, part: str, options: Options) -> bool:
        """Whether a part was measured with these options."""
        known = self._parts.get(part, {}).get(options.model)
        return known is not None and known["asked"] == _asked(options)

    def check(self, options: Options, engine: str) -> None:
        """Refuses to put figures of other weights beside those that are there.

        Args:
            options: Say which model it is.
            engine: The fingerprint of the engine that has it now.

        Raises:
            UsageError: The record has figures of another one.
        """
        for part, models in self._parts.items():
            known = models.get(options.model, {}).get("engine", engine)
            if known != engine:
                raise UsageError(
                    f"{self._folder / FILE} has figures of the {options.model} model {known} for {part}, and this is "
                    f"{engine}: choose another --out"
                )

    def put(self, part: str, options: Options, engine: str, tables: Sequence[Table]) -> None:
        """Keeps the tables of a part.

        Args:
            part: Its name.
            options: With which it was measured.
            engine: On what: the engine's fingerprint.
            tables: What came of it.

        Raises:
            RunFolderError: They cannot be written.
        """
        data = {
            "asked": _asked(options),
            "engine": engine,
            "tables": [table.to_json() for table in tables],
        }
        self._parts[part] = {**self._parts.get(part, {}), options.model: data}
        write_json(self._folder, FILE, {"parts": self._parts})

    def tables(self, parts: Sequence[str], models: Sequence[str]) -> Iterator[Table]:
        """The tables of some parts: of each those of the last of these models that it has been measured with."""
        for part in parts:
            known = [model for model in models if model in self._parts.get(part, {})]
            for table in self._parts[part][known[-1]]["tables"] if known else ():
                yield Table(**table)

    def engines(self, parts: Sequence[str], models: Sequence[str]) -> Mapping[str, str]:
        """The fingerprints of the engines that parts were measured on, by the models."""
        return {
            model: self._parts[part][model]["engine"]
            for model in models
            for part in parts
            if model in self._parts.get(part, {})
        }


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(file.read_bytes())
        return {part: dict(models) for part, models in data["parts"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{file} is no record of an evaluation: move it away, or choose another --out"
        ) from None


def _asked(options: Options) -> Mapping[str, Any]:
    return {
        "problems": options.problems,
        "samples": options.samples,
        "seed": options.seed,
        "weights": options.weights,
    }
