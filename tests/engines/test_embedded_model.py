from __future__ import annotations

import errno
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from engines import MissingExtra, ModelPreparationFailed, kept_folder
from engines.adapters.adapter import read_adapter
from engines.embedded_model import cache_folder, model_folder, prepare
from tests.engines.adapter_files import write_adapter

_RUN_PROCESS = anyio.run_process
ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a distribution that is there in some version."""
    monkeypatch.setenv("FORKJOIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.metadata, "version", lambda distribution: "1.2.3")
    return tmp_path / "cache"


def write_with(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Has the model written by this Python code instead of the real conversion."""
    pytest.importorskip("filelock")  # comes with the extras, as the model does

    async def run(command: list[str], *, check: bool) -> object:
        place = command.index("engines.embedded_weights") + 1
        return await _RUN_PROCESS([command[0], "-c", script, *command[place:]], check=check)

    monkeypatch.setattr(anyio, "run_process", run)


def test_the_cache_is_where_forkjoin_cache_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORKJOIN_CACHE", "/elsewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/elsewhere")
    monkeypatch.setenv("FORKJOIN_CACHE", "~/models")
    assert cache_folder() == Path.home() / "models"


def test_without_it_the_cache_is_in_the_user_s_cache_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORKJOIN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/forkjoin")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "forkjoin"


def test_the_folder_carries_the_version_of_the_weights(cache: Path) -> None:
    assert model_folder() == cache / "SmolLM2-135M-Instruct-1.2.3.2"


def test_without_the_weights_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(distribution: str) -> str:
        raise importlib.metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(MissingExtra, match="run `make install`"):
        anyio.run(prepare)


