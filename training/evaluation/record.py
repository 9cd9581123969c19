"""What has been measured, in `OUT/evaluation.json`: as it was asked for, whose weights, and the tables.

    {"asked": {"problems": 10, ...}, "weights": {"trained": "..."},
     "parts": {"products": {"trained": {"engine": "...", "tables": [...]}}}}

All of it is of the same problems, samples and weights, these known by what they are and not by where they lie. A part
that is there is not measured again. It does not know what is in a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engines import UsageError
from orchestrator.runs.run_folder import folder_errors, write_json

from .part import MODELS, Options, Table

FILE = "evaluation.json"
_OTHER = "choose another --out, or take the folder away"


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
        self._asked, self._weights, self._parts = _read(folder / FILE)

    def has(self, part: str, model: str) -> bool:
        """Whether a part was measured with a model."""
        return model in self._parts.get(part, {})

    def check_asked(self, options: Options) -> None:
        """Refuses to take figures of other problems or samples for those that are asked for.

        Raises:
            UsageError: What is here was asked for otherwise.
        """
        for name, wanted in options.asked.items():
            known = self._asked.get(name, wanted)
            if known != wanted:
                raise UsageError(
                    f"what is in {self._folder} was measured with --{name} {_told(known)}, and this is "
                    f"{_told(wanted)}: {_OTHER}"
                )

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
                f"what is in {self._folder} was measured with the {model} model {known}, and this is {weights}: "
                f"{_OTHER}"
            )

    def begin(self, options: Options, weights: str) -> None:
        """Notes, before anything is measured, of what all will be that is here of a model.

        Args:
            options: What is asked for.
            weights: Those of the model, as `weights_of` tells them.

        Raises:
            UsageError: What is here was asked for otherwise, or made of others.
            RunFolderError: It cannot be written.
        """
        self.check_asked(options)
        self.check(options.model, weights)
        self._asked = dict(options.asked)
        self._weights[options.model] = weights
        self._write()

    @property
    def weights(self) -> Mapping[str, str]:
        """What was measured, by the models: as `weights_of` tells it."""
        return self._weights

    def put(self, part: str, model: str, engine: str, tables: Sequence[Table]) -> None:
        """Keeps the tables of a part. Those of a later model go: they have been made without these beside them.

        Args:
            part: Its name.
            model: Which one was measured.
            engine: On what: the engine's fingerprint.
            tables: What came of it.

        Raises:
            RunFolderError: They cannot be written.
        """
        data = {"engine": engine, "tables": [table.to_json() for table in tables]}
        earlier = MODELS[: MODELS.index(model)]
        known = self._parts.get(part, {})
        self._parts[part] = {
            **{other: known[other] for other in earlier if other in known},
            model: data,
        }
        self._write()

    def tables(self, parts: Sequence[str]) -> Iterator[Table]:
        """The tables of some parts: of each those of the last model that it has been measured with."""
        for part in parts:
            known = [model for model in MODELS if self.has(part, model)]
            for table in self._parts[part][known[-1]]["tables"] if known else ():
                yield Table(**table)

    def engines(self, parts: Sequence[str]) -> Mapping[str, str]:
        """The fingerprints of the engines that parts were measured on, by the models; several where they differ."""
        told: dict[str, dict[str, None]] = {}
        for model in MODELS:
            for part in parts:
                if self.has(part, model):
                    told.setdefault(model, {})[self._parts[part][model]["engine"]] = None
        return {model: ", ".join(engines) for model, engines in told.items()}

    def _write(self) -> None:
        data = {"asked": self._asked, "weights": self._weights, "parts": self._parts}
        write_json(self._folder, FILE, data)


def _read(file: Path) -> tuple[dict[str, Any], dict[str, str], dict[str, dict[str, Any]]]:
    try:
        data = json.loads(file.read_bytes())
        parts = {part: dict(models) for part, models in data["parts"].items()}
        return dict(data["asked"]), dict(data["weights"]), parts
    except FileNotFoundError:
        return {}, {}, {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{file} is no record of an evaluation: move it away, or choose another --out"
        ) from None


def _told(value: int | None) -> str:
    return "as published" if value is None else str(value)
