"""An evaluation as its folder tells it: what reports, comparisons and graders read.

runs/NAME/   config.yaml     what was asked: tasks, where their problems are from, the system, k
             env.json        versions and flags
             problems.jsonl  the problems as they were put, a row each
             samples.jsonl   what was generated, a row a sample, added to while it runs
             grades.jsonl    what was thought of it, written whole
             metrics.json    the figures
             events.jsonl, journal.sqlite, lock   as every run has them

A sweep's folder has those of its systems, and sweep.json, which says in which order they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..problem import Problem
from .rows import Grade, Key, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One system on some tasks.

    Attributes:
        path: The run folder.
        configuration: What was asked, as `config.yaml` says it.
        problems: The problems of each task, in their order.
        samples: What was generated; of a sample that was done again, the last.
        grades: What was thought of it; empty where nobody has graded yet.
    """

    path: Path
    configuration: Mapping[str, Any]
    problems: Mapping[str, Sequence[Problem]]
    samples: Mapping[Key, Sample]
    grades: Mapping[Key, Grade]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def system(self) -> str:
        """What was measured, in words."""
        return str(self.configuration.get("system", self.name))

    @property
    def model(self) -> str:
        """The model's name in short: of a folder the last part of its path. Empty where nobody says."""
        name = str(self.configuration.get("model") or "").rstrip("/")
        is_path = name.startswith((".", "/", "~")) or name.count("/") > 1
        return name.rpartition("/")[2] if is_path else name

    @property
    def places(self) -> Mapping[str, str]:
        """Where each task is found: by its name, or as MODULE:NAME. None of those of which nobody says so."""
        options = self.configuration.get("options") or {}
        return dict(
            zip(self.configuration.get("tasks", ()), options.get("tasks", ()), strict=False)
        )

    @property
    def k(self) -> int:
        """How many samples of each problem were asked for."""
        return int(self.configuration.get("k", 1))
