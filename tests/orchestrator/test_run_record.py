from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import Usage
from orchestrator import Event, NodeStarted, PlanText, RunFinished, RunStarted
from orchestrator.errors import RunUnreadable
from orchestrator.runs.run_folder import RunFolder
from orchestrator.runs.run_record import RunReader, RunRecord
from orchestrator.runs.run_view import RunView
from tests.orchestrator.histories import histories
from tests.orchestrator.working import QUESTION, killed_run, working

BEGIN = RunStarted(question="q", model="m")


def left_by(base: Path, *events: Event, **configuration: Any) -> Path:
    """The folder of a run that ended after these events."""
    with RunFolder.create(base, configuration) as folder:
        for event in events:
            folder.write(event)
    return folder.path


def read(path: Path) -> RunRecord:
    return RunReader(path).read()


def add(path: Path, line: str) -> None:
    with (path / "events.jsonl").open("a") as file:
        file.write(line)


def same(record: RunRecord, events: list[Event]) -> bool:
    view = RunView()
    for event in events:
        if not event.transient:
            view.apply(event)
    return record.view.statistics() == view.statistics() and record.view.nodes == view.nodes


@settings(max_examples=30, deadline=None)
@given(histories(), st.data())
def test_a_folder_cut_anywhere_says_what_its_whole_lines_say(
    events: list[Event], data: st.DataObject
) -> None:
    with TemporaryDirectory() as base:
        path = left_by(Path(base), *events)
        file = path / "events.jsonl"
        size = data.draw(st.integers(0, file.stat().st_size))
        os.truncate(file, size)
        whole = file.read_bytes().count(b"\n")
        kept = [event for event in events if not event.transient][:whole]
        assert same(read(path), kept)
        with RunFolder.reopen(path) as folder:
            for event in events:
                folder.write(event)
        # The run began anew, so that nothing of before counts.
        assert same(read(path), events)


@settings(max_examples=30, deadline=None)
@given(histories(), st.data())
def test_reading_again_is_the_same_as_reading_once(
    events: list[Event], data: st.DataObject
) -> None:
    with TemporaryDirectory() as base, RunFolder.create(base, {}) as folder:
        reader = RunReader(folder.path)
        for event in events:
            folder.write(event)
            if data.draw(st.booleans()):
                reader.read()
        assert same(reader.read(), events)


@pytest.mark.parametrize("status", ["ok", "failed", "cancelled"])
def test_a_run_that_ended_says_how(tmp_path: Path, status: Any) -> None:
    end = RunFinished(status=status, reason="r", answer="a", usage=Usage(), time=7.5)
    record = read(left_by(tmp_path, BEGIN, end, question="Où?"))
    assert (record.state, record.holder, record.reason, record.answer) == (status, None, "r", "a")
    assert (record.question, record.seconds, record.now) == ("Où?", 7.5, 7.5)


def test_a_run_goes_on_while_its_lock_is_held_and_is_interrupted_when_it_was_killed(
    tmp_path: Path,
) -> None:
    with working(tmp_path) as work:
        record = read(work.folder)
        assert record.state == "running"
        assert record.holder is not None
        assert record.holder.pid == work.process.pid
        assert record.configuration["command"] == {"seed": 5}
        assert record.question == QUESTION
        assert timedelta() < datetime.now().astimezone() - record.started < timedelta(minutes=5)
        assert 0 < record.now < 300
        work.process.kill()
        work.process.wait()
        after = read(work.folder)
    assert (after.state, after.holder) == ("interrupted", None)
    assert [node.id for node in after.view.running.values()] == ["why"]


def test_a_killed_run_is_opened_again_by_one_process_and_its_events_go_on(tmp_path: Path) -> None:
    path = killed_run(tmp_path)
    add(path, '{"kind": "node-fin')
    before = (path / "events.jsonl").read_text().rpartition("\n")[0]
    with RunFolder.reopen(path) as folder:
        folder.write(RunStarted(question="q", model="m", resumed=True))
        assert read(path).state == "running"
    lines = (path / "events.jsonl").read_text().splitlines()
    assert "\n".join(lines[:-1]) == before
    assert json.loads(lines[-1])["resumed"] is True
    assert read(path).state == "interrupted"


def test_the_time_of_all_lives_of_a_run_is_told(tmp_path: Path) -> None:
    path = left_by(tmp_path, BEGIN, NodeStarted(node="1", time=5.0))
    with RunFolder.reopen(path) as folder:
        folder.write(RunStarted(question="q", model="m", resumed=True))
        folder.write(RunFinished(status="ok", usage=Usage(), time=2.0))
    assert (read(path).now, read(path).seconds) == (2.0, 7.0)


def test_what_a_newer_version_adds_is_passed_over(tmp_path: Path) -> None:
    path = left_by(tmp_path, BEGIN)
    add(path, '{"kind": "node-dreamt", "time": 1.0, "node": "1"}\n')
    add(path, '{"kind": "node-started", "time": 2.0, "node": "1", "mood": "fine"}\n')
    add(path, '{"kind": "node-planned", "time": 2.0, "node": {"kind": "dance", "id": "1"}}\n')
    record = read(path)
    assert list(record.view.running) == ["1"]
    assert record.now == 2.0


@pytest.mark.parametrize(
    "line",
    ["", "\0\0\0", "nonsense", "[]", "{}", '{"kind": []}', '{"kind": "node-started"}', "\xff"],
)
def test_a_line_that_says_nothing_is_passed_over(tmp_path: Path, line: str) -> None:
    path = left_by(tmp_path, BEGIN)
    with (path / "events.jsonl").open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    add(path, NodeStarted(node="1").model_dump_json() + "\n")
    assert list(read(path).view.running) == ["1"]


def test_a_line_that_is_being_written_is_read_when_it_is_complete(tmp_path: Path) -> None:
    path = left_by(tmp_path, BEGIN)
    reader = RunReader(path)
    line = NodeStarted(node="né").model_dump_json()
    add(path, line[:20])
    assert not reader.read().view.running
    add(path, line[20:] + "\n")
    assert list(reader.read().view.running) == ["né"]


@pytest.mark.parametrize("name", ["config.yaml", "env.json", "events.jsonl"])
def test_a_file_that_is_missing_is_no_error(tmp_path: Path, name: str) -> None:
    path = left_by(tmp_path, BEGIN, question="Où?")
    (path / name).unlink()
    record = read(path)
    assert record.state == "interrupted"
    assert record.started.tzinfo is not None
    assert record.question == ("q" if name == "config.yaml" else "Où?")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunUnreadable, match="there is no run folder"):
        read(tmp_path / "gone")


def test_a_configuration_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = left_by(tmp_path, BEGIN)
    (path / "config.yaml").write_text("schema_version: 2\n")
    with pytest.raises(RunUnreadable, match=r"newer forkjoin \(schema 2, this one reads up to 1\)"):
        read(path)


def test_events_of_a_newer_schema_are_refused(tmp_path: Path) -> None:
    path = left_by(tmp_path)
    data = {**BEGIN.model_dump(), "schema_version": 2, "mood": "fine"}
    add(path, json.dumps(data) + "\n")
    with pytest.raises(RunUnreadable, match="schema 2"):
        read(path)


def test_a_configuration_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = left_by(tmp_path)
    (path / "config.yaml").write_text("a: [")
    with pytest.raises(RunUnreadable, match="is no YAML"):
        read(path)


def test_what_is_for_the_eyes_only_is_not_kept(tmp_path: Path) -> None:
    path = left_by(tmp_path, BEGIN, PlanText(delta="x"))
    assert len((path / "events.jsonl").read_text().splitlines()) == 1
