"""A folder of files that are written once: whether they are still as they were written.

    record ──> forkjoin.json: size, time and SHA-256 of each file          damage ──> None, or what is wrong

A file of the size and the time recorded is taken for what it was, so that half a gigabyte need not be read at each
start; one of another time, such as a copy, is read once. Knows nothing of models.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

_RECORD = "forkjoin.json"
_SCHEMA = 1


def record(folder: Path) -> None:
    """Has the files written to the disk, and writes down what they are; the last step of writing the folder."""
    paths = sorted(path for path in folder.iterdir() if path.name != _RECORD)
    files = {path.name: _describe(path) for path in paths}
    _write_through(folder / _RECORD, json.dumps({"schema": _SCHEMA, "files": files}, indent=1))


def damage(folder: Path) -> str | None:
    """What is wrong with the folder; None if all its files are as they were written.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        recorded = json.loads((folder / _RECORD).read_bytes())
        if recorded["schema"] != _SCHEMA:
            return f"{_RECORD} is of another version"
        files: dict[str, Any] = recorded["files"]
        for name, wanted in files.items():
            if not _is_as_written(folder / name, wanted):
                return f"{name} is not as it was written"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, TypeError, KeyError, AttributeError):
        return f"{_RECORD} is damaged"
    return None


def _is_as_written(path: Path, wanted: dict[str, Any]) -> bool:
    found = path.stat()
    if found.st_size != wanted["size"]:
        return False
    if found.st_mtime_ns == wanted["modified"]:
        return True
    if checksum(path) != wanted["sha256"]:
        return False
    # Not to be read at the next start too, if the folder is ours to change.
    with contextlib.suppress(OSError):
        os.utime(path, ns=(found.st_atime_ns, wanted["modified"]))
    return True


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    found = path.stat()
    return {
        "size": found.st_size,
        "modified": found.st_mtime_ns,
        "sha256": checksum(path),
    }


def checksum(path: Path) -> str:
    """The SHA-256 of a file, as `sha256sum` writes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
