"""What a picture shows of a run's configuration: these few things and no others, so that no secret is among them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CLASS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run from elsewhere than its events.

    Attributes:
        name: Its folder's.
        started: When it began, in ISO's format.
        question: What was asked.
        method: How threads think, where no node says otherwise.
        planner: Who plans.
        note: What a picture cannot show, such as texts without a journal.
    """

    name: str = ""
    started: str = ""
    question: str = ""
    method: str = ""
    planner: str = ""
    note: str = ""

    def data(self) -> dict[str, str]:
        """As JSON data, without the question, which events tell too."""
        return {
            "name": self.name,
            "started": self.started,
            "method": self.method,
            "planner": self.planner,
            "note": self.note,
        }


def facts_of(name: str, started: str, configuration: Mapping[str, Any]) -> RunFacts:
    """What may be shown of a configuration."""
    command = configuration.get("command")
    command = command if isinstance(command, dict) else {}
    # Whoever gives a plan has another planner than the option names, or would by default.
    planner = None if command.get("plan") else command.get("planner")
    return RunFacts(
        name=name,
        started=started,
        question=str(configuration.get("question") or ""),
        method=_named(command.get("method"), configuration.get("method")),
        planner=_named(planner, configuration.get("planner")),
    )


def _named(name: Any, described: Any) -> str:
    """A part by its name on the command line, or else its class: its options are not told."""
    if isinstance(name, str) and name:
        return name
    found = _CLASS.match(described) if isinstance(described, str) else None
    return found.group() if found else ""
