"""What a batch has finished, in the order in which it did: `OUT.jsonl.part`, beside the output.

    {"schema_version": 1, "input": {...}, "settings": {...}}      what it works on, and with what
    E "the engine's fingerprint"
    A 17 {"id": ...}                                              answered: line 17's line of the output
    F 18 {"line": 18, ...}                                        failed: its line of the errors
    U 19 {"line": 19, ...}                                        unavailable: to be done again

It is only ever added to, so that whatever kills the process leaves all but a torn last line. Of each line the last
record counts. In memory there is where that begins, 8 bytes for each. It does not know what a line says.
"""

from __future__ import annotations

import fcntl
import json
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..errors import BatchFileError, BatchUnusable
from .row import End, Finished

SCHEMA_VERSION = 1

_ENGINE = b"E"
_LETTERS: Mapping[End, bytes] = {"answered": b"A", "failed": b"F", "unavailable": b"U"}
_ENDS: Mapping[bytes, End] = {letter: end for end, letter in _LETTERS.items()}


class Record(NamedTuple):
    """What became of a line.

    Attributes:
        end: Whether it was answered.
        text: Its line of the output or of the errors, with a newline.
    """

    end: End
    text: bytes


class WorkFile:
    """The work file of one batch while it is at work on it; a `with` block gives it back.

    Where there is one of the same batch already, its records are this one's.

    Args:
        path: Where it is.
        lines: The numbers of the lines that the batch is to finish.
        head: What it works on, and with what: JSON data.
        again: Whether to begin anew, whatever is there.

    Attributes:
        counts: How many lines came to which end, so far.

    Raises:
        BatchUnusable: Another process works on it, or what is there belongs to another batch.
        BatchFileError: It cannot be written or read.
    """

    def __init__(
        self, path: Path, lines: range, head: Mapping[str, Any], *, again: bool = False
    ) -> None:
        self.path = path
        self.counts: Counter[End] = Counter()
        self._lines = lines
        # Where each line's last record begins; 0 where there is none, since the head is there. Below 0, it has to be
        # done again.
        self._places = array("q", bytes(8 * len(lines)))
        self._engine = ""
        with _telling(path, begun=path.exists()):
            self._file = _locked(path)
            try:
                if again:
                    self._file.truncate(0)
                self._end = self._read(head)
                self._file.truncate(self._end)
                self._file.seek(self._end)
                if not self._end:
                    self._write({"schema_version": SCHEMA_VERSION, **head})
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> WorkFile:
        return self

    def __exit__(self, *_: object) -> None:
        # What could not be written has been told.
        with suppress(OSError):
            self._file.close()

    def is_done(self, line: int) -> bool:
        """Whether a line needs nothing any more."""
        return self._places[line - self._lines.start] > 0

    @property
    def done(self) -> int:
        """How many lines need nothing any more."""
        return self.counts["answered"] + self.counts["failed"]

    @property
    def engine(self) -> str:
        """The fingerprint of who answered; empty if nobody was asked."""
        return self._engine

    def add(self, finished: Finished) -> None:
        """Keeps what became of a line.

        Raises:
            BatchUnusable: Another engine answered it than those before.
            BatchFileError: It cannot be written.
        """
        if finished.engine and finished.engine != self._engine:
            self._take_engine(finished.engine)
        start = self._end
        self._append(
            b"%b %d %b\n" % (_LETTERS[finished.end], finished.line, finished.text.encode())
        )
        self._note(finished.end, finished.line, start)

    def in_order(self) -> Iterator[Record]:
        """The last record of each line, in the order of the lines, as far as there are any."""
        with _telling(self.path), self.path.open("rb") as file:
            for place in self._places:
                if place:
                    file.seek(abs(place))
                    letter, _, text = file.readline().split(b" ", 2)
                    yield Record(_ENDS[letter], text)

    def remove(self) -> None:
        """Removes it from the disk."""
        with _telling(self.path):
            self.path.unlink()

    def _take_engine(self, fingerprint: str) -> None:
        if self._engine:
            raise BatchUnusable(
                f"{self.path} has answers of the engine {self._engine!r}, and this one is {fingerprint!r}: "
                f"go on with the same, or begin anew with --again"
            )
        self._engine = fingerprint
        self._append(b"%b %b\n" % (_ENGINE, json.dumps(fingerprint).encode()))

    def _write(self, data: Mapping[str, Any]) -> None:
        self._append(json.dumps(data).encode() + b"\n")

    def _append(self, record: bytes) -> None:
        with _telling(self.path):
            self._file.write(record)
            # A process that is killed loses only what the kernel has not got.
            self._file.flush()
        self._end += len(record)

    def _note(self, end: End, line: int, place: int) -> None:
        index = line - self._lines.start
        if self._places[index] < 0:
            self.counts["unavailable"] -= 1
        self._places[index] = -place if end == "unavailable" else place
        self.counts[end] += 1

    def _read(self, head: Mapping[str, Any]) -> int:
        """Takes what is there; returns where it ends, without what is torn."""
        place = 0
        for record in self._file:
            if not record.endswith(b"\n"):
                break
            if place == 0:
                check_head(self.path, record, head)
            else:
                # What a disk made of a record otherwise is none, and its line is done again.
                with suppress(ValueError):
                    self._read_record(record, place)
            place += len(record)
        return place

    def _read_record(self, record: bytes, place: int) -> None:
        letter, _, rest = record.partition(b" ")
        number, _, text = rest.partition(b" ")
        if letter == _ENGINE:
            self._engine = json.loads(rest)
        elif letter in _ENDS and text and int(number) in self._lines:
            self._note(_ENDS[letter], int(number), place)


def _locked(path: Path) -> IO[bytes]:
    """The file, open, and locked until it is closed, which the kernel sees to where the process is killed."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it before may have ended its batch since it was opened.
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BlockingIOError:
            file.close()
            raise BatchUnusable(
                f"another process works on {path}: wait for it, or stop it"
            ) from None
        except BaseException:
            file.close()
            raise
        file.close()


def check_head(path: Path, record: bytes, head: Mapping[str, Any]) -> dict[str, Any]:
    """What is there of a batch as JSON data, if it is this batch's.

    Raises:
        BatchUnusable: With what differs.
    """
    try:
        found: dict[str, Any] = json.loads(record)
        version = found["schema_version"]
    except (ValueError, KeyError, TypeError):
        raise BatchUnusable(
            f"{path} is no file of a batch: move it away, or choose another -o"
        ) from None
    if version != SCHEMA_VERSION:
        raise BatchUnusable(
            f"{path} is of another version of forkjoin (schema {version}, this one has {SCHEMA_VERSION}): "
            f"go on with that one, or begin anew with --again"
        )
    if found.get("input") != head["input"]:
        raise BatchUnusable(
            f"{path} was begun with another input: give the same, or begin anew with --again"
        )
    before, now = found.get("settings", {}), head["settings"]
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            option = f"--{name.replace('_', '-')}"
            raise BatchUnusable(
                f"{path} was begun with {option} {_told(before.get(name))}, and this is {_told(now.get(name))}: "
                f"write the same, or begin anew with --again"
            )
    return found


def _told(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "left out"
    return "left out" if value is None else str(value)


@contextmanager
def _telling(path: Path, *, begun: bool = True) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = (
            "what is finished is in it, and the same command, without --again, goes on"
            if begun
            else "choose another -o"
        )
        raise BatchFileError(
            f"{path} cannot be written: {error.strerror or error}: {advice}"
        ) from error
