"""A run whose events are lost, told by its results: what was planned, how it ended, and nothing of when.

    plan.json     the nodes
    samples.jsonl how each ended
    metrics.json  the answer, and what it cost

It takes what there is, and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planners import Plan

from ..events import Event, NodeFinished, NodePlanned, RunFinished
from ..runs.run_record import check_version

SAMPLES = "samples.jsonl"


def events_of_results(folder: Path) -> Iterator[Event]:
    """Events of a run that has come to an answer.

    Raises:
        RunUnreadable: A newer version wrote them.
        OSError: They cannot be read.
    """
    try:
        nodes = Plan.model_validate(_data(folder / "plan.json")).nodes
    except ValueError:
        return
    yield from (NodePlanned(node=node) for node in nodes)
    ids = {node.id for node in nodes}
    for row in sample_rows(folder / SAMPLES):
        if row.get("id") in ids and (ended := _node_finished(row)) is not None:
            yield ended
    finished = _run_finished(_data(folder / "metrics.json"))
    if finished is not None:
        yield finished


def sample_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """What can be read of samples; nothing where there are none.

    Raises:
        RunUnreadable: A newer version wrote them.
        OSError: They cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            row = _loaded(line)
            if row:
                check_version(path.parent, row)
                yield row


def _node_finished(row: Mapping[str, Any]) -> NodeFinished | None:
    try:
        return NodeFinished(
            node=row["id"], status=row["status"], reason=row["reason"], result=row["result"]
        )
    except (ValueError, LookupError):
        return None


def _run_finished(metrics: Mapping[str, Any]) -> RunFinished | None:
    try:
        told = {name: metrics[name] for name in ("answer", "remark", "usage", "critical_path")}
        return RunFinished(status="ok", time=metrics["seconds"], **told)
    except (ValueError, LookupError):
        return None


def _data(path: Path) -> dict[str, Any]:
    """An object of JSON without its version; empty where there is none."""
    try:
        data = _loaded(path.read_bytes())
    except FileNotFoundError:
        return {}
    check_version(path.parent, data)
    data.pop("schema_version", None)
    return data


def _loaded(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
