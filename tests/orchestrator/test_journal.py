"""What a journal keeps beside calls of engines: decisions, spending, time; and who may open it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from engines import (
    Choice,
    Collaboration,
    Context,
    FakeEngine,
    ForkjoinError,
    KOfN,
    Sampling,
    Segment,
    Usage,
    join,
    run_in_portal,
)
from orchestrator.errors import JournalError, RunInUse
from orchestrator.journal import (
    Journal,
    JournaledEngine,
    JournaledTools,
    RepeatedName,
    file_systems,
    open_journal,
    read_journal,
)
from orchestrator.journal.file_systems import file_system, is_network
from orchestrator.journal.keys import call_key, request_of, tool_key
from tests.orchestrator.journals import journaled, question, tree_search
from tests.orchestrator.processes import in_process, started

pytestmark = pytest.mark.anyio


async def choose(value: Any) -> Any:
    await anyio.lowlevel.checkpoint()
    return value


async def never() -> Any:
    raise AssertionError("it was decided before")


async def test_a_decision_is_taken_once_and_is_the_same_at_once_and_later(tmp_path: Path) -> None:
    value = {"order": (2, 1), "clamped": {"tokens": 7}, "text": "\ud800"}
    async with open_journal(tmp_path / "j") as journal:
        first = await journal.decide("root#join", lambda: choose(value))
    async with open_journal(tmp_path / "j") as journal:
        second = await journal.decide("root#join", never)
    assert first == second == {"order": [2, 1], "clamped": {"tokens": 7}, "text": "\ud800"}


async def test_a_decision_is_written_before_it_is_known(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "j") as journal:
        await journal.decide("root#join", lambda: choose(1))
        with read_journal(tmp_path / "j") as reader:
            assert reader.decisions() == {"root#join": "1"}


async def test_two_decisions_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "j") as journal:

        async def nested() -> Any:
            return await journal.decide("a", lambda: choose(1))

        with pytest.raises(RepeatedName, match="two decisions at 'a'"):
            await journal.decide("a", nested)
        assert await journal.decide("a", lambda: choose(2)) == 2
        with pytest.raises(RepeatedName, match="two decisions at 'a'"):
            await journal.decide("a", never)


async def test_a_decision_that_could_not_be_taken_is_not_kept(tmp_path: Path) -> None:
    async def fail() -> Any:
        raise ForkjoinError("no")

    async with open_journal(tmp_path / "j") as journal:
        with pytest.raises(ForkjoinError):
            await journal.decide("a", fail)
        with pytest.raises(TypeError):
            await journal.decide("a", lambda: choose({1, 2}))
    async with open_journal(tmp_path / "j") as journal:
        assert await journal.decide("a", lambda: choose(3)) == 3


async def test_a_branch_that_is_repeated_decides_anew(tmp_path: Path) -> None:
    """What it decided first is why it failed."""
    values = iter([1, 2])

    async with open_journal(tmp_path / "j") as journal:

        async def branch() -> int:
            value: int = await journal.decide("branch", lambda: choose(next(values)))
            if value == 1:
                raise ForkjoinError("no")
            return value

        (outcome,) = await join([branch], KOfN(1), repeats=1)
    assert outcome.value == 2
    async with open_journal(tmp_path / "j") as journal:
        assert await journal.decide("branch", never) == 2


async def test_what_was_spent_adds_up_by_account(tmp_path: Path) -> None:
    usage = Usage(prompt_tokens=10, cached_tokens=4, generated_tokens=5)
    for _ in range(2):
        async with open_journal(tmp_path / "j") as journal:
            journal.spend("run/a", usage=usage, calls=1, money=0.25)
            journal.spend("run/b", usage=Usage(cached_tokens=None, lower_bound=True), calls=2)
            journal.spend("run/a", usage=usage, calls=1)
    async with open_journal(tmp_path / "j") as journal:
        a, b = journal.spent["run/a"], journal.spent["run/b"]
    assert (a.calls, a.money, a.usage) == (4, 0.5, usage + usage + usage + usage)
    assert (b.calls, b.usage.cached_tokens, b.usage.lower_bound) == (4, None, True)


async def test_time_goes_on_where_the_last_process_wrote(tmp_path: Path) -> None:
    now = [100.0]

    async def decide(journal: Journal) -> None:
        await journal.decide("a", lambda: choose(0))

    async def generate(journal: Journal) -> None:
        engine = JournaledEngine(FakeEngine("ok"), journal)
        await engine.generate(await question(engine), Sampling())

    async def call(journal: Journal) -> None:
        await JournaledTools(journal).call("1", "add", {}, lambda _: choose(3), repeatable=True)

    for number, write in enumerate([decide, generate, call]):
        async with open_journal(tmp_path / "j", clock=lambda: now[0]) as journal:
            assert journal.seconds == number * 7.5
            now[0] += 7.5
            await write(journal)
        now[0] = 3.0


async def test_statistics_tell_what_was_done(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "j") as journal:
        await journal.decide("a", lambda: choose("x" * 100_000))
        statistics = journal.statistics()
    assert (statistics.recorded, statistics.replayed) == (0, 0)
    assert (statistics.writer.records, statistics.writer.commits) == (1, 1)
    assert (statistics.writer.largest_batch, statistics.writer.waiting) == (1, 0)
    assert statistics.bytes > 100_000


async def test_a_journal_of_another_model_is_refused(tmp_path: Path) -> None:
    open_journal(tmp_path / "j", fingerprint="llama").close()
    with pytest.raises(JournalError, match="belongs to 'llama', not to 'qwen'"):
        open_journal(tmp_path / "j", fingerprint="qwen")
    open_journal(tmp_path / "j", fingerprint="llama").close()
    open_journal(tmp_path / "j").close()


@pytest.mark.parametrize("open_one", [open_journal, lambda path: read_journal(path).__enter__()])
def test_a_journal_of_another_version_is_refused(tmp_path: Path, open_one: Any) -> None:
    open_journal(tmp_path / "j").close()
    with sqlite3.connect(tmp_path / "j") as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    for _ in range(2):
        with pytest.raises(JournalError, match=r"has schema 0, and .* works with 3: resume it"):
            open_one(tmp_path / "j")


@pytest.mark.parametrize("open_one", [open_journal, lambda path: read_journal(path).__enter__()])
def test_what_is_no_journal_is_refused(tmp_path: Path, open_one: Any) -> None:
    (tmp_path / "j").write_text("a letter to my mother" * 100)
    with pytest.raises(JournalError, match=r"cannot be \w+: file is not a database"):
        open_one(tmp_path / "j")
    assert (tmp_path / "j").read_text().startswith("a letter")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"No such file.*--journal-dir"):
        open_journal(tmp_path / "none" / "j")
    with pytest.raises(JournalError, match="there is no journal"), read_journal(tmp_path / "j"):
        pass


def test_keys_stay_what_they_are() -> None:
    """Where they change, journals answer nothing any more: then SCHEMA_VERSION has to change with them."""
    root = Context(Segment("user", "2 + 2?", (5, 6)), name="root")
    sampling = Sampling(seed=7, stop=("é",), constraint=Choice(options=("3", "4")))
    key = call_key(root.fork("a"), request_of(sampling), sampling.seed, "model")
    assert key.hex() == "38fccc242b5fdbd14673fd20c83f1fa4"
    sampling = Sampling(seed=7, collaboration=Collaboration(workers=("A", "B")))
    key = call_key(root.fork("a"), request_of(sampling), sampling.seed, "model")
    assert key.hex() == "2d3714e9e0c5941d393582a8764fc4b5"
    assert (
        tool_key("7", "send", {"to": "é", "copies": 2}).hex() == "430e1fa6898e5a4e2d314806a9bf027e"
    )


MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:20 / /home rw - nfs4 server:/home rw
24 23 0:21 / /home/ada/scratch rw - xfs /dev/sdb1 rw
25 22 0:22 / /mnt/two\040words rw master:1 - fuse.sshfs host: rw
26 22 8:3 / /data rw - cifs //server/data rw
27 22 8:4 / /data rw - btrfs /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homes", "ext4"),
        ("/home/bob/j", "nfs4"),
        ("/home/ada/scratch/j", "xfs"),
        ("/mnt/two words/j", "fuse.sshfs"),
        ("/data/j", "btrfs"),
    ],
)
def test_the_longest_mount_point_says_what_a_file_lies_on(path: str, kind: str) -> None:
    assert file_system(path, MOUNTS) == kind


def test_file_systems_on_a_network_are_known() -> None:
    network = "nfs nfs4 cifs smb3 smbfs ceph fuse.ceph-fuse lustre gpfs beegfs glusterfs fuse.glusterfs afs fuse.sshfs"
    assert all(map(is_network, network.split()))
    local = "ext4 xfs btrfs zfs tmpfs overlay f2fs fuse.fuse-overlayfs"
    assert not any(map(is_network, local.split()))


def test_a_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mounts").write_text(f"1 0 0:9 / {tmp_path}/home rw - nfs4 server:/home rw\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "mounts")
    for folder in ("home", "link"):
        with pytest.raises(JournalError, match=r"network file system \(nfs4\).*--journal-dir"):
            open_journal(tmp_path / folder / "j")
    assert list((tmp_path / "home").iterdir()) == []
    open_journal(tmp_path / "j").close()


_HOLD = """
import sys
from orchestrator.journal import open_journal
with open_journal(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the journal open."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "j")]
    with started(*command, stdin=subprocess.PIPE, stderr=None) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


def test_one_process_writes_a_journal_until_it_ends_or_is_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(RunInUse, match=f"process {holder.pid} writes the journal") as caught:
        open_journal(tmp_path / "j")
    assert caught.value.pid == holder.pid
    with read_journal(tmp_path / "j") as reader:
        assert list(reader.calls()) == []
    holder.kill()
    holder.wait()
    with open_journal(tmp_path / "j"), pytest.raises(RunInUse):
        open_journal(tmp_path / "j")
    open_journal(tmp_path / "j").close()


async def test_a_journal_closes_also_where_every_thread_is_taken(tmp_path: Path) -> None:
    limiter = anyio.to_thread.current_default_thread_limiter()
    borrowers = [object() for _ in range(int(limiter.total_tokens))]
    async with open_journal(tmp_path / "j") as journal:
        await journal.decide("a", lambda: choose(1))
        for borrower in borrowers:
            limiter.acquire_on_behalf_of_nowait(borrower)
    for borrower in borrowers:
        limiter.release_on_behalf_of(borrower)


def test_a_journal_may_be_opened_without_an_event_loop_and_used_on_one(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j") as journal:
        for number in range(2):
            path = str(number)
            assert run_in_portal(lambda: journal.decide(path, lambda: choose(1))) == 1  # noqa: B023 -- called at once


async def test_a_dead_run_can_be_looked_at(tmp_path: Path) -> None:
    async def use(engine: JournaledEngine) -> None:
        await tree_search(engine, 2, 1)

    await journaled(tmp_path / "j", use)
    with read_journal(tmp_path / "j") as reader:
        calls = {call.context.path: call for call in reader.calls()}
    assert calls.keys() == {"root", "root/0", "root/1"}
    first = calls["root"]
    assert [turn.text for turn in first.context.turns] == ["Why is the sea salty?", ""]
    assert first.output.text.startswith("root: ")
    assert first.output.token_ids == tuple(map(ord, first.output.text))
    assert (first.fingerprint, first.finish_reason, first.limited_by) == ("fake", "stop", None)
    assert first.sampling.seed is not None
    assert 0 <= first.started <= first.ended


_LOOK = """
import os, pathlib, sys
from orchestrator.journal import read_journal
if os.getuid() == 0:  # Nothing is protected from root.
    os.setuid(65534)
folder = pathlib.Path(sys.argv[1])
assert not os.access(folder, os.W_OK)
with read_journal(folder / "j") as reader:
    print(sum(1 for call in reader.calls()))
"""


async def test_a_run_in_a_protected_folder_can_be_looked_at() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        await journaled(folder / "j", lambda engine: tree_search(engine, 2, 1))
        folder.chmod(0o555)
        seen = in_process(sys.executable, "-c", _LOOK, name, folder=Path.cwd())
        folder.chmod(0o700)
    assert (seen.stdout, seen.stderr) == ("3\n", "")
