from __future__ import annotations

import argparse
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from orchestrator.command_line import GROUP
from reasoning import METHODS
from tests.docs.snippets import DOCUMENTS
from tests.meta.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def help_of(name: str) -> str:
    """What a command says of its arguments."""
    (entry,) = (entry for entry in entry_points(group=GROUP) if entry.name == name)
    parser = argparse.ArgumentParser()
    entry.load().configure(parser)
    return parser.format_help()


def test_every_option_in_the_tables_of_the_readme_is_in_the_help() -> None:
    rows = re.findall(r"^\| (`--[^|]*) \|", README, re.MULTILINE)
    named = {option for row in rows for option in re.findall(r"`(--[a-z-]+)`", row)}
    assert len(named) >= 4
    told = help_of("run")
    assert [option for option in named if option not in told] == []


def test_every_name_in_the_tables_of_the_readme_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that no name goes over two lines.
    monkeypatch.setenv("COLUMNS", "1000")
    told = help_of("run")
    for option in ("planner", "reducer"):
        (row,) = re.findall(rf"^\| `--{option}` \| (.*) \|$", README, re.MULTILINE)
        names = re.findall(r"`([a-z-]+)`", row)
        assert names
        assert [name for name in names if name not in told] == []


def test_the_readme_tells_of_every_method() -> None:
    table = README.partition("| `--method` | what it does |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)]
    assert sorted(names) == sorted(METHODS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, place = link.partition("#")
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        found = document.parent / target if target else document
        assert found.exists(), link
        if place:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in [slug(heading) for heading in headings], link


def slug(heading: str) -> str:
    """What GitHub and MkDocs make of a heading."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")


def test_every_make_target_in_a_document_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^ *|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
