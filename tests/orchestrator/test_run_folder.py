from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from engines import EngineError, FakeEngine
from orchestrator import (
    Agent,
    Event,
    JournalError,
    NodeStarted,
    PlanText,
    RunFinished,
    RunFolderError,
)
from orchestrator.errors import RunInUse
from orchestrator.runs.run_folder import RunFolder, check_runs
from orchestrator.runs.run_lock import lock_holder
from orchestrator.runs.run_record import RunReader, read_configuration
from planners import Reduce, Think
from tests.orchestrator.journals import FillingUp
from tests.orchestrator.plans import given
from tests.orchestrator.working import working

FULL = Path("/dev/full")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files_of(folder: Path) -> list[str]:
    """What is in a run's folder beside its journal, which is not for people."""
    names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if not name.startswith("journal.sqlite")]


async def run(runs: Path, engine: FakeEngine | None = None) -> Path:
    plan = given(
        Think(id="1", prompt="née?"),
        Think(id="2"),
        Reduce(id="3", inputs=("1", "2"), reducer="first"),
    )
    agent = Agent(engine or FakeEngine("\\boxed{é}"), planner=plan, runs=runs)
    folder = (await agent.run("Où?")).folder
    assert folder is not None
    return folder


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\ufeff", "\x7f", "\n \r\t", "é😀"])
def test_a_question_is_read_as_it_was_written(tmp_path: Path, mark: str) -> None:
    question = f"{mark}Why{mark}: {mark}not?{mark}"
    with RunFolder.create(tmp_path, {"question": question}) as folder:
        assert read_configuration(folder.path)["question"] == question


@pytest.mark.anyio
async def test_a_run_leaves_its_files_and_nothing_half_written(tmp_path: Path) -> None:
    folder = await run(tmp_path / "deep" / "runs")
    assert files_of(folder) == [
        "config.yaml",
        "env.json",
        "events.jsonl",
        "metrics.json",
        "plan.json",
        "samples.jsonl",
    ]
    assert folder.parent == tmp_path / "deep" / "runs"


@pytest.mark.anyio
async def test_every_file_carries_the_version_of_its_schema(tmp_path: Path) -> None:
    folder = await run(tmp_path)
    documents = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    documents += [yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))]
    documents += [*lines(folder / "samples.jsonl"), lines(folder / "events.jsonl")[0]]
    assert len(documents) == 8
    assert [document["schema_version"] for document in documents] == [1] * 8


@pytest.mark.anyio
async def test_the_files_say_what_ran(tmp_path: Path) -> None:
    folder = await run(tmp_path)
    configuration = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert (configuration["question"], configuration["model"]) == ("Où?", "fake")
    assert (
        datetime.fromisoformat(configuration["started"]).strftime("%Y%m%d-%H%M%S")
        == folder.name[:15]
    )
    samples = lines(folder / "samples.jsonl")
    assert [(row["id"], row["status"], row["result"]) for row in samples] == [
        ("1", "ok", "é"),
        ("2", "ok", "é"),
        ("3", "ok", "é"),
    ]
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    generated = [row["usage"]["generated_tokens"] for row in samples]
    assert metrics["usage"]["generated_tokens"] == sum(generated) > 0
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    assert [node["kind"] for node in plan["nodes"]] == ["think", "think", "reduce"]
    environment = json.loads((folder / "env.json").read_text(encoding="utf-8"))
    assert environment["packages"]["forkjoin"]


@pytest.mark.anyio
async def test_events_are_kept_in_order_without_those_for_the_eyes(tmp_path: Path) -> None:
    folder = await run(tmp_path)
    kinds = [row["kind"] for row in lines(folder / "events.jsonl")]
    assert kinds[0] == "run-started"
    assert kinds[-1] == "run-finished"
    assert kinds.count("node-finished") == 3
    assert kinds.count("generation-finished") == 2
    assert "tokens-generated" not in kinds


@pytest.mark.anyio
async def test_a_failed_run_leaves_its_events_and_no_results(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="down"):
        await Agent(FakeEngine([EngineError("down")]), runs=tmp_path).run("Why?")
    (folder,) = tmp_path.iterdir()
    assert files_of(folder) == ["config.yaml", "env.json", "events.jsonl"]
    last = lines(folder / "events.jsonl")[-1]
    assert (last["kind"], last["status"], last["reason"]) == ("run-finished", "failed", "down")


