"""How an adapter came to be: `training.json` beside its weights, of which its model card tells. It knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engines import UsageError
from orchestrator.runs.run_folder import write_json

FILE = "training.json"


class Practised(BaseModel):
    """How well a skill is mastered on fresh lessons, token by token after the right words.

    Attributes:
        skill: Its name.
        loss: The mean cross-entropy of its tokens.
        right: The share of tokens that are the most likely ones.
        tokens: How many were looked at.
    """

    model_config = ConfigDict(frozen=True)

    skill: str
    loss: float
    right: float
    tokens: int


class TrainingRecord(BaseModel):
    """A training, as far as it has come.

    Attributes:
        base: The model that was adapted.
        rank: Of the adapter.
        planned: Steps in all.
        steps: Steps that are done.
        rows: In each step.
        length: Tokens of each row.
        rate: The learning rate at its peak.
        seed: Of lessons and of the first weights.
        shares: How often each skill was drawn, beside the others.
        tokens: Of tries, that were computed; None where it was not counted.
        seconds: That all runs took.
        machine: What computed.
        packages: Versions of what it was made with.
        practised: How it does on fresh lessons, once all steps are done.
    """

    model_config = ConfigDict(frozen=True)

    base: str
    rank: int
    planned: int
    steps: int
    rows: int
    length: int
    rate: float
    seed: int
    shares: Mapping[str, float]
    tokens: int | None
    seconds: float
    machine: str
    packages: Mapping[str, str]
    practised: tuple[Practised, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record beside an adapter.

        Raises:
            UsageError: There is none, it cannot be read, or is damaged.
        """
        file = folder / FILE
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError as error:
            raise UsageError(
                f"{folder} has no {FILE}, which `python -m training train` writes beside its adapter: give that "
                f"folder, OUT/adapter, with all its files"
            ) from error
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first: Any = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"{file} is no record of a training: {place}: {first['msg']}"
            ) from error

    def write(self, folder: Path) -> None:
        """Puts it beside an adapter.

        Raises:
            RunFolderError: It cannot be written.
        """
        write_json(folder, FILE, self.model_dump())
