"""The checksums that lie beside an adapter's files, in the format of `sha256sum`. A safetensors file has none."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UsageError
from ..kept_folder import checksum
from .adapter import CONFIG, TENSORS, LoraAdapter, read_adapter

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def write_checksums(folder: Path) -> None:
    """Writes the checksums of an adapter that is complete; `sha256sum --check SHA256SUMS` reads them too."""
    lines = [f"{checksum(folder / name)}  {name}\n" for name in (CONFIG, TENSORS)]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def read_checked(folder: Path) -> LoraAdapter:
    """Reads an adapter, and compares it with its checksums where they lie beside it.

    Raises:
        UsageError: It is no adapter that can be used; or its files or its checksums are damaged.
    """
    adapter = read_adapter(folder)
    if (folder / SUMS).exists():
        check_checksums(adapter)
    return adapter


def check_checksums(adapter: LoraAdapter) -> None:
    """Compares an adapter's files, as they were read, with the checksums beside them.

    Raises:
        UsageError: The checksums are missing or damaged, or are not those of the files.
    """
    path = adapter.folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    sums = {found[2]: found[1] for found in map(_LINE.fullmatch, lines) if found}
    for name, found in adapter.checksums.items():
        if name not in sums:
            raise UsageError(f"{path} is damaged: it has no checksum of {name}")
        if found != sums[name]:
            raise UsageError(
                f"{adapter.folder / name} is damaged: its checksum is not that of {SUMS}"
            )
