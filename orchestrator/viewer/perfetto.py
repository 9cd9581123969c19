"""A picture as a trace for ui.perfetto.dev, in the Trace Event Format: one track a node, with its calls on it. Pure.

    process "plan"      a track a node: its span, and its calls, those at the same time on tracks beneath
    flows               from the end of what a node needed to its beginning
    counters            tokens in flight, calls open

Times are microseconds since the run began.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..whole_file import MadeFile

TRACE = MadeFile(kind="trace", mark='"traceEvents"', option="--perfetto")
"""Where a trace goes as a file."""

_PROCESS = 1
_SHORTEST = 1
Event = dict[str, Any]


def trace_of(picture: Mapping[str, Any]) -> dict[str, Any]:
    """The trace of a picture, as JSON data."""
    run = picture["run"]
    now = float(run["seconds"])
    calls: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for call in picture["calls"]:
        calls[call["node"]].append(call)
    events = [_named("process_name", 0, run["name"] or "run")]
    track, ends = 0, dict[str, tuple[int, Mapping[str, Any]]]()
    for node in sorted(picture["nodes"], key=_place_in_time):
        if node["start"] is None:
            continue
        track += 1
        ends[node["id"]] = track, node
        events += [_named("thread_name", track, _title(node)), _sorted(track)]
        events.append(_slice(track, _title(node), node, now, _node_facts(node)))
        for lane in _lanes(calls[node["id"]], now):
            track += 1
            events += [_named("thread_name", track, f"{node['id']} calls"), _sorted(track)]
            events += [_slice(track, call["thread"], call, now, _call_facts(call)) for call in lane]
    events += _flows(ends, now)
    events += _counters(picture["calls"], now)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "run": run["name"],
            "question": run["question"],
            "model": run["model"],
            "started": run["started"],
        },
    }


def _place_in_time(node: Mapping[str, Any]) -> tuple[float, int, int]:
    return (node["start"] or 0.0, node["layer"], node["place"])


def _title(node: Mapping[str, Any]) -> str:
    return f"{node['id']} {node['label']}" if node["label"] != node["id"] else str(node["id"])


def _slice(
    track: int, name: str, entity: Mapping[str, Any], now: float, facts: Mapping[str, Any]
) -> Event:
    start, end = _micros(entity["start"]), _micros(_end(entity, now))
    return {
        "ph": "X",
        "pid": _PROCESS,
        "tid": track,
        "ts": start,
        "dur": max(_SHORTEST, end - start),
        "name": name,
        "cat": entity.get("kind", "call"),
        "args": dict(facts),
    }


def _node_facts(node: Mapping[str, Any]) -> Event:
    keys = ("state", "reason", "what", "critical", "calls", "cached_share")
    return {**{key: node[key] for key in keys}, **node["usage"]}


def _call_facts(call: Mapping[str, Any]) -> Event:
    notices = [f"{notice['what']}: {notice['reason']}" for notice in call["notices"]]
    keys = ("id", "state", "limited_by", "replayed", "workers")
    return {**{key: call[key] for key in keys}, "notices": notices, **call["usage"]}


def _lanes(calls: Sequence[Mapping[str, Any]], now: float) -> list[list[Mapping[str, Any]]]:
    """Calls on as few tracks as may be: on one track none begins before the one before has ended."""
    lanes: list[list[Mapping[str, Any]]] = []
    free: list[tuple[int, int]] = []
    for call in sorted(calls, key=lambda call: (call["start"], call["id"])):
        start = _micros(call["start"])
        if free and free[0][0] <= start:
            lane = heapq.heappop(free)[1]
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(call)
        heapq.heappush(free, (max(start + _SHORTEST, _micros(_end(call, now))), lane))
    return lanes


def _flows(ends: Mapping[str, tuple[int, Mapping[str, Any]]], now: float) -> Iterator[Event]:
    number = 0
    for track, node in ends.values():
        for need in node["depends"]:
            if need not in ends:
                continue
            number += 1
            before, needed = ends[need]
            common = {"pid": _PROCESS, "id": number, "name": "needs", "cat": "needs"}
            # Within its slice, so that the arrow is bound to it.
            start, end = _micros(needed["start"]), _micros(_end(needed, now))
            yield {**common, "ph": "s", "tid": before, "ts": max(start, end - _SHORTEST)}
            begin = _micros(node["start"])
            yield {**common, "ph": "f", "bp": "e", "tid": track, "ts": max(begin, end - _SHORTEST)}


def _counters(calls: Iterable[Mapping[str, Any]], now: float) -> Iterator[Event]:
    """Calls that are open, and the tokens that they have sent and will have got: what the engine holds."""
    steps: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for call in calls:
        usage = call["usage"]
        tokens = usage["prompt_tokens"] + usage["generated_tokens"]
        for at, sign in ((call["start"], 1), (_end(call, now), -1)):
            step = steps[_micros(at)]
            step[0] += sign
            step[1] += sign * tokens
    open_calls = in_flight = 0
    for at in sorted(steps):
        open_calls += steps[at][0]
        in_flight += steps[at][1]
        common = {"ph": "C", "pid": _PROCESS, "tid": 0, "ts": at}
        yield {**common, "name": "calls open", "args": {"calls": open_calls}}
        yield {**common, "name": "tokens in flight", "args": {"tokens": in_flight}}


def _named(what: str, track: int, name: str) -> Event:
    return {"ph": "M", "pid": _PROCESS, "tid": track, "name": what, "args": {"name": name}}


def _sorted(track: int) -> Event:
    return {
        "ph": "M",
        "pid": _PROCESS,
        "tid": track,
        "name": "thread_sort_index",
        "args": {"sort_index": track},
    }


def _end(entity: Mapping[str, Any], now: float) -> float:
    end = entity["end"]
    return float(now if end is None else end)


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
