from __future__ import annotations

import importlib.metadata
from pathlib import Path

import anyio
import pytest

from engines import MissingExtra, ModelPreparationFailed
from engines.embedded_model import cache_folder, model_folder, prepare

_RUN_PROCESS = anyio.run_process


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
        return await _RUN_PROCESS([command[0], "-c", script, command[-1]], check=check)

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
    assert model_folder() == cache / "SmolLM2-135M-Instruct-1.2.3"


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
    assert "FORKJOIN_CACHE" in message


WRITE = """
import pathlib, sys
target = pathlib.Path(sys.argv[1])
(target / "config.json").write_text("{}")
with open(target.parent / "writes", "a") as writes:
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
