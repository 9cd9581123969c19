"""Run folders that are there for a while: what a run that waits for a client's calls needs to go on.

At most so many are kept; the oldest go first, but for those that somebody works on. It does not know what is in them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ...runs.run_lock import lock_holder

_MOST = 1000


class TemporaryRuns:
    """A folder for run folders, which is made when it is wanted and removed in the end.

    Args:
        most: How many runs are kept, beside the one that begins.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def folder(self) -> Path:
        """The folder, with room for one more run."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="forkjoin-")
        place = Path(self._folder.name)
        # Their names begin with the time.
        runs = sorted(place.iterdir(), key=lambda run: run.name)
        for run in runs[: max(0, len(runs) - self._most)]:
            if lock_holder(run) is None:
                shutil.rmtree(run)
        return place

    def remove(self) -> None:
        """Removes all of it. A second call does nothing."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
