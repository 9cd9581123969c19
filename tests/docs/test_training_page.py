"""The page about training tells of every skill and every part of the evaluation."""

from __future__ import annotations

import re

from tests.meta.sources import ROOT
from training.evaluation.catalogue import PARTS
from training.skills.catalogue import SKILLS

PAGE = (ROOT / "docs/training.md").read_text(encoding="utf-8")


def rows_under(heading: str) -> list[str]:
    """The names that begin the rows of the first table whose first column is called so."""
    table = PAGE.partition(f"\n| {heading} | ")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)


def test_every_skill_is_told() -> None:
    assert sorted(rows_under("skill")) == sorted(SKILLS)


def test_every_part_of_the_evaluation_is_told() -> None:
    assert sorted(rows_under("part")) == sorted(PARTS)