def test_an_event_is_on_disk_as_soon_as_it_happened(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {}) as folder:
        folder.write(PlanText(delta="never kept"))
        folder.write(NodeStarted(node="1"))
        assert [row["node"] for row in lines(folder.path / "events.jsonl")] == ["1"]


def test_a_folder_opened_again_keeps_its_events_without_a_torn_line(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {}) as folder:
        folder.write(NodeStarted(node="1"))
    events = folder.path / "events.jsonl"
    with events.open("a") as file:
        file.write('{"torn')
    with RunFolder.reopen(folder.path) as again:
        again.write(NodeStarted(node="2"))
        again.write_json("metrics.json", {})
    assert [row["node"] for row in lines(events)] == ["1", "2"]
    assert again.path == folder.path


@pytest.mark.parametrize(
    "content", [b"", b"torn", b"one\n", b"one\ntorn", b"x" * 9000 + b"\n" + b"y" * 9000]
)
def test_only_whole_lines_are_kept(tmp_path: Path, content: bytes) -> None:
    with RunFolder.create(tmp_path, {}) as folder:
        pass
    (folder.path / "events.jsonl").write_bytes(content)
    RunFolder.reopen(folder.path).close()
    whole = b"".join(line for line in content.splitlines(keepends=True) if line.endswith(b"\n"))
    assert (folder.path / "events.jsonl").read_bytes() == whole


def test_a_folder_that_another_process_works_on_is_not_opened(tmp_path: Path) -> None:
    with working(tmp_path) as work:
        before = (work.folder / "events.jsonl").read_bytes()
        with pytest.raises(RunInUse) as caught:
            RunFolder.reopen(work.folder)
        assert caught.value.pid == work.process.pid
        assert (work.folder / "events.jsonl").read_bytes() == before


def test_a_start_that_was_killed_leaves_a_name_that_can_be_taken(tmp_path: Path) -> None:
    left = tmp_path / "sums"
    left.mkdir()
    for name in ("lock", ".config.yaml.part"):
        (left / name).write_text("{")
    with RunFolder.create(tmp_path, {"question": "Why?"}, name="sums") as folder:
        pass
    with pytest.raises(RunFolderError, match="it is not empty"):
        RunFolder.create(tmp_path, {}, name="sums")
    assert files_of(folder.path) == ["config.yaml", "env.json", "events.jsonl"]


def test_a_start_that_another_process_is_at_is_not_taken(tmp_path: Path) -> None:
    with working(tmp_path) as work:
        for file in work.folder.iterdir():
            if file.name != "lock":
                file.unlink()
        with pytest.raises(RunInUse):
            RunFolder.create(tmp_path, {}, name=work.folder.name)


