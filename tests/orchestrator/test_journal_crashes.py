"""A journal after a run that ended in no order: killed, cut off by a full disk, or cut anywhere in its log."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import Context, Delivery, FakeEngine, Sampling, Segment
from orchestrator.errors import JournalError
from orchestrator.journal import JournaledEngine, JournaledTools, open_journal, read_journal
from tests.orchestrator.journals import finished_in, journaled, question, reply, tree_search
from tests.orchestrator.processes import in_process, started

WIDTH, DEPTH = 3, 2
CALLS = 1 + WIDTH + WIDTH**2
BACKENDS = ("asyncio", "trio")


@pytest.fixture(scope="module")
def ended_early() -> Iterator[Path]:
    """The files that a run leaves which is killed when all its calls are written."""
    with TemporaryDirectory() as name:
        folder = Path(name)

        async def use(engine: JournaledEngine) -> None:
            await tree_search(engine, WIDTH, DEPTH)
            for suffix in ("", "-wal"):
                shutil.copyfile(folder / f"whole{suffix}", folder / f"copy{suffix}")

        anyio.run(journaled, folder / "whole", use)
        yield folder / "copy"


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1), backend=st.sampled_from(BACKENDS))
def test_any_beginning_of_a_journal_is_gone_on_from(
    ended_early: Path, share: float, backend: str
) -> None:
    """The log is cut anywhere, also in the middle of a record: what is before it holds, what is after is done again."""
    undisturbed = anyio.run(tree_search, FakeEngine(reply), WIDTH, DEPTH)
    with TemporaryDirectory() as name:
        path = Path(name) / "j"
        shutil.copyfile(ended_early, path)
        log = Path(f"{ended_early}-wal").read_bytes()
        Path(f"{path}-wal").write_bytes(log[: round(share * len(log))])
        with open_journal(path) as journal:
            finished = finished_in(journal)
        answers: list[str] = []

        async def use(engine: JournaledEngine) -> None:
            answers[:] = await tree_search(engine, WIDTH, DEPTH)

        asked = [len(anyio.run(journaled, path, use, backend=backend).calls) for _ in range(2)]
        assert answers == undisturbed
        assert asked == [CALLS - finished, 0]
        with read_journal(path) as reader:
            paths = [call.context.path for call in reader.calls()]
        assert len(paths) == len(set(paths)) == CALLS


@settings(max_examples=25, deadline=None)
@given(
    deaths=st.lists(st.integers(1, CALLS), max_size=4),
    latencies=st.lists(st.floats(0, 3), min_size=CALLS, max_size=CALLS),
    backend=st.sampled_from(BACKENDS),
)
def test_a_run_that_dies_again_and_again_makes_every_call_once(
    deaths: list[int], latencies: list[float], backend: str
) -> None:
    """Each time it is cancelled when so many new calls are written."""
    undisturbed = anyio.run(tree_search, FakeEngine(reply), WIDTH, DEPTH)
    made: list[str] = []
    answers: list[str] = []

    async def live(path: Path, calls: int) -> None:
        async with open_journal(path) as journal, anyio.create_task_group() as group:

            async def ended(context: Context, sampling: Sampling) -> str:
                for _ in range(int(latencies[len(made) % CALLS] * 3)):
                    await anyio.lowlevel.checkpoint()
                if journal.statistics().recorded >= calls:
                    group.cancel_scope.cancel()
                return reply(context, sampling)

            inner = FakeEngine(ended, chunk_tokens=50)
            answers[:] = await tree_search(JournaledEngine(inner, journal), WIDTH, DEPTH)
        with read_journal(path) as reader:
            made[:] = [call.context.path for call in reader.calls() if call.finish_reason]

    with TemporaryDirectory() as name:
        path = Path(name) / "j"
        for calls in [*deaths, 10**9]:
            before = list(made)
            anyio.run(live, path, calls, backend=backend)
            assert made[: len(before)] == before
    assert answers == undisturbed
    assert len(made) == len(set(made)) == CALLS


_WRITE = """
import sys, anyio
from engines import FakeEngine, Sampling
from orchestrator.journal import JournaledEngine, JournaledTools, open_journal
from tests.orchestrator.journals import question, reply

async def main(path, tasks):
    journal = open_journal(path)
    engine, tools = JournaledEngine(FakeEngine(reply), journal), JournaledTools(journal)
    root = await question(engine)
    numbers = iter(range(100_000))
    async def work():
        for number in numbers:
            name = str(number)
            await engine.generate(root.fork(name), Sampling(seed=1))
            async def answer(): return name * 3
            await journal.decide(name, answer)
            async def call(begin):
                await begin()
                return await answer()
            await tools.call(name, "triple", {}, call, repeatable=False)
            print(name, flush=True)
    async with anyio.create_task_group() as group:
        for _ in range(tasks):
            group.start_soon(work)

