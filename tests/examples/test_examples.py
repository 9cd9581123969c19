from __future__ import annotations

import importlib
import inspect
import random
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import anyio
import pytest

from engines import Choice, Context, FakeEngine, Sampling, ScriptedWorkers
from evals.game24 import makes_24, numbers_of, on_track
from examples import game24, workers
from orchestrator.tools.loading import load_tools
from reasoning import Hogwild
from tests.backends import run_virtually
from tests.meta.sources import ROOT

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")
WITH_TOOLS = [
    name
    for name in EXAMPLES
    if "\nTOOLS = " in (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
]

# What a module may not do while it is imported. One process has all of them: each is told by its name.
IMPORT = """
import importlib, sys, threading
before = set(threading.enumerate())
for name in sys.argv[1:]:
    example = importlib.import_module(f"examples.{name}")
    assert set(threading.enumerate()) == before, name
    assert not {"torch", "vllm", "transformers"} & set(sys.modules), name
    assert example.__doc__, name
    assert callable(getattr(example, "main", None)) or hasattr(example, "TOOLS"), name
"""


def test_examples_are_imported_without_doing_anything() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *EXAMPLES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_the_tools_of_an_example_can_be_loaded_and_are_described(name: str) -> None:
    tools = load_tools([f"examples.{name}:TOOLS"])
    assert tools
    assert all(tool.specification.description for tool in tools)


def test_there_are_examples() -> None:
    assert {"arithmetic", "game24", "quickstart", "workers"} <= {*EXAMPLES}
    assert "arithmetic" in WITH_TOOLS


def at_random(context: Context, sampling: Sampling) -> str:
    """A model that makes legal moves at random, and judges them right if it may think before."""
    if "verify-" not in context.path:
        assert isinstance(sampling.constraint, Choice)
        return random.Random(sampling.seed).choice(sampling.constraint.options)
    if sampling.constraint is None:
        return "Looking ahead."
    [question, thought, *_] = [turn.text for turn in context.turns if turn.role != "system"]
    numbers = numbers_of(question.partition("numbers ")[2].partition(":")[0].replace(",", ""))
    return "Yes" if "Looking ahead." in str(context.turns) and on_track(numbers, thought) else "No"


def test_the_search_of_an_example_solves_a_puzzle_with_a_model_that_moves_at_random() -> None:
    answer = run_virtually(partial(game24.solve, "4 5 6 10", FakeEngine(at_random), width=32))
    assert answer.value is not None
    assert makes_24([4, 5, 6, 10], answer.value)
    tree, verdict = game24.told("4 5 6 10", answer).split("\n\n")
    assert "(left: " in tree
    assert verdict == f"24 = {answer.value}"


def test_an_example_says_where_its_answer_is_not_24() -> None:
    answer = run_virtually(partial(game24.solve, "1 1 1 1", FakeEngine(at_random), width=4))
    assert answer.value is not None
    assert game24.told("1 1 1 1", answer).endswith(f"\n\nnot 24: {answer.value}")


@pytest.mark.parametrize(
    "puzzle", ["foo", "4 5 x 10", "4 5 6 1/0", "24", "-4 5 6", "1 1 1 1 1 1 1"]
)
def test_what_is_no_puzzle_is_told_in_a_line_before_an_engine_starts(
    puzzle: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["game24", *puzzle.split()])
    monkeypatch.setattr(game24, "local_engine", None)
    with pytest.raises(SystemExit) as end:
        game24.main()
    assert end.value.code == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"'{puzzle}' is no puzzle: give two to six whole numbers")


def test_workers_are_seen_writing(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(ScriptedWorkers(texts=("It is even.\n\n", "So \\boxed{84}.\n\n")))
    write = partial(workers.write, "What is 12 * 7?", engine, Hogwild(workers=2))
    transcript = run_virtually(write)
    assert "**Bob [1]:** So \\boxed{84}." in transcript
    told = capsys.readouterr().out
    assert "Alice | " in told
    assert "  Bob | " in told


# Who opens an engine, and which.
OPENS = {
    name: opener
    for name in EXAMPLES
    for opener in ("local_engine", "hogwild_engine")
    if f"with {opener}(" in (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
}


def started(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts an example with arguments; where it would open an engine, Opened is raised."""
    example = importlib.import_module(f"examples.{name}")
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.setattr(example, OPENS[name], _opened)
    main: Callable[[], Any] = example.main
    if inspect.iscoroutinefunction(main):
        anyio.run(main)
    else:
        main()


class Opened(Exception):
    pass


def _opened() -> NoReturn:
    raise Opened


@pytest.mark.parametrize("name", OPENS)
def test_help_is_given_without_an_engine(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        started(name, ["--help"], monkeypatch)
    assert end.value.code == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: ")
    assert printed.err == ""


@pytest.mark.parametrize("name", OPENS)
def test_that_an_engine_starts_is_said_before_it_does(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Opened):
        started(name, [], monkeypatch)
    assert re.match(
        "(starting|loading) .*the embedded model.*; this takes", capsys.readouterr().err
    )


def test_the_list_names_every_example_and_how_it_is_run() -> None:
    folder = ROOT / "examples"
    rows = [line for line in (folder / "README.md").read_text().splitlines() if "](" in line]
    for path in folder.glob("[!_R]*.*"):
        assert any(f"[{path.name}]({path.name})" in row for row in rows), path.name
    for module in re.findall(r"python -m (examples\.\w+)", "\n".join(rows)):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module
