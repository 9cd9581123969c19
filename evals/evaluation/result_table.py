"""The figures of evaluations as a table for people: a row for each system on each task. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.runs.text_table import TextTable
from orchestrator.runs.words import printable

_SYSTEM = "system"
_HEAD = ("task", "n ", "k ", "avg@k ", "95 % ", "maj@k ", "pass@k ", "tokens ", "path ", "warnings")
_NOTE = "n problems, shares in %; tokens generated for a sample, all its calls counted, and on its critical path"
_POOLED = "all"


def result_table(several: Sequence[Mapping[str, Any]]) -> TextTable:
    """The figures that `figures` gives, of one evaluation or of several, which are told apart by their systems."""
    skipped = dict.fromkeys(told for one in several for told in one["skipped"])
    note = "\n".join([_NOTE, *map(printable, skipped)])
    if len(several) == 1:
        return TextTable(head=_HEAD, rows=list(_rows(several[0])), note=note)
    rows = [(one["system"], *row) for one in several for row in _rows(one)]
    return TextTable(head=(_SYSTEM, *_HEAD), rows=rows, note=note)


def _rows(metrics: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    parts = dict(metrics["tasks"])
    if len(parts) > 1:
        parts[_POOLED] = metrics["pooled"]
    for task, part in parts.items():
        yield (task, *_cells(part))


def _cells(part: Mapping[str, Any]) -> Iterator[str]:
    at = part["at"][-1] if part["at"] else None
    average = part["average"]
    yield f"{part['measured']:,}"
    yield "-" if at is None else f"{at['k']}"
    yield _share(average)
    yield "-" if average is None else f"{100 * average['low']:.1f}-{100 * average['high']:.1f}"
    yield _share(at and at["majority"])
    yield _share(at and at["pass"])
    for name in ("tokens", "critical_path"):
        yield "-" if part[name] is None else f"{part[name]['value']:,.0f}"
    yield ", ".join(warned(part))


def _share(estimate: Mapping[str, Any] | None) -> str:
    return "-" if estimate is None else f"{100 * estimate['value']:.1f}"


def warned(part: Mapping[str, Any]) -> Iterator[str]:
    """What should not be overlooked in a part of the figures; the report says it in the same words."""
    for what in ("failed", "truncated", "unanswered"):
        if part[what]:
            yield f"{part[what]:,} {what}"
    for warning, count in part["warnings"].items():
        # A text that was cut before an answer is among the truncated ones.
        if warning != "cut":
            yield f"{count:,} {warning}"
