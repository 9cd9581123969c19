"""What a run may be given beside its question: the same for `run`, `run_sync`, `stream` and `resume`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

from .events import Subscriber
from .history import History


class CommonOptions(TypedDict, total=False):
    """What every run may be given.

    Attributes:
        dependencies: What this run's tools get that ask for it; None takes the agent's.
        subscribers: Called with every event, at once.
        live: Whether they are told of tokens while these come, which costs a little.
        notes: What else the run folder's configuration should hold, as JSON data.
    """

    dependencies: Any
    subscribers: Sequence[Subscriber]
    live: bool
    notes: Mapping[str, Any] | None


class RunOptions(CommonOptions, total=False):
    """What a new run may be given.

    Attributes:
        history: The conversation that it goes on with: `result.history` of the run before.
    """

    history: History | None


class ResumeOptions(CommonOptions, total=False):
    """What a run that is gone on with may be given.

    Attributes:
        repeat: Nodes whose tools are called again though they had begun and may not be repeated.
        results: What came of calls that were deferred, by node: JSON data, or a `ToolError` where the call failed.
    """

    repeat: Collection[str]
    results: Mapping[str, Any]


def check_options(options: CommonOptions, known: Collection[str]) -> None:
    """Refuses options that are not known, as Python does with arguments.

    Raises:
        TypeError: There is one.
    """
    for name in options.keys() - set(known):
        raise TypeError(f"there is no option {name!r} here: choose from {', '.join(sorted(known))}")
