"""Reads a plan from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from .errors import PlanFileError
from .plan import Plan


def read_plan(path: str | Path) -> Plan:
    """The plan in a JSON file.

    Raises:
        PlanFileError: The file cannot be read or holds no plan.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanFileError(f"the plan {path} cannot be read: {error}") from error
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PlanFileError(
            f"{path} is no plan: {place}: {first['msg']}; docs/architecture.md shows the format"
        ) from None
