from __future__ import annotations

import re

import pytest
import yaml

from planners import PLANNERS
from reasoning import METHODS, REDUCERS, SCORERS, STOPPING_RULES
from tests.meta.sources import ROOT

DOCS = ROOT / "docs"
HEADINGS = (
    "When to take it",
    "What it costs",
    "Options",
    "From the command line",
    "From Python",
)
RULES = ("beam", "dvts", "rebase", "ets", "particles", "mcts")
PAGES = [("method", name) for name in METHODS] + [("planner", name) for name in PLANNERS]


def page(kind: str, name: str) -> str:
    return (DOCS / f"{kind}s" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "name"), PAGES)
def test_a_page_says_when_what_it_costs_how_and_after_whom(kind: str, name: str) -> None:
    text = page(kind, name)
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == HEADINGS
    for row in ("calls", "generated tokens", "critical path"):
        assert kind == "planner" or f"| {row} |" in text
    assert "\nAfter " in text or name == "single"


@pytest.mark.parametrize(("kind", "name"), PAGES)
def test_a_page_has_its_own_options_and_calls(kind: str, name: str) -> None:
    text = page(kind, name)
    asked = (
        f"<!-- options rule {name} method.rule -->"
        if name in RULES
        else f"<!-- options {kind} {name} -->"
    )
    assert asked in text
    shell = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    default = name == "llm-compiler"
    assert default or all(
        f"--{kind} {name}" in line for block in shell for line in block.splitlines()
    )
    assert shell
    assert "```python\n" in text


@pytest.mark.parametrize("kind", ["method", "planner"])
def test_the_overview_has_a_row_for_each(kind: str) -> None:
    rows = re.findall(r"^\| \[`([a-z-]+)`\]\(\1\.md\) \|", page(kind, "index"), re.MULTILINE)
    assert sorted(rows) == sorted(METHODS if kind == "method" else PLANNERS)


@pytest.mark.parametrize("names", [REDUCERS, SCORERS])
def test_reducers_and_scorers_are_listed(names: dict[str, object]) -> None:
    text = (DOCS / "reducers-and-scorers.md").read_text(encoding="utf-8")
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_stopping_rules_are_listed() -> None:
    text = page("method", "self-consistency")
    assert [name for name in STOPPING_RULES if f"| `{name}` |" not in text] == []


def test_every_page_is_in_the_contents() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[a-z0-9/-]+\.md", str(yaml.safe_load(text)["nav"])))
    assert listed == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}


def test_pages_are_named_in_links_as_in_the_contents() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    for name, path in re.findall(r"\[([A-Z][^\]]*)\]\(([\w/-]+\.md)\)", text):
        heading = (DOCS / path).read_text(encoding="utf-8").partition("\n")[0]
        assert heading == f"# {name}"


def test_the_readme_and_the_guide_begin_alike() -> None:
    """What a new user installs and runs first is the same, wherever it is read."""
    guide, readme = (
        re.sub(r"\\\n *", "", path.read_text(encoding="utf-8"))
        for path in (DOCS / "getting-started.md", ROOT / "README.md")
    )
    installs = re.compile(r"^ *(uv pip install '[^']*')", re.MULTILINE)
    assert installs.findall(guide) == installs.findall(readme) != []
    runs = re.compile(r"^ *(?:\.venv/bin/)?(forkjoin (?:run|view) .*)$", re.MULTILINE)
    assert runs.findall(guide)[:2] == runs.findall(readme)[:2] != []