def test_a_folder_that_is_there_is_returned_without_work(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder().mkdir(parents=True)
    kept_folder.record(model_folder())
    write_with(monkeypatch, "raise SystemExit('must not run')")
    assert anyio.run(prepare) == model_folder()
    assert list(cache.iterdir()) == [model_folder()]


def test_a_file_in_the_way_of_the_cache_is_one_line_that_says_what_to_do(
    cache: Path,
) -> None:
    cache.write_text("a file")
    with pytest.raises(ModelPreparationFailed) as caught:
        anyio.run(prepare)
    message = str(caught.value)
    assert "\n" not in message
    assert str(cache) in message
    assert message.endswith("; set FORKJOIN_CACHE to another folder")
    assert "room" not in message


def test_a_writer_that_was_killed_is_told_as_such(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_with(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(ModelPreparationFailed, match="signal 9 killed what writes it") as caught:
        anyio.run(prepare)
    assert "FORKJOIN_CACHE" not in str(caught.value)
    assert [path for path in cache.iterdir() if path.is_dir()] == []


# Without the import of all of `engines`, which takes longer than the rest.
WRITE = f"""
import pathlib, runpy, sys
target = pathlib.Path(sys.argv[1])
(target / "config.json").write_text("{{}}")
(target / "config.json").chmod(0o600)
(target / "adapter").write_text(str(sys.argv[2:]))
runpy.run_path({kept_folder.__file__!r})["record"](target)
with open(target.parents[1] / "writes", "a") as writes:
    writes.write("x")
"""


def test_the_model_is_written_once_and_nothing_else_stays(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_with(monkeypatch, WRITE)
    folder = anyio.run(prepare)
    assert (folder / "config.json").read_text() == "{}"
    anyio.run(prepare)
    assert (cache / "writes").read_text() == "x"
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [folder.name]


def test_two_that_start_together_write_the_model_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_with(monkeypatch, WRITE)
    folders: list[Path] = []

    async def one() -> None:
        folders.append(await prepare())

    async def main() -> None:
        with anyio.fail_after(300):
            async with anyio.create_task_group() as group:
                group.start_soon(one)
                group.start_soon(one)

    anyio.run(main)
    assert folders == [model_folder(), model_folder()]
    assert (cache / "writes").read_text() == "x"


def test_a_conversion_that_fails_says_why_and_leaves_no_folder(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_with(monkeypatch, "raise ValueError('the weights are broken')")
    with pytest.raises(ModelPreparationFailed, match="ValueError: the weights are broken") as error:
        anyio.run(prepare)
    assert "\n" not in str(error.value)
    assert not [path for path in cache.iterdir() if path.is_dir()]
    write_with(monkeypatch, WRITE)
    assert anyio.run(prepare).is_dir()


def test_an_adapter_has_a_folder_of_its_own_and_is_told_to_the_writer(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_with(monkeypatch, WRITE)
    adapters = [
        read_adapter(write_adapter(tmp_path / name, seed=len(name))) for name in ["a", "bb"]
    ]
    folders = [anyio.run(prepare, adapter) for adapter in (None, *adapters)]
    assert [folder.name for folder in folders] == [
        "SmolLM2-135M-Instruct-1.2.3.2",
        *(f"SmolLM2-135M-ForkJoin-1.2.3.2-{adapter.digest}" for adapter in adapters),
    ]
    told = [(folder / "adapter").read_text() for folder in folders]
    assert told == ["[]", *(str([str(one.folder), one.digest]) for one in adapters)]


def write_as_much(folder: Path) -> None:
    (folder / "config.json").write_text("[]")
    # The clock of the file system may stand still for some milliseconds.
    os.utime(folder / "config.json", (2, 2))


@pytest.mark.parametrize(
    "spoil",
    [
        write_as_much,
        lambda folder: (folder / "config.json").write_text("{}{}"),
        lambda folder: (folder / "config.json").unlink(),
        lambda folder: (folder / "forkjoin.json").unlink(),
        lambda folder: (folder / "forkjoin.json").write_text("half a rec"),
        lambda folder: (folder / "forkjoin.json").write_text('{"schema": 2}'),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_written_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object]
) -> None:
    write_with(monkeypatch, WRITE)
    folder = anyio.run(prepare)
    spoil(folder)
    assert anyio.run(prepare) == folder
    assert (folder / "config.json").read_text() == "{}"
    assert (cache / "writes").read_text() == "xx"
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [folder.name]


def test_who_may_read_the_cache_may_read_the_model(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir()
    cache.chmod(0o1777)
    write_with(monkeypatch, WRITE)
    folder = anyio.run(prepare)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_what_nobody_opened_for_a_month_makes_room_and_nothing_else(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_with(monkeypatch, WRITE)
    plain = anyio.run(prepare)
    adapters = [read_adapter(write_adapter(tmp_path / str(seed), seed=seed)) for seed in range(4)]
    first, second, third = (anyio.run(prepare, adapter) for adapter in adapters[:3])
    other = cache / "something-else"
    other.mkdir()
    for folder in (plain, first, second, other):
        os.utime(folder, (0, 0))
    anyio.run(prepare, adapters[1])
    assert first.exists()
    fourth = anyio.run(prepare, adapters[3])
    kept = {path for path in cache.iterdir() if path.is_dir()}
    assert kept == {second, third, fourth, other}


def test_a_disk_that_is_full_is_one_line_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "import os, sys; open(sys.argv[1] + '/x', 'w'); os.write(os.open('/dev/full', os.O_WRONLY), b'x')"
    write_with(monkeypatch, full)
    with pytest.raises(
        ModelPreparationFailed, match=r"No space left on device.*; make room there, or set FORKJOIN"
    ) as caught:
        anyio.run(prepare)
    assert len(str(caught.value).splitlines()) == 1
    assert [path for path in cache.iterdir() if path.is_dir()] == []


KILLED = """
import sys, anyio
from pathlib import Path
from engines.embedded_model import prepare
run = anyio.run_process
script = "import sys, time; open(sys.argv[1] + '/half', 'w'); print(flush=True); time.sleep(600)"

async def slowly(command, *, check):
    async with await anyio.open_process([sys.executable, "-c", script, command[-1]]) as writer:
        await writer.stdout.receive()
        print(writer.pid, flush=True)
        await writer.wait()

anyio.run_process = slowly
anyio.run(prepare)
"""


def test_one_that_was_killed_while_it_wrote_leaves_the_work_to_the_next(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("filelock")
    version = "import importlib.metadata; importlib.metadata.version = lambda name: '1.2.3'"
    command = [sys.executable, "-c", version + KILLED]
    writer = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as killed:
        try:
            assert killed.stdout is not None
            writer = int(killed.stdout.readline())
        finally:
            killed.kill()
            if writer is not None:
                os.kill(writer, signal.SIGKILL)
    assert [path for path in cache.iterdir() if path.name.startswith(".")] != []
    write_with(monkeypatch, WRITE)
    folder = anyio.run(prepare)
    assert (folder / "config.json").read_text() == "{}"
    assert [path for path in cache.iterdir() if path.is_dir()] == [folder]


def test_what_the_writer_refuses_is_told_without_a_word_of_the_disk(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_with(monkeypatch, "import sys; sys.stderr.write('it does not fit'); sys.exit(2)")
    adapter = read_adapter(write_adapter(tmp_path / "adapter"))
    with pytest.raises(
        ModelPreparationFailed, match=r"^it does not fit; the plain model is smollm2$"
    ):
        anyio.run(prepare, adapter)
    with pytest.raises(ModelPreparationFailed, match=r"^it does not fit$"):
        anyio.run(prepare)
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def test_a_cache_that_can_only_be_read_is_enough_for_what_is_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_with(monkeypatch, WRITE)
    folder = anyio.run(prepare)

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    assert anyio.run(prepare) == folder
    (folder / "config.json").unlink()
    with pytest.raises(
        ModelPreparationFailed, match=r"; allow reading and writing there, or set FORKJ"
    ):
        anyio.run(prepare)


def test_one_that_gives_up_waiting_leaves_the_lock_to_others(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        writing, go = anyio.Event(), anyio.Event()
        write_with(monkeypatch, WRITE)
        write = anyio.run_process

        async def slowly(command: list[str], *, check: bool) -> object:
            writing.set()
            await go.wait()
            return await write(command, check=check)

        monkeypatch.setattr(anyio, "run_process", slowly)
        with anyio.fail_after(300):
            async with anyio.create_task_group() as first:
                first.start_soon(prepare)
                await writing.wait()
                async with anyio.create_task_group() as second:
                    second.start_soon(prepare)
                    await anyio.wait_all_tasks_blocked()
                    second.cancel_scope.cancel()
                go.set()
            model_folder().rename(cache / "away")
            await prepare()

    anyio.run(main)
    assert (cache / "writes").read_text() == "xx"
