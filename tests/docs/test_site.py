from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from planners import PLANNERS
from reasoning import METHODS
from tests.meta.sources import ROOT
from tests.orchestrator.processes import in_process

CORE = ("Agent", "HttpEngine", "SelfConsistency", "Plan", "Task")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as strictly as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    command = (sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(folder))
    done = in_process(*command, folder=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_the_site_is_built_without_a_warning_and_has_every_page(site: Path) -> None:
    for kind, names in (("methods", METHODS), ("planners", PLANNERS)):
        for name in names:
            page = (site / kind / name / "index.html").read_text(encoding="utf-8")
            assert "options " not in "".join(re.findall(r"<!--(.*?)-->", page))
            assert name == "single" or "<table>" in page


def test_the_reference_has_what_is_public(site: Path) -> None:
    packages = ("engines", "reasoning", "planners", "orchestrator", "evals")
    pages = "".join((site / "reference" / p / "index.html").read_text("utf-8") for p in packages)
    for name in CORE:
        assert re.search(rf'id="[a-z]+\.{name}"', pages), name


def test_the_site_asks_nothing_of_other_hosts(site: Path) -> None:
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)|<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+href="(https?:[^"]+)'
    )
    for page in site.rglob("*.html"):
        assert loads.findall(page.read_text(encoding="utf-8")) == []
