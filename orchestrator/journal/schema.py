"""The tables of a journal, and how a file is opened that has them.

Rows are only ever added, under ids that the writing process counts: there is no index to keep, and a journal grows by
what is written. What is there twice under one key or path counts as the last says.

    contexts    every node of every context once, after its parent
    calls       calls of engines; what one generated is the context with its id, which is in no other table. One that
                has not ended has neither text nor finish reason
    parts       what such a call received; gone when it ends
    requests    every way to sample, for every model
    tools       calls of tools: started, finished or failed
    decisions   what depended on time
    spend       what was taken from the accounts of a budget, to be summed up
    meta        what the run is

Seconds are those of the run, all its processes together. Texts that are no Unicode (half a surrogate pair) are blobs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import JournalError

SCHEMA_VERSION = 3
"""Also of what a key is made of: see `keys`."""

USAGE = "prompt_tokens, cached_tokens, generated_tokens, lower_bound"

_COLUMNS = {
    "contexts": "id INTEGER PRIMARY KEY, digest, parent, name, role, text, token_ids",
    "calls": "id INTEGER PRIMARY KEY, key, finish_reason, limited_by, ended, context, request, seed, started, "
    f"stop_reason, {USAGE}, text, token_ids, logprobs, passages",
    "parts": f"call, {USAGE}, text, token_ids, logprobs, passages",
    "requests": "id INTEGER PRIMARY KEY, sampling, fingerprint",
    "tools": "id INTEGER PRIMARY KEY, key, node, tool, arguments, started, ended, state, result",
    "decisions": "path, value, ended",
    "spend": f"account, calls, {USAGE}, money",
    "meta": "name TEXT PRIMARY KEY, value",
}

WIDTHS = {table: columns.count(",") + 1 for table, columns in _COLUMNS.items()}

# Nothing that is committed waits for the disk: a killed process loses none of it, a machine that loses its power the
# last seconds. What does wait for the disk is done by `checkpoints`. Rows of 2 to 6 kB fit better into large pages.
_SETTINGS = (
    "page_size = 16384",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 0",
)


def connect(path: Path) -> sqlite3.Connection:
    """Opens a journal to write it, and makes it if there is none.

    Raises:
        JournalError: It cannot be written, is no journal, or one of another schema.
    """
    with journal_errors(path, "written"):
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                connection.executescript(_creation())
            _check_version(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def connect_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a journal to read it, also while it is written; leaves no file behind, where there was none.

    Raises:
        JournalError: There is none, it cannot be read, or has another schema; or somebody began to write it meanwhile.
    """
    if not path.is_file():
        raise JournalError(f"there is no journal {path}: name a run that has one")
    # Beside a journal that others may be writing, SQLite makes files, and leaves them. Where its log is not there,
    # nobody is writing it: it is read as it is, and looked at again for somebody who began to.
    if Path(f"{path}-wal").exists():
        with _reading(path, "mode=ro") as connection:
            yield connection
        return
    before = _stamp(path)
    try:
        with _reading(path, "immutable=1") as connection:
            yield connection
    except JournalError as error:
        _check_unchanged(path, before, error)
        raise
    _check_unchanged(path, before)


@contextmanager
def _reading(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with (
        journal_errors(path, "read"),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection,
    ):
        _check_version(connection, path)
        yield connection


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _check_unchanged(
    path: Path, before: tuple[int, int] | None, error: JournalError | None = None
) -> None:
    if _stamp(path) != before:
        raise JournalError(
            f"the journal {path} was written while it was read: read it again"
        ) from error


# Of SQLite: the file is malformed, or no database.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ADVICE = {
    "written": "choose another folder with --journal-dir",
    "read": "see that you may read it and its folder",
}


@contextmanager
def journal_errors(path: Path, what: str) -> Iterator[None]:
    """Says of SQLite's errors what to do."""
    try:
        yield
    except sqlite3.Error as error:
        # Details are in the higher bits.
        is_damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
        lost = "calls that had finished may be lost: start a new run"
        raise JournalError(
            f"the journal {path} cannot be {what}: {error}; {lost if is_damaged else _ADVICE[what]}"
        ) from error


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found != SCHEMA_VERSION:
        raise JournalError(
            f"the journal {path} has schema {found}, and this version of forkjoin works with {SCHEMA_VERSION}: "
            f"resume it with the version that wrote it, or start a new run"
        )


def _creation() -> str:
    tables = [f"CREATE TABLE {table} ({columns});" for table, columns in _COLUMNS.items()]
    return "\n".join(
        [
            "BEGIN;",
            *tables,
            "CREATE INDEX parts_of_call ON parts (call);",
            f"PRAGMA user_version = {SCHEMA_VERSION};",
            "COMMIT;",
        ]
    )
