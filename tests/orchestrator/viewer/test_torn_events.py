"""Of what a killed process or a full disk left of a run a picture is made, whatever is lost."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.events import Event
from orchestrator.runs.run_record import RunReader
from orchestrator.viewer.journal_watch import JournalWatch, News
from orchestrator.viewer.perfetto import trace_of
from orchestrator.viewer.picture.picture import Picture
from tests.orchestrator.viewer.viewed_runs import killed_and_resumed_run


@cache
def told() -> tuple[list[Event], News]:
    """The events and the journal of a run that was killed and resumed."""
    folder = killed_and_resumed_run()
    news = JournalWatch(folder / "journal.sqlite").look()
    assert news is not None
    return list(RunReader(folder).new_events()), news


@given(
    st.sets(st.integers(0, 120)),
    st.integers(0, 120),
    st.lists(st.integers(0, 120), max_size=4),
)
def test_a_picture_is_made_of_what_is_left(lost: set[int], rows_at: int, looks: list[int]) -> None:
    events, news = told()
    picture, page, version = Picture(), dict[tuple[str, Any], Any](), 0

    def look() -> dict[str, Any]:
        nonlocal version
        data = picture.data(version)
        version = data["version"]
        for kind in ("nodes", "threads", "calls"):
            page.update({(kind, entity["id"]): entity for entity in data[kind]})
        return data

    for number, event in enumerate(events):
        if number == rows_at:
            for row in news.rows:
                picture.take_row(row)
        if number in looks:
            look()
        if number not in lost:
            picture.apply(event)
    picture.stop()
    look()
    whole = picture.data()
    json.dumps(trace_of(whole), allow_nan=False)
    told_whole = {
        (kind, entity["id"]): entity
        for kind in ("nodes", "threads", "calls")
        for entity in whole[kind]
    }
    # No id is there twice, and who has seen every change has seen all.
    assert len(told_whole) == sum(len(whole[kind]) for kind in ("nodes", "threads", "calls"))
    assert page == told_whole
    assert not [id for id, entity in told_whole.items() if entity["state"] == "running"]


def test_a_life_whose_beginning_is_lost_has_calls_of_its_own() -> None:
    events, _ = told()
    ends = [event for event in events if event.kind == "generation-finished"]
    picture = Picture()
    for event in events:
        if event.kind != "run-started":
            picture.apply(event)
    assert len(picture.data()["calls"]) >= len(ends)
