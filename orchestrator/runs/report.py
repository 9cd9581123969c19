"""What there is to say about a run: for a person as facts and tables, for a program as JSON data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..events import SCHEMA_VERSION
from .run_record import RunRecord
from .text_table import TextTable
from .words import calls, duration, in_states, recap, short

_WIDEST = 300


def facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """What a run is and how far it has come, each with its name."""
    statistics = record.view.statistics()
    yield "run", str(record.path)
    yield "state", _state(record)
    yield "question", short(record.question, _WIDEST)
    yield "model", record.view.model
    yield "nodes", in_states(statistics.nodes)
    yield "calls", calls(statistics)
    yield "", recap(statistics)
    yield (
        "tokens",
        f"{statistics.prompt_tokens:,} prompt, {statistics.generated_tokens:,} generated",
    )
    yield "answer", short(record.answer or "", _WIDEST)
    yield "reason", short(record.reason, _WIDEST)
    yield "remark", short(record.remark, _WIDEST)


def tables(record: RunRecord, most: int) -> Iterator[TextTable]:
    """What goes on, what failed and what waits, `most` rows each; of what goes on the oldest come first."""
    view, now = record.view, record.now
    # Of a run that nobody works on, it is what was going on when it stopped.
    running, how_long = ("running", "for ") if record.holder else ("was running", "for at least ")
    yield _table(
        (f"node {running}", how_long, "tokens ", "what"),
        [
            (node.id, duration(node.age(now)), f"{node.tokens + node.streamed:,}", node.what)
            for node in view.running.values()
        ],
        most,
    )
    yield _table(
        (f"call {'open' if record.holder else 'was open'}", how_long, "path"),
        [(call.node, duration(call.age(now)), call.path) for call in view.calls.values()],
        most,
    )
    failed = [(node.id, node.reason) for node in view.failed.values()]
    yield _table(("node failed", "reason"), failed, most)
    waiting = [(node.id, node.what) for node in view.nodes.values() if node.state == "waiting"]
    yield _table(("node waiting", "what"), waiting, most)


def data(record: RunRecord) -> dict[str, Any]:
    """All of it as JSON data; times are in seconds."""
    view, now = record.view, record.now
    statistics = view.statistics()
    return {
        "schema_version": SCHEMA_VERSION,
        **outline(record),
        "folder": str(record.path),
        "pid": None if record.holder is None else record.holder.pid,
        "model": view.model,
        "answer": record.answer,
        "reason": record.reason,
        "remark": record.remark,
        "nodes": dict(statistics.nodes),
        "calls": {
            "open": statistics.calls_open,
            "finished": statistics.calls_finished,
            "broken": statistics.calls_broken,
            "replayed": statistics.calls_replayed,
        },
        "notices": dict(statistics.notices),
        "running_nodes": [
            {"node": node.id, "what": node.what, "seconds": round(node.age(now), 3)}
            for node in view.running.values()
        ],
        "running_calls": [
            {"node": call.node, "path": call.path, "seconds": round(call.age(now), 3)}
            for call in view.calls.values()
        ],
        "waiting_nodes": [node.id for node in view.nodes.values() if node.state == "waiting"],
        "failed_nodes": [{"node": node.id, "reason": node.reason} for node in view.failed.values()],
    }


def outline(record: RunRecord) -> dict[str, Any]:
    """The run in a few fields, as a list of runs has them."""
    statistics = record.view.statistics()
    return {
        "name": record.path.name,
        "state": record.state,
        "question": record.question,
        "started": record.started.isoformat(),
        "seconds": round(record.seconds, 3),
        "nodes_ended": statistics.nodes_ended,
        "nodes_planned": len(record.view.nodes),
        "prompt_tokens": statistics.prompt_tokens,
        "generated_tokens": statistics.generated_tokens,
    }


def _state(record: RunRecord) -> str:
    if record.holder is not None:
        return f"running for {duration(record.seconds)} in process {record.holder.pid}"
    after = f"{record.state} after {duration(record.seconds)}"
    if record.state == "interrupted":
        # How much longer it went on, nobody knows.
        after = f"interrupted; its last event came after {duration(record.seconds)}"
    if record.state == "ok" and not record.remark:
        return after
    if record.state == "deferred":
        return f"{after}; {record.going_on_with_results}"
    return f"{after}; go on with {record.going_on}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: int) -> TextTable:
    more = len(rows) - most
    return TextTable(head=head, rows=rows[:most], note=f"… and {more:,} more" if more > 0 else "")
