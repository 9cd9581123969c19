"""How much memory a device has left."""

from __future__ import annotations

from pathlib import Path

import torch

_MEMORY = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int:
    """What can be allocated there now."""
    if device.type != "cuda":
        fields = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    free, _ = torch.cuda.mem_get_info(device)
    # What torch holds and does not use counts as taken there.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + kept)
