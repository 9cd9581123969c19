"""What the log of a vLLM process says of its end."""

from __future__ import annotations

import re
from pathlib import Path

_ERROR = re.compile(r"\b\w*(?:Error|Exception): \S.*")


def first_error(log: Path) -> str:
    """The first error in it, of which later ones come; empty if there is none."""
    found = _ERROR.search(log.read_text(errors="replace"))
    return found.group() if found else ""
