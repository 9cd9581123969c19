"""Where a report goes, and that nothing else is lost by it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.whole_file import MadeFile

MADE_BY = "forkjoin report"
"""What every report says of itself at its beginning, so that it is known for one."""

REPORT = MadeFile(kind="report of forkjoin's", mark=MADE_BY, option="-o")
"""A report as a file."""

DEFAULT = "report.html"


def default_place(runs: Sequence[Path]) -> Path:
    """Where a page goes if nobody says: into the folder that was asked for, or here if several were."""
    return runs[0] / DEFAULT if len(runs) == 1 else Path(DEFAULT)
