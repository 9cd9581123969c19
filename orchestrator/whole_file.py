"""Files that are written whole or not at all, in the place of what was there; and whether what is there may go.

run folders   write_whole_file                  all that is there is forkjoin's own
pages, traces MadeFile.check, MadeFile.write    the place is of somebody's choosing: only their like is replaced
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engines import UsageError

from .errors import RunFolderError

# The mark stands in the first lines, whatever else is in a file.
_BEGINNING = 4096


def write_whole_file(path: Path, text: str) -> None:
    """Writes a text as a file; what is no Unicode in it is replaced.

    Raises:
        OSError: It cannot be written.
    """
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(text, encoding="utf-8", errors="replace", newline="")
        os.replace(scratch, path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """What a command makes, at a place that it is given.

    Attributes:
        kind: What it is.
        mark: What every file of its kind has in its beginning.
        option: The one that gives the place.
    """

    kind: str
    mark: str
    option: str

    def check(self, path: Path) -> None:
        """Says early that it cannot go there.

        Raises:
            UsageError: Something else is there.
            RunFolderError: The place cannot be read or written.
        """
        try:
            with path.open("rb") as file:
                beginning = file.read(_BEGINNING)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise RunFolderError(
                    f"there is no folder {path.parent}: make it, or choose another with {self.option}"
                ) from None
            return
        except OSError as error:
            raise self._failure(path, error) from error
        if beginning and self.mark.encode() not in beginning:
            raise UsageError(
                f"{path} is no {self.kind}, and is left as it is: move it, or choose another file with {self.option}"
            )

    def write(self, path: Path, text: str) -> None:
        """Writes it, whole or not at all, in the place of the one before.

        Raises:
            UsageError: Something else is there.
            RunFolderError: The place cannot be read or written.
        """
        self.check(path)
        try:
            write_whole_file(path, text)
        except OSError as error:
            raise self._failure(path, error) from error

    def _failure(self, path: Path, error: OSError) -> RunFolderError:
        return RunFolderError(
            f"{path} cannot be written: {error.strerror or error}; choose another file with {self.option}"
        )
