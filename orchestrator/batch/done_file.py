"""What the output of a finished batch was made of: `OUT.jsonl.done`, one line of JSON beside the output.

So a finished batch is known again, and neither another one's output nor a file of another origin is taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import BatchFileError, BatchUnusable
from ..whole_file import write_whole_file
from .output_files import OutputFiles
from .work_file import SCHEMA_VERSION, check_head


def write_done(files: OutputFiles, head: Mapping[str, Any], engine: str) -> None:
    """Keeps what identifies the output that has just been written.

    Args:
        files: The batch's.
        head: What it worked on, and with what.
        engine: The fingerprint of who answered; empty if nobody was asked.

    Raises:
        BatchFileError: It cannot be written.
    """
    data = {"schema_version": SCHEMA_VERSION, **head, "engine": engine}
    try:
        data["size"] = files.answers.stat().st_size
        write_whole_file(files.done, json.dumps(data) + "\n")
    except OSError as error:
        raise BatchFileError(
            f"{files.done} cannot be written: {error.strerror or error}: the same command, without --again, goes on"
        ) from error


def check_done(files: OutputFiles, head: Mapping[str, Any]) -> str:
    """Refuses an output that is not of this batch; returns the fingerprint of who answered.

    Raises:
        BatchUnusable: With what differs.
    """
    if not files.done.exists():
        found = next(path for path in (files.answers, files.errors) if path.exists())
        raise BatchUnusable(
            f"{found} is there, and {files.done}, which a finished batch leaves, is not: choose another -o, or write "
            f"over it with --again"
        )
    try:
        record = files.done.read_bytes()
        size = files.answers.stat().st_size
    except OSError as error:
        raise BatchUnusable(f"{files.done} cannot be read: {error.strerror or error}") from error
    found_head = check_head(files.done, record, head)
    if found_head.get("size") != size:
        raise BatchUnusable(
            f"{files.answers} is not as its batch has left it: choose another -o, or write over it with --again"
        )
    return str(found_head.get("engine", ""))
