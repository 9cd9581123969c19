"""Programs in the place of the one that runs math-verify: they start at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning.equality import worker

STUB = f"""
import importlib.util, time
specification = importlib.util.spec_from_file_location("program", {str(worker._PROGRAM)!r})
program = importlib.util.module_from_spec(specification)
specification.loader.exec_module(program)

def compare(known, answer, *rest):
    while answer == "forever":
        pass
    if answer == "later":
        time.sleep(0.3)
    if answer == "huge":
        return bool([0] * 10**12)
    return None if answer == "unread" else known == answer

program.compare = compare
program._serve()
"""


def use(patch: pytest.MonkeyPatch, folder: Path, program: str = STUB) -> None:
    """Has workers that start from now on run another program."""
    place = folder / "program_of_test.py"
    place.write_text(program)
    patch.setattr(worker, "_PROGRAM", place)


def asking(known: str, answer: str, seconds: float = 60) -> dict[str, object]:
    """A request to it. It may work for long, since what it does may count what others take of its processor."""
    return {"known": known, "answer": answer, "seconds": seconds}
