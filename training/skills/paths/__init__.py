"""Different ways to one result, side by side, and a summary that picks: what ParaThinker and SelfConsistency need."""

from __future__ import annotations

from .skill import DIVERSE, LONGER, SKILL, SUMMARY

__all__ = ["DIVERSE", "LONGER", "SKILL", "SUMMARY"]
