"""What may be resumed with what: the settings of the run as it was begun, against those of now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from engines import UsageError

from .agent_settings import AgentSettings
from .errors import ToolError
from .journal import FAILURES, GivenResult
from .tools.data import as_data

if TYPE_CHECKING:
    from .runs.run_record import RunRecord


def check_same(begun: RunRecord, settings: AgentSettings) -> None:
    """Refuses to go on with other settings than those that decided what is there.

    Raises:
        UsageError: With the first setting that differs.
    """
    for name, now in settings.describe().items():
        before = begun.configuration.get(name)
        if before != now:
            raise UsageError(
                f"the run {begun.path} was begun with another {name.replace('_', ' ')}: {before!r}, not {now!r}: "
                f"resume it with that one, or start a new run"
            )


def check_nodes(begun: RunRecord, names: Collection[str]) -> None:
    """Refuses names that no node of the run has.

    Raises:
        UsageError: With the first such name.
    """
    known = begun.view.nodes
    for name in names:
        # What follows a slash is a node of a run inside the node.
        if name.partition("/")[0] not in known:
            raise UsageError(
                f"the run {begun.path} has no node {name!r}: its nodes are {', '.join(known) or 'not planned yet'}"
            )


def given_results(begun: RunRecord, results: Mapping[str, Any]) -> list[GivenResult]:
    """What came of deferred calls, with the calls.

    Args:
        begun: The run that has asked for them, now or before it was resumed.
        results: By node: JSON data, or a `ToolError`.

    Raises:
        UsageError: The run has not asked for such a call, or a result is no data.
    """
    asked = begun.view.asked
    given = []
    for node, result in results.items():
        if node not in asked:
            raise UsageError(
                f"the run {begun.path} has asked for no result of node {node!r}: it has for "
                f"{', '.join(asked) or 'none'}"
            )
        call, failed = asked[node], isinstance(result, ToolError)
        try:
            kept = as_data(str(result) if failed else result, f"node {node!r}").value
        except ToolError as error:
            raise UsageError(f"no result can be kept: {error}") from None
        given.append(
            GivenResult(
                node=node, tool=call.tool, arguments=call.arguments, result=kept, failed=failed
            )
        )
    return given


def raised_limits(begun: RunRecord, settings: AgentSettings) -> frozenset[str]:
    """What may be done again, though it has an end: what a lower limit cut, and what failed where the run ended."""
    before: Mapping[str, Any] = begun.configuration.get("budget") or {}
    now = settings.limits()["budget"]
    raised = {
        name
        for name, old in before.items()
        if old is not None and (now.get(name) is None or now[name] > old)
    }
    # A run that was stopped takes the same way again; whoever resumes one that came to an end wants what it lacks.
    end = begun.view.end
    if end is not None and end.status in ("ok", "failed"):
        raised.add(FAILURES)
    return frozenset(raised)
