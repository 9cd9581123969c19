"""A file that is written whole or not at all, in the place of what was there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..errors import RunFolderError


def write_whole_file(path: Path, text: str) -> None:
    """Writes a text as a file.

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
        raise RunFolderError(
            f"{path} cannot be written: {error.strerror or error}; choose another file"
        ) from error
