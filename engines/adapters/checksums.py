"""The checksums that lie beside an adapter's files, in the format of `sha256sum`. A safetensors file has none."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..kept_folder import checksum
from .adapter import CONFIG, TENSORS

SUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Writes the checksums of an adapter that is complete; `sha256sum --check SHA256SUMS` reads them too."""
    lines = [f"{checksum(folder / name)}  {name}\n" for name in (CONFIG, TENSORS)]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def check_checksums(folder: Path) -> None:
    """Compares an adapter's files with their checksums.

    Raises:
        UsageError: A file or its checksum is missing, or the two do not agree.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
        sums = {name: wanted for wanted, _, name in (line.partition("  ") for line in lines)}
        for name in (CONFIG, TENSORS):
            if checksum(folder / name) != sums.get(name):
                raise UsageError(f"{folder / name} is damaged: its checksum is not that of {SUMS}")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error
