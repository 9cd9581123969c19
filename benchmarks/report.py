"""What every benchmark prints: the machine that it ran on, and tables."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """The machine and how busy it is, in one line."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {_processor()}, Linux {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, load {load()}"
    )


def load() -> str:
    """How many processes want a core now: over the last minute, five and fifteen."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with the first column to the left and the others to the right."""
    widths = [max(len(row[i]) for row in (headers, *rows)) for i in range(len(headers))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (headers, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
