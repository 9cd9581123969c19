"""Made-up runs are drawn as real ones are: all that is in them is found."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from orchestrator.viewer.page_file import page_of
from orchestrator.viewer.perfetto import trace_of
from orchestrator.viewer.picture.layout import Place, crossings
from tests.orchestrator.viewer.large_run import write_large_plan, write_large_search
from tests.orchestrator.viewer.viewed_runs import by_id, picture_of


def test_a_large_plan_is_drawn(tmp_path: Path) -> None:
    picture, data = picture_of(write_large_plan(tmp_path / "plan", nodes=1_000))
    nodes = by_id(data["nodes"])
    assert len(nodes) == 1_000
    assert {node["state"] for node in nodes.values()} == {"ok", "failed"}
    assert all(call["text"] for call in data["calls"])
    assert all(
        node["text"] for node in nodes.values() if node["kind"] == "call" and node["state"] == "ok"
    )
    for node in nodes.values():
        assert all(nodes[name]["layer"] < node["layer"] for name in node["depends"])
    layout = {id: Place(node["layer"], node["place"]) for id, node in nodes.items()}
    assert len(set(layout.values())) == len(layout)
    assert crossings(layout, {id: node["depends"] for id, node in nodes.items()}) > 0
    # All of it goes into a page and into a trace.
    assert len(page_of(data, picture.texts()).html) > 100_000
    assert len(trace_of(data)["traceEvents"]) > 1_000


def test_a_large_search_is_drawn(tmp_path: Path) -> None:
    _, data = picture_of(write_large_search(tmp_path / "search", threads=1_000))
    steps = [thread for thread in data["threads"] if thread["calls"]]
    assert len(steps) == len(data["calls"]) == 1_000
    passed = [thread for thread in steps if thread["state"] == "passed-over"]
    assert len(passed) > 500
    assert all("passed over: " in thread["reason"] for thread in passed)
    chosen = [thread["id"] for thread in data["threads"] if thread["chosen"]]
    assert chosen == sorted(chosen, key=len)
    assert all(longer.startswith(f"{path}/") for path, longer in pairwise(chosen))


def test_a_large_run_that_did_not_end_is_interrupted(tmp_path: Path) -> None:
    _, data = picture_of(write_large_plan(tmp_path / "plan", nodes=50, ended=False))
    assert data["run"]["state"] == "interrupted"
