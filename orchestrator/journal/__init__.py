"""Journals: what a run has done is kept, so that a run that died is begun again and goes on where it was."""

from __future__ import annotations

from .index import Spent
from .journal import FAILURES, Journal, JournalStatistics, open_journal
from .journaled_engine import JournaledEngine
from .journaled_tools import Begin, GivenResult, JournaledTools, keep_results
from .once import RepeatedName
from .reader import JournalReader, KeptCall, read_journal
from .writer import WriterStatistics

__all__ = [
    "FAILURES",
    "Begin",
    "GivenResult",
    "Journal",
    "JournalReader",
    "JournalStatistics",
    "JournaledEngine",
    "JournaledTools",
    "KeptCall",
    "RepeatedName",
    "Spent",
    "WriterStatistics",
    "keep_results",
    "open_journal",
    "read_journal",
]
