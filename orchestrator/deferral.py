"""Calls that somebody outside makes: a run stops with them, and is gone on with when results are there.

    run ─> everything else ends ─> RunDeferred, with the calls ─> somebody makes them ─> resume(folder, results=...)

It knows neither tools nor plans nor files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredCall:
    """A call that somebody else has to make.

    Attributes:
        node: The node of the plan that waits for it, as `resume(results=...)` names it.
        tool: The tool.
        arguments: With results in them: JSON data.
    """

    node: str
    tool: str
    arguments: Mapping[str, Any]


class CallIsDeferred(Exception):
    """A node came to a call that somebody else has to make: no error, but how it ends for now.

    Attributes:
        call: The call.
    """

    def __init__(self, call: DeferredCall) -> None:
        self.call = call
        super().__init__(f"node {call.node!r} waits for {call.tool}")


def deferred_call(node: str, tool: str, arguments: Mapping[str, Any]) -> DeferredCall:
    """A call as it can be sent and kept: halves of characters, which models write at times, and infinities cannot."""
    text = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace")
    return DeferredCall(node=node, tool=tool, arguments=json.loads(text, parse_constant=_nothing))


def _nothing(constant: str) -> None:
    """What stands for a number that JSON does not know."""
