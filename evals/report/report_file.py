"""Where a report goes, and that nothing else is lost by it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engines import UsageError
from orchestrator import RunFolderError

MADE_BY = "forkjoin report"
"""What every report says of itself at its beginning, so that it is known for one."""

DEFAULT = "report.html"

# The mark stands in the first lines, whatever the title is.
_BEGINNING = 1024


def default_place(runs: Sequence[Path]) -> Path:
    """Where a page goes if nobody says: into the folder that was asked for, or here if several were."""
    return runs[0] / DEFAULT if len(runs) == 1 else Path(DEFAULT)


def check_place(path: Path) -> None:
    """Says early that a report cannot go there.

    Raises:
        UsageError: What is there is no report.
        RunFolderError: The place cannot be read or written.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise RunFolderError(
                f"there is no folder {path.parent}: make it, or choose another with -o"
            ) from None
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    if beginning and MADE_BY.encode() not in beginning:
        raise UsageError(
            f"{path} is no report of forkjoin's, and is left as it is: move it, or choose another file with -o"
        )


def write_report(path: Path, text: str) -> None:
    """Writes a report as a whole, in the place of the one before.

    Raises:
        RunFolderError: It cannot be written.
    """
    scratch = path.with_name(f".{path.name}.part")
    try:
        try:
            scratch.write_text(text, encoding="utf-8", errors="replace", newline="")
            os.replace(scratch, path)
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"the report {path} cannot be written: {error.strerror or error}; choose another file with -o"
    )