def test_a_folder_that_is_gone_cannot_be_opened_again(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written: No such file or directory"):
        RunFolder.reopen(tmp_path / "gone")


def test_a_folder_is_free_when_it_is_closed_even_if_it_cannot_be_closed_well(
    tmp_path: Path, full_disk: Callable[[str], None]
) -> None:
    full_disk("events.jsonl")
    folder = RunFolder.create(tmp_path, {})
    with pytest.raises(RunFolderError):
        folder.write(NodeStarted(node="1"))
    with pytest.raises(RunFolderError):
        folder.close()
    assert lock_holder(folder.path) is None


def test_two_runs_of_the_same_second_have_folders_of_their_own(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {}) as first, RunFolder.create(tmp_path, {}) as second:
        assert first.path != second.path


@pytest.mark.anyio
async def test_a_file_in_the_way_of_the_folder_is_a_clear_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "runs"
    in_the_way.write_text("")
    engine = FakeEngine()
    with pytest.raises(RunFolderError) as caught:
        await Agent(engine, runs=in_the_way).run("Why?")
    message = str(caught.value)
    assert message.startswith(f"the run folder {in_the_way}")
    assert message.endswith("cannot be written: Not a directory; choose another with --out")
    assert engine.calls == []


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(self: Path, text: str, **options: Any) -> None:
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    with RunFolder.create(tmp_path, {}) as folder:
        folder.write_json("metrics.json", {"run": "old"})
        before = (folder.path / "metrics.json").read_text()
        monkeypatch.setattr(Path, "write_text", half)
        with pytest.raises(RunFolderError, match="No space left on device; make room"):
            folder.write_json("metrics.json", {"run": "new"})
        with pytest.raises(RunFolderError):
            folder.write_lines("samples.jsonl", [{}])
        assert (folder.path / "metrics.json").read_text() == before
        assert not [path for path in folder.path.iterdir() if path.name.endswith(".part")]
        assert not (folder.path / "samples.jsonl").exists()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes files of one name behave as on a full disk: opened, but not written."""
    if not FULL.exists():
        pytest.skip("no /dev/full")
    real = Path.open

    def fill(name: str) -> None:
        def opened(self: Path, *arguments: Any, **options: Any) -> Any:
            return real(FULL if self.name == name else self, *arguments, **options)

        monkeypatch.setattr(Path, "open", opened)

    return fill


@pytest.mark.anyio
async def test_a_full_disk_ends_the_run_with_one_line_and_leaves_no_request(
    tmp_path: Path, full_disk: Callable[[str], None]
) -> None:
    full_disk("events.jsonl")
    engine = FakeEngine()
    with pytest.raises(RunFolderError, match="No space left on device; make room") as caught:
        await run(tmp_path, engine)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert (await engine.statistics()).running == 0


@pytest.mark.anyio
async def test_a_disk_that_fills_up_while_results_are_written_ends_the_run(
    tmp_path: Path, full_disk: Callable[[str], None]
) -> None:
    full_disk(".samples.jsonl.part")
    with pytest.raises(RunFolderError, match="No space left on device"):
        await run(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert not (folder / "samples.jsonl").exists()
    assert not (folder / "metrics.json").exists()


@pytest.mark.anyio
@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
async def test_a_disk_that_fills_up_does_not_hide_why_the_run_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RunFolder.write

    def fill_up_at_the_end(self: RunFolder, event: Event) -> None:
        if isinstance(event, RunFinished):
            self._events.close()
            # It fails at every write, and once more when it is closed.
            self._events = FULL.open("w", encoding="utf-8", buffering=1)
        write(self, event)

    monkeypatch.setattr(RunFolder, "write", fill_up_at_the_end)
    engine = FakeEngine([EngineError("the reason")])
    with pytest.raises(EngineError, match="the reason"):
        await Agent(engine, runs=tmp_path).run("Why?")


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_begun_leaves_no_file_open(
    tmp_path: Path, full_disk: Callable[[str], None]
) -> None:
    full_disk(".config.yaml.part")
    engine = FakeEngine()
    with pytest.raises(RunFolderError):
        await Agent(engine, runs=tmp_path).run("Why?")
    (folder,) = tmp_path.iterdir()
    assert list(folder.iterdir()) == []
    assert engine.calls == []


@pytest.mark.anyio
async def test_a_result_whose_files_cannot_be_written_is_not_lost(
    tmp_path: Path, full_disk: Callable[[str], None]
) -> None:
    full_disk(".metrics.json.part")
    with pytest.raises(RunFolderError, match="No space left") as caught:
        await Agent(FakeEngine("\\boxed{4}"), planner="single", runs=tmp_path).run("2 + 2?")
    assert str(caught.value.result) == "4"


@pytest.mark.anyio
async def test_a_result_whose_last_spending_cannot_be_written_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = FillingUp("\\boxed{4}")
    monkeypatch.setattr("orchestrator.journal.journal.connect", race.connect)
    agent = Agent(race.engine(), planner="single", method=race, runs=tmp_path)
    with pytest.raises(JournalError, match="cannot be written: database or disk is full") as caught:
        await agent.run("2 + 2?")
    assert "\n" not in str(caught.value)
    assert str(caught.value.result) == "4"
    (folder,) = tmp_path.iterdir()
    record = RunReader(folder).read()
    assert (record.state, record.answer) == ("ok", "4")
    assert json.loads((folder / "metrics.json").read_text())["answer"] == "4"


def test_a_full_disk_is_noticed_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    with pytest.raises(RunFolderError, match="No space left on device; make room"):
        check_runs(tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []
