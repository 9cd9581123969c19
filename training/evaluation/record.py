"""What has been measured, in `OUT/evaluation.json`: whose weights, and of each part and model the tables.

    {"weights": {"trained": "..."},
     "parts": {"products": {"trained": {"asked": {...}, "engine": "...", "tables": [...]}}}}

All of it is of the same weights, known by what they are and not by where they lie. A part that is there as it is asked
for is not measured again. It does not know what is in a table.
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
        self._weights, self._parts = _read(folder / FILE)

    def has(self, part: str, options: Options) -> bool:
        """Whether a part was measured with these options."""
        known = self._parts.get(part, {}).get(options.model)
        return known is not None and known["asked"] == _asked(options)

    def check(self, model: str, weights: str) -> None:
        """Refuses to take figures of other weights for those of a model, or to put its own beside them.

        Args:
            model: `trained` or `plain`.
            weights: What it is now, as `weights_of` tells it.

        Raises:
            UsageError: What is here was made of others.
        """
        known = self._weights.get(model, weights)
        if known != weights:
            raise UsageError(
                f"what is in {self._folder} was measured with the {model} model {known}, and this is {weights}: choose "
                f"another --out, or take the folder away"
            )

    def begin(self, model: str, weights: str) -> None:
        """Notes, before anything is measured, that all of a model that will be here is of these weights.

        Raises:
            UsageError: What is here was made of others.
            RunFolderError: It cannot be written.
        """
        self.check(model, weights)
        self._weights[model] = weights
        self._write()

    @property
    def weights(self) -> Mapping[str, str]:
        """What was measured, by the models: as `weights_of` tells it."""
        return self._weights

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
        self._write()

    def tables(self, parts: Sequence[str], models: Sequence[str]) -> Iterator[Table]:
        """The tables of some parts: of each those of the last of these models that it has been measured with."""
        for part in parts:
            known = [model for model in models if model in self._parts.get(part, {})]
            for table in self._parts[part][known[-1]]["tables"] if known else ():
                yield Table(**table)

    def engines(self, parts: Sequence[str], models: Sequence[str]) -> Mapping[str, str]:
        """The fingerprints of the engines that parts were measured on, by the models; several where they differ."""
        told: dict[str, dict[str, None]] = {}
        for model in models:
            for part in parts:
                if model in self._parts.get(part, {}):
                    told.setdefault(model, {})[self._parts[part][model]["engine"]] = None
        return {model: ", ".join(engines) for model, engines in told.items()}

    def _write(self) -> None:
        write_json(self._folder, FILE, {"weights": self._weights, "parts": self._parts})


def _read(file: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    try:
        data = json.loads(file.read_bytes())
        parts = {part: dict(models) for part, models in data["parts"].items()}
        return dict(data["weights"]), parts
    except FileNotFoundError:
        return {}, {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{file} is no record of an evaluation: move it away, or choose another --out"
        ) from None


def _asked(options: Options) -> Mapping[str, Any]:
    return {
        "problems": options.problems,
        "samples": options.samples,
        "seed": options.seed,
    }
