"""How much memory a device has left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch

_MACHINE = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


def free_bytes(device: torch.device) -> int:
    """What can be allocated there now."""
    if device.type != "cuda":
        return int(min(_left_on_machine(), _left_in_container()))
    free, _ = torch.cuda.mem_get_info(device)
    # What torch holds and does not use counts as taken there.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + kept)


def _left_on_machine() -> int:
    """All of its memory where it does not tell what is free, as a Mac."""
    if _MACHINE.exists():
        return _numbers(_MACHINE)["MemAvailable:"] * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _left_in_container() -> float:
    """Infinite where this is none (cgroup v2), or one without a limit."""
    try:
        limit = (_CONTAINER / "memory.max").read_text().strip()
        used = int((_CONTAINER / "memory.current").read_text())
        files = _numbers(_CONTAINER / "memory.stat")
    except OSError:
        return float("inf")
    # Files that were read, such as the weights, are forgotten when there is need.
    kept = files.get("active_file", 0) + files.get("inactive_file", 0)
    return float("inf") if limit == "max" else max(int(limit) - used + kept, 0)


def _numbers(path: Path) -> Mapping[str, int]:
    """The second word of each line by the first."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines}
