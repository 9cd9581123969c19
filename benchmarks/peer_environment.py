"""The environment that peers are installed in, so that theirs and ours do not get in each other's way.

It is made on first use from `peers.txt`, under an ignored folder, and made anew when that file changes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = Path(__file__).parent / "peers.txt"
FOLDER = ROOT / ".bench" / "peers"
_SECONDS_TO_INSTALL = 600


def peers_python() -> Path | None:
    """The interpreter that has the peers; None, after saying why, where it cannot be made."""
    python = FOLDER / "bin" / "python"
    # Written last: without it the environment is half-finished.
    stamp = FOLDER / "peers.txt"
    if stamp.is_file() and stamp.read_text() == PINS.read_text():
        return python
    print(f"installing {PINS.name} in {FOLDER.relative_to(ROOT)}", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        _run(sys.executable, "-m", "venv", str(FOLDER))
        _run(str(python), "-m", "pip", "install", "--quiet", "-r", str(PINS))
    except (OSError, subprocess.SubprocessError) as error:
        print(f"the peers cannot be installed, so they are left out: {_reason(error)}", flush=True)
        return None
    stamp.write_text(PINS.read_text())
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS_TO_INSTALL)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.strip().splitlines()
        return next((line for line in lines if "ERROR" in line), str(error))
    return str(error)