anyio.run(main, sys.argv[1], int(sys.argv[2]))
"""


@pytest.mark.parametrize(("tasks", "lines"), [(1, 20), (40, 50), (200, 700)])
def test_nothing_that_was_acknowledged_is_lost_by_a_kill(
    tmp_path: Path, tasks: int, lines: int
) -> None:
    command = [sys.executable, "-c", _WRITE, str(tmp_path / "j"), str(tasks)]
    with started(*command, stderr=None) as process:
        assert process.stdout is not None
        names = [process.stdout.readline().strip() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        # A line that was cut off by the kill has no end.
        names += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert len(names) >= lines

    async def never() -> str:
        raise AssertionError("it was acknowledged")

    async def look() -> None:
        async with open_journal(tmp_path / "j") as journal:
            inner = FakeEngine(reply)
            engine, tools = JournaledEngine(inner, journal), JournaledTools(journal)
            root = await question(engine)
            for name in names:
                fork = root.fork(name)
                completion = await engine.generate(fork, Sampling(seed=1))
                assert completion.text == reply(fork, Sampling(seed=1))
                assert await journal.decide(name, never) == name * 3
                assert (
                    await tools.call(name, "triple", {}, lambda _: never(), repeatable=False)
                    == name * 3
                )
            assert inner.calls == []

    anyio.run(look)


_FILL = """
import resource, sys, anyio
from engines import FakeEngine, Sampling, Usage
from orchestrator.errors import JournalError
from orchestrator.journal import JournaledEngine, open_journal
from tests.orchestrator.journals import question, reply

async def main(path):
    told, kept = set(), []
    async with open_journal(path) as journal:
        engine = JournaledEngine(FakeEngine(lambda *request: reply(*request) * 20), journal)
        root = await question(engine)
        if sys.argv[2] == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        async def work(number):
            try:
                for step in range(1000):
                    name = f"{number}-{step}"
                    await engine.generate(root.fork(name), Sampling(seed=1))
                    kept.append(name)
            except JournalError as error:
                told.add(str(error))
                journal.spend("run", usage=Usage())
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(work, number)
    (message,) = told
    print(message)
    print(*kept)

anyio.run(main, sys.argv[1])
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 2 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "forkjoin-test", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_full_disk_ends_a_run_and_keeps_what_was_finished(small_disk: Path) -> None:
    assert_told_and_kept(small_disk / "j", "disk", "database or disk is full")


def test_a_file_that_may_not_grow_ends_a_run_and_keeps_what_was_finished(tmp_path: Path) -> None:
    assert_told_and_kept(tmp_path / "j", "limit", "disk I/O error")


def assert_told_and_kept(path: Path, kind: str, reason: str) -> None:
    """Fills the disk from a process of its own; one error says why, and what was acknowledged is there."""
    ended = in_process(sys.executable, "-c", _FILL, str(path), kind, folder=Path.cwd())
    assert ended.stderr == ""
    message, kept = ended.stdout.splitlines()
    assert message == (
        f"the journal {path} cannot be written: {reason}; see that there is room, and resume the run: "
        f"what is in the journal is kept"
    )
    with read_journal(path) as reader:
        found = {call.context.path.removeprefix("root/") for call in reader.calls()}
    assert len(kept.split()) >= 10
    assert set(kept.split()) <= found


def test_a_disk_that_is_full_from_the_start_is_told(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "full").write_bytes(bytes(4 << 20))
    with pytest.raises(JournalError, match="--journal-dir"):
        open_journal(small_disk / "j")


def test_a_planner_that_dies_goes_on_from_what_it_had_passed_on(tmp_path: Path) -> None:
    """It dies after each chunk in turn, and each time goes on under a context that is longer by what there was."""
    script = "1. add(1, 2)\n2. add($1, 3)\njoin()"
    passed_on: list[str] = []
    asked: list[str] = []

    async def plan(engine: JournaledEngine) -> bool:
        """Whether the plan came to its end before the planner died."""
        context = await question(engine, "plan")
        passed_on.clear()
        while parts := await engine.unfinished(context, Sampling(seed=1)):
            for part in parts:
                passed_on.append(part.text)
                context = context.extend(Segment("assistant", part.text, part.token_ids))
        async with engine.stream(context, Sampling(seed=1), Delivery(durable=True)) as stream:
            chunk = await anext(stream)
        passed_on.append(chunk.text)
        return chunk.finish_reason is not None

    def rest(context: Context, sampling: Sampling) -> str:
        asked.append(script[len("".join(passed_on)) :])
        return asked[-1]

    async def live() -> bool:
        async with open_journal(tmp_path / "j") as journal:
            return await plan(JournaledEngine(FakeEngine(rest, chunk_tokens=5), journal))

    lives = 1
    while not anyio.run(live):
        assert "".join(passed_on) == script[: 5 * lives]
        lives += 1
    assert "".join(passed_on) == script
    assert asked == [script[start:] for start in range(0, len(script), 5)]
    assert anyio.run(live)
    assert "".join(passed_on) == script
    assert len(asked) == lives
