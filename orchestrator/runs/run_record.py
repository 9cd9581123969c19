"""Reads a run folder back, while the run goes on or after it ended, in this version's terms.

It takes what a killed process or a newer version left: a torn last line, events of kinds that it does not know,
files that are not there. A newer schema is refused. It writes nothing, and takes the run's lock from nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from ..errors import RunUnreadable
from ..events import SCHEMA_VERSION, Event
from .run_folder import check_there
from .run_lock import Holder, lock_holder
from .run_view import RunView

RunState = Literal["running", "ok", "failed", "cancelled", "deferred", "interrupted"]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_KINDS = get_args(get_args(Event)[0])
_FIELDS = {kind.model_fields["kind"].default: set(kind.model_fields) for kind in _KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as its folder tells it.

    Attributes:
        path: The folder.
        configuration: What it was asked to do; `command` are the options of the command line.
        state: `running` while a process works on it; how it ended; `interrupted` if it did not come to an end.
        holder: The process that works on it.
        view: What its events say.
        now: Seconds since the run began, or was gone on with; where nobody works on it, at its last event.
    """

    path: Path
    configuration: Mapping[str, Any]
    state: RunState
    holder: Holder | None
    view: RunView
    now: float

    @property
    def question(self) -> str:
        """What was asked."""
        return str(self.configuration.get("question") or self.view.question)

    @property
    def going_on(self) -> str:
        """The command that goes on with it."""
        return going_on(self.path, self.configuration)

    @property
    def going_on_with_results(self) -> str:
        """How one goes on that waits for calls that somebody else makes."""
        return f"go on from Python, with agent.resume({str(self.path)!r}, results={{node: ...}})"

    @property
    def seconds(self) -> float:
        """How long it has been worked on, in all its lives."""
        return self.view.earlier_seconds + self.now

    @property
    def reason(self) -> str:
        """Why it failed; empty if it did not."""
        return "" if self.view.end is None else self.view.end.reason

    @property
    def remark(self) -> str:
        """What a reader of the answer should know, such as what cut it; empty if nothing."""
        return "" if self.view.end is None else self.view.end.remark

    @property
    def answer(self) -> str | None:
        """Its answer; None if it has none."""
        return None if self.view.end is None else self.view.end.answer

    @property
    def started(self) -> datetime:
        """When it began."""
        return started_of(self.path, self.configuration)


class RunReader:
    """Reads the run in a folder, as often as it is asked; every time only what has come since.

    Args:
        path: The run folder.

    Attributes:
        unreadable: How many lines of its events are none, as what a killed process leaves at the end of a line.
    """

    def __init__(self, path: Path) -> None:
        self.unreadable = 0
        self._path = path
        self._offset = 0
        self._view = RunView()

    def read(self) -> RunRecord:
        """The run as it is now; the next call changes the record's `view`.

        Raises:
            RunUnreadable: It is not there, a newer version wrote it, or the operating system does not let it be read.
        """
        check_there(self._path)
        try:
            configuration = read_configuration(self._path)
            # In this order, so that an end that is written meanwhile is not missed.
            holder = lock_holder(self._path)
            for event in self.new_events():
                self._view.apply(event)
        except OSError as error:
            raise RunUnreadable(f"the run {self._path} cannot be read: {error}") from error
        return RunRecord(
            path=self._path,
            configuration=configuration,
            state=self._state(holder),
            holder=holder,
            view=self._view,
            now=self._view.time if holder is None else _seconds_since(holder.started),
        )

    def _state(self, holder: Holder | None) -> RunState:
        if holder is not None:
            return "running"
        return "interrupted" if self._view.end is None else self._view.end.status

    def new_events(self) -> Iterator[Event]:
        """What has happened since the last look; `read` looks too.

        Raises:
            RunUnreadable: A newer version wrote it.
            OSError: It cannot be read.
        """
        try:
            file = (self._path / "events.jsonl").open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._offset)
            for line in self._complete_lines(file):
                event = self._event(line)
                if event is not None:
                    yield event

    def _complete_lines(self, file: IO[bytes]) -> Iterator[bytes]:
        for line in file:
            # The last one may be torn, or not yet written to its end.
            if not line.endswith(b"\n"):
                return
            self._offset += len(line)
            yield line

    def _event(self, line: bytes) -> Event | None:
        try:
            return _EVENT.validate_json(line)
        except ValidationError:
            return self._foreign_event(line)

    def _foreign_event(self, line: bytes) -> Event | None:
        """What can be understood of a line that this version would not write."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            self.unreadable += 1
            return None
        try:
            check_version(self._path, data)
            fields = _FIELDS[data["kind"]]
            return _EVENT.validate_python({k: v for k, v in data.items() if k in fields})
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def read_configuration(path: Path) -> Mapping[str, Any]:
    """What the run in this folder was asked to do; empty if the file is not there.

    Raises:
        RunUnreadable: A newer version wrote it, or it is no YAML.
        OSError: It cannot be read.
    """
    import yaml

    # The fast loader comes with most builds of PyYAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load((path / "config.yaml").read_bytes(), loader)
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise RunUnreadable(f"{path / 'config.yaml'} is no YAML: {error}") from error
    configuration = content if isinstance(content, dict) else {}
    check_version(path, configuration)
    return configuration


def going_on(path: Path, configuration: Mapping[str, Any]) -> str:
    """The command that goes on with the run in a folder."""
    is_evaluation = configuration.get("kind") == "evaluation"
    return f"forkjoin {'eval --resume' if is_evaluation else 'resume'} {path}"


def started_of(path: Path, configuration: Mapping[str, Any]) -> datetime:
    """When the run in a folder began; for runs that do not say it, when the folder was last changed."""
    try:
        return datetime.fromisoformat(str(configuration.get("started")))
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()


def check_version(path: Path, data: Mapping[str, Any]) -> None:
    """Refuses what a newer version has written into the folder of a run.

    Raises:
        RunUnreadable: It did so.
    """
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RunUnreadable(
            f"the run {path} was written by a newer forkjoin (schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}): read it with that version"
        )


def _seconds_since(then: datetime) -> float:
    return max(0.0, (datetime.now().astimezone() - then).total_seconds())
