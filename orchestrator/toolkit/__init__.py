"""Tools that are ready to use. None of them runs what a model writes as code."""

from __future__ import annotations

from .calculator import calculate
from .search import canned_search

__all__ = ["calculate", "canned_search"]
