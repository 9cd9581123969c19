from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from engines.hogwild.model import memory

GIGABYTE = 1_000_000_000


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a gigabyte free, in a folder."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable: {GIGABYTE // 1000} kB\n")
    monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path)
    return tmp_path


def free() -> int:
    return memory.free_bytes(torch.device("cpu"))


def test_without_a_container_it_is_what_the_machine_has(machine: Path) -> None:
    assert free() == GIGABYTE // 1000 * 1024


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        ("500", 300, 250),
        ("500", 900, 0),
        ("max", 300, GIGABYTE // 1000 * 1024),
        (str(9 * GIGABYTE), 0, GIGABYTE // 1000 * 1024),
    ],
)
def test_a_container_s_limit_counts_without_the_files_that_were_read(
    machine: Path, limit: str, used: int, expected: int
) -> None:
    (machine / "memory.max").write_text(f"{limit}\n")
    (machine / "memory.current").write_text(f"{used}\n")
    (machine / "memory.stat").write_text("anon 200\nactive_file 20\ninactive_file 30\n")
    assert free() == expected


def test_a_machine_that_does_not_tell_what_is_free_has_all_of_its_memory(machine: Path) -> None:
    (machine / "meminfo").unlink()
    assert free() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
