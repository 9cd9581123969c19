"""What is done of a part, a line each in a file, so that a part that was stopped goes on where it was.

OUT/game24/trained REBASE 16.jsonl     {"asked": {"puzzle": "4 5 6 10", ...}, "came": {...}}

It does not know what is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from engines import UsageError
from orchestrator.runs.run_folder import cut_torn_line, folder_errors, line_of

T = TypeVar("T")


class Kept(Generic[T]):
    """What came of all that was asked, by what that was.

    Args:
        file: Where it is kept; made, with its folder, if it is not there.
        kind: What comes: a type that pydantic can write and read.

    Raises:
        UsageError: The file is damaged.
        RunFolderError: It cannot be read or written.
    """

    def __init__(self, file: Path, kind: type[T]) -> None:
        self._file = file
        self._written = TypeAdapter(kind)
        with folder_errors(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            cut_torn_line(file)
            lines = file.read_bytes().splitlines()
        try:
            rows = [json.loads(line) for line in lines]
            self._came = {
                _key(row["asked"]): self._written.validate_python(row["came"]) for row in rows
            }
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{file} is damaged: take it away, and it is measured again") from None

    def of(self, asked: Mapping[str, Any]) -> T | None:
        """What came of it; None if that is not there."""
        return self._came.get(_key(asked))

    def keep(self, asked: Mapping[str, Any], came: T) -> None:
        """Keeps what came of it, at once.

        Raises:
            RunFolderError: It cannot be written.
        """
        line = line_of({"asked": asked, "came": self._written.dump_python(came, mode="json")})
        with folder_errors(self._file.parent), self._file.open("ab") as file:
            file.write(line.encode())
        self._came[_key(asked)] = came


def _key(asked: Mapping[str, Any]) -> str:
    return json.dumps(asked, sort_keys=True)
