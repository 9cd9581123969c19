"""Public datasets, by `datasets` itself over real HTTP: a first run, and later ones when the hub is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engines import MissingExtra
from evals import Dataset
from evals.tasks import hub
from tests.meta.sources import ROOT

from .loopback_hub import Repository, serving

pytest.importorskip("datasets")

OLD, NEW, ABSENT = "a" * 40, "b" * 40, "c" * 40
CARD = b"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
---
# Problems
"""
# What a process loads, and says of each; then once more, as where HF_HUB_OFFLINE is set, if that is asked for.
RUN = """
import json, sys
import anyio
from evals import Dataset, Task
from evals.tasks.loading import load

async def told(name, dataset):
    task = Task(name=name, about="", grader=lambda: None, dataset=Dataset(**dataset))
    try:
        loaded = await load(task, data=None, seed=0, limit=2)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"ids": [problem.id for problem in loaded.problems], "source": loaded.source}

async def main():
    wanted = json.load(sys.stdin)
    for offline in sys.argv[1:]:
        if offline == "True":
            # The variable is read when they are imported, which takes seconds.
            import datasets.config, huggingface_hub.constants
            datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
        print(json.dumps({name: await told(name, each) for name, each in wanted.items()}))

anyio.run(main)
"""


def lines(*rows: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def problems(*names: str) -> dict[str, bytes]:
    rows = [{"id": name, "question": f"{name}?", "answer": "1"} for name in names]
    return {"README.md": CARD, "data/train-00000.jsonl": lines(*rows)}


HUB = {
    "some/MixedCase-Set": Repository({NEW: problems("n1", "n2", "n3"), OLD: problems("o1")}),
    "some/plain": Repository({OLD: {"train.csv": b"problem,answer\n1 + 1?,2\n"}}),
    "some/gated": Repository({NEW: problems("g1")}, gated=True),
    "some/columns": Repository({NEW: {"train.jsonl": lines({"text": "x"}, {"text": "y"})}}),
    "some/calls": Repository(
        {
            NEW: {
                "questions.json": lines({"id": "p1", "problem": "Play?", "functions": [1, "x"]}),
                "answers/questions.json": lines({"id": "p1", "answer": "play()"}),
            }
        }
    ),
}
DATASETS: dict[str, dict[str, Any]] = {
    "pinned": {"id": "some/MixedCase-Set", "revision": OLD},
    "short": {"id": "some/MixedCase-Set", "revision": NEW[:7]},
    "newest": {"id": "some/MixedCase-Set"},
    "split": {"id": "some/MixedCase-Set", "revision": NEW, "split": "train[1:]"},
    "plain": {"id": "some/plain", "revision": OLD},
    "files": {
        "id": "some/calls",
        "revision": NEW,
        "files": ["questions.json", "answers/questions.json"],
    },
    "no commit": {"id": "some/MixedCase-Set", "revision": ABSENT},
    "no short": {"id": "some/MixedCase-Set", "revision": "ccccccc"},
    "no split": {"id": "some/MixedCase-Set", "revision": NEW, "split": "test"},
    "gated": {"id": "some/gated"},
    "columns": {"id": "some/columns", "revision": NEW},
    "nowhere": {"id": "some/nothing", "revision": NEW},
}

Told = dict[str, dict[str, Any]]


def told(url: str, home: Path, *offline: bool) -> list[Told]:
    """What a new process says."""
    # Nothing of a developer's own hub.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, offline)],
        cwd=ROOT,
        env={**variables, "HF_ENDPOINT": url, "HF_HOME": str(home)},
        input=json.dumps(DATASETS),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    home = tmp_path_factory.mktemp("hub")
    with serving(HUB) as url:
        (first,) = told(url, home, False)
    gone, offline = told(url, home, False, True)
    return {"first": first, "gone": gone, "offline": offline}


@pytest.mark.parametrize("run", ["first", "gone", "offline"])
@pytest.mark.parametrize(
    ("name", "ids", "revision", "verified"),
    [
        ("pinned", ["o1"], OLD, True),
        ("short", ["n1", "n2"], NEW, True),
        ("newest", ["n1", "n2"], NEW, False),
        ("split", ["n2", "n3"], NEW, True),
        ("plain", ["row-1"], OLD, True),
        ("files", ["p1"], NEW, True),
    ],
)
def test_a_dataset_is_read_at_its_commit_from_the_hub_and_then_from_the_cache(
    runs: dict[str, Told], run: str, name: str, ids: list[str], revision: str, verified: bool
) -> None:
    found = runs[run][name]
    assert found.get("ids") == ids, found
    assert found["source"] == {
        "kind": "dataset",
        "id": DATASETS[name]["id"],
        "name": None,
        "split": DATASETS[name].get("split", "train"),
        "revision": revision,
        "verified": verified,
    }


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("no commit", "DatasetUnavailable", f"some/MixedCase-Set has no commit {ABSENT}"),
        ("no short", "DatasetUnavailable", "has 0 commits that begin with ccccccc"),
        ("no split", "DatasetUnavailable", 'Unknown split "test"'),
        ("gated", "DatasetUnavailable", "/datasets/some/gated and run `hf auth login`"),
        ("columns", "ProblemFileError", "(some/columns row 1: problem: is missing)"),
        ("nowhere", "DatasetUnavailable", "some/nothing is not on the hub"),
    ],
)
def test_what_cannot_be_had_is_told_in_a_line_that_says_what_to_do(
    runs: dict[str, Told], name: str, error: str, message: str
) -> None:
    found = runs["first"][name]
    assert found["error"] == error
    assert message in found["message"]
    assert found["message"].endswith("with --data FILE")
    assert "\n" not in found["message"]


@pytest.mark.parametrize(
    ("run", "message"),
    [("gone", "cannot be read from the hub (Connect"), ("offline", "HF_HUB_OFFLINE")],
)
@pytest.mark.parametrize("name", ["no commit", "no short", "gated", "nowhere"])
def test_what_was_never_downloaded_takes_a_hub(
    runs: dict[str, Told], run: str, name: str, message: str
) -> None:
    found = runs[run][name]
    assert found["error"] == "DatasetUnavailable"
    assert message in found["message"]
    assert found["message"].endswith("with --data FILE")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"forkjoin\[data\]"):
        hub.fetched(Dataset(id="some/set"))
