"""The page about benchmarks tells of every part of the headline table, and its commands are ones that there are."""

from __future__ import annotations

import re
import shlex

import pytest

from benchmarks.gpu.catalogue import PARTS
from benchmarks.gpu.command import parser
from tests.meta.sources import ROOT

PAGE = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m benchmarks\.gpu (.*)$", PAGE, re.MULTILINE)


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the table under this heading, without its first two lines."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("heading", ["The table", "How each row is measured"])
def test_every_part_is_told(heading: str) -> None:
    names = [row[0].strip("`") for row in rows_under(heading) if row[0]]
    assert names == list(PARTS)


def test_every_row_has_a_figure_for_each_model_or_says_that_it_has_none() -> None:
    for *_, small, large in rows_under("The table"):
        assert small
        assert large


def test_every_option_is_told() -> None:
    told = {name for row in rows_under("Measure it") for name in re.findall(r"--[a-z]+", row[0])}
    known = set(re.findall(r"--[a-z]+", parser(PARTS).format_help()))
    assert told == known - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_can_be_run(command: str) -> None:
    assert parser(PARTS).parse_args(shlex.split(command)).part


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 2
