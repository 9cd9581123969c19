"""The picture of the run in a folder, which follows the run while it goes on.

    look ──> events.jsonl, journal.sqlite, samples.jsonl: only what is new in them ──> Picture

It reads files and writes none. It does not know what is made of them.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import JournalError, RunUnreadable
from ..runs.run_files import journal_path
from ..runs.run_lock import lock_holder
from ..runs.run_record import RunReader, read_configuration, started_of
from .journal_watch import JournalWatch
from .kept_texts import AllTexts, KeptTexts, Text, conversation, snippets
from .lost_events import SAMPLES, events_of_results, sample_rows
from .picture.picture import Picture
from .picture.run_facts import facts_of

MOST_HITS = 200
"""How many places a search shows."""

_LONGEST_QUERY = 1_000
_CONFIGURATION = "config.yaml"
_EVENTS = "events.jsonl"
_JOURNAL = "journal.sqlite"
_NO_JOURNAL = "there is no journal, and so no text of a call"
_NO_TEXTS = "the texts of calls cannot be shown"


class RunPicture:
    """The picture of one run.

    Args:
        path: The run folder.

    Raises:
        RunUnreadable: It is not there, or a newer version wrote it.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise RunUnreadable(f"there is no run folder {path}: see forkjoin runs")
        self._path = path
        try:
            configuration = read_configuration(path)
            started = started_of(path, configuration).isoformat(timespec="milliseconds")
        except OSError as error:
            raise _unreadable(path, error) from error
        where = configuration.get("journal_dir")
        journal = journal_path(path, where if isinstance(where, str) else None)
        self._reader = RunReader(path)
        self._journal = JournalWatch(journal)
        self._texts = KeptTexts(journal)
        self._picture = Picture(facts_of(path.name, started, configuration))
        # What is missing, by the file.
        self._notes = {_JOURNAL: _NO_JOURNAL}
        if not configuration:
            self._notes[_CONFIGURATION] = f"{_CONFIGURATION} is missing, or empty"
        self._events = 0
        self._samples: tuple[int, int] | None = None
        self._live = False
        self._now = 0.0

    def look(self) -> None:
        """Takes what has come since the last look.

        Raises:
            RunUnreadable: It cannot be read.
        """
        was_live = self._live
        try:
            # In this order, so that an end that is written meanwhile is not missed.
            holder = lock_holder(self._path)
            for event in self._reader.new_events():
                self._events += 1
                self._picture.apply(event)
            self._look_at_journal()
            if holder is None:
                self._look_at_events()
            self._look_at_samples()
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._live = holder is not None
        if holder is not None:
            age = (datetime.now().astimezone() - holder.started).total_seconds()
            self._now = self._picture.life_began + max(0.0, age)
        if not self._live and (was_live or not self._picture.has_stopped):
            self._picture.stop()
        self._tell_notes()

    @property
    def size(self) -> int:
        """The bytes that a first look reads or passes by."""
        paths = (self._path / _EVENTS, self._path / SAMPLES, self._journal.path)
        return sum(path.stat().st_size for path in paths if path.is_file())

    @property
    def note(self) -> str:
        """What of the run is missing or cannot be read; empty if nothing."""
        return self._picture.facts.note

    @property
    def is_live(self) -> bool:
        """Whether somebody works on the run."""
        return self._live

    def data(self, since: int = 0) -> dict[str, Any]:
        """The picture as JSON data; only entities of changes later than `since`."""
        return self._picture.data(since, live=self._live, now=self._now)

    def text(self, key: str) -> Text | None:
        """The text of a key of the picture; None where there is none.

        Raises:
            JournalError: The journal cannot be read.
        """
        kept = self._texts.get(key) if self._has_journal else None
        return self._told_here().get(key) or kept

    def texts(self) -> dict[str, Any]:
        """All texts, as the page reads them from a file; where the journal cannot be read, the note tells it."""
        texts = AllTexts()
        try:
            texts = self._texts.everything() if self._has_journal else texts
        except JournalError as error:
            self._notes[_JOURNAL] = f"{_NO_TEXTS}: {self._reason(error)}"
            self._tell_notes()
        texts.texts.update(self._told_here())
        return texts.data()

    def search(self, query: str) -> dict[str, Any]:
        """Where texts hold a query.

        Raises:
            JournalError: The journal cannot be read.
        """
        query = query.strip()[:_LONGEST_QUERY]
        if not query:
            return {"hits": [], "more": False}
        here = ((key, _flat(text)) for key, text in self._told_here().items())
        texts = chain(here, self._texts.passages() if self._has_journal else ())
        return snippets(texts, query, self._nodes_of_texts(), MOST_HITS)

    @property
    def _has_journal(self) -> bool:
        return not self._notes[_JOURNAL]

    def _look_at_journal(self) -> None:
        try:
            news = self._journal.look()
        except JournalError as error:
            # Without texts there is still much to see.
            self._notes[_JOURNAL] = f"{_NO_TEXTS}: {self._reason(error)}"
            return
        if news is None:
            return
        self._notes[_JOURNAL] = ""
        for row in news.rows:
            self._picture.take_row(row)
        for id, node in news.tools:
            self._picture.take_tool(id, node)
        for path, value in news.decisions:
            self._picture.take_decision(path, value)

    def _reason(self, error: JournalError) -> str:
        """Why a journal cannot be read. What to do is for those who would go on with the run."""
        journal, cause = self._journal.path, error.__cause__
        if isinstance(cause, sqlite3.Error):
            return f"{journal.name} cannot be read: {cause}"
        # Others may read the page, whom it does not concern where the file is.
        return str(error).replace(str(journal), journal.name)

    def _tell_notes(self) -> None:
        self._picture.note("; ".join(note for note in self._notes.values() if note))

    def _look_at_events(self) -> None:
        """Of a run on which nobody works."""
        # Each time that a process is killed, it may leave a line that is torn.
        torn = self._reader.unreadable - self._picture.resumed
        if self._events:
            told = f"{torn} of the lines of {_EVENTS} cannot be read" if torn > 0 else ""
        elif not (self._path / _EVENTS).exists():
            told = f"{_EVENTS} is missing: what ran when is not known"
        else:
            told = f"{_EVENTS} holds nothing that can be read: what ran when is not known"
        self._notes[_EVENTS] = told
        if not self._events and not self._picture.nodes:
            for event in events_of_results(self._path):
                self._picture.apply(event)

    def _look_at_samples(self) -> None:
        """They are written once a run has ended, as a whole."""
        path = self._path / SAMPLES
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        if (status.st_mtime_ns, status.st_size) != self._samples:
            self._samples = status.st_mtime_ns, status.st_size
            rows = list(sample_rows(path))
            told = (
                f"{SAMPLES} holds nothing that can be read" if status.st_size and not rows else ""
            )
            self._notes[SAMPLES] = told
            self._picture.take_samples(rows)

    def _told_here(self) -> dict[str, Text]:
        """Texts that the picture keeps."""
        picture = self._picture
        told = {
            picture.nodes[id]["text"]: conversation(*whole)
            for id, whole in picture.nodes.whole.items()
        }
        if picture.plan_text:
            told["plan"] = conversation("", picture.plan_text)
        return told

    def _nodes_of_texts(self) -> dict[str, str]:
        nodes = self._picture.nodes
        return {
            **self._picture.nodes_of_texts,
            **{nodes[id]["text"]: id for id in nodes.whole},
        }


def _flat(text: Text) -> str:
    return "\n".join([*(turn["text"] for turn in text["turns"]), str(text["output"])])


def _unreadable(path: Path, error: OSError) -> RunUnreadable:
    return RunUnreadable(f"the run {path} cannot be read: {error}")
